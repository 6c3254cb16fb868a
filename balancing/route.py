"""A route: which requests of a VIP and port are one service's. Only L7 sees requests, so only there.

    {"host": "shop.example", "path": "/video",
     "header": {"name": "X-Version", "value": "beta"}, "cookie": {"name": "group", "value": "b"}}

     condition   is met by
     host        the request's host, in any case of letters; the port beside it is not looked at
     path        a path that begins with its segments, whole ones: /video takes /video and /video/x, not /videos;
                 /video/ takes what is inside only: /video/ and /video/x, not /video; both as path.py compares them
     header      a field with exactly this value; its name in any case of letters
     cookie      a cookie with exactly this name and value

Rules kept here:

1. All conditions of a route must be met, and there is at least one.
2. Two routes are equal when they ask for the same: what may be written in several ways is stored in one of them.
3. What is meant is here; how it is found in the bytes of a request is the proxy's (l7proxy/routing.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from balancing.form import arguments
from balancing.path import normal_path
from layerlab import LabError

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 5.6.2
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"/([A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*")  # RFC 3986 3.3
_FIELD_VALUE = re.compile(r"[!-~]([\t -~]*[!-~])?")  # RFC 9110 5.5
_COOKIE_VALUE = re.compile(r'[!#-+\--:<-\[\]-~]+|"[!#-+\--:<-\[\]-~]*"')  # RFC 6265 4.1.1


@dataclass(frozen=True)
class Pair:
    """A name and the value that it must have: of a header field or of a cookie."""

    name: str
    value: str


@dataclass(frozen=True)
class Route:
    """The conditions of one service; None asks for nothing. Raises LabError for what no request could meet."""

    host: str | None = None
    path: str | None = None
    header: Pair | None = None
    cookie: Pair | None = None

    def __post_init__(self) -> None:
        if all(condition is None for condition in vars(self).values()):
            raise LabError("the route has no condition", "at least one of host, path, header, cookie",
                           "leave the route out: such a service takes every request")
        for name, normal in _NORMAL.items():
            if (condition := getattr(self, name)) is not None:
                object.__setattr__(self, name, normal(condition))

    def __str__(self) -> str:
        header = self.header and f"{self.header.name}: {self.header.value}"
        cookie = self.cookie and f"{self.cookie.name}={self.cookie.value}"
        words = {"host": self.host, "path": self.path, "header": header, "cookie": cookie}
        return ", ".join(f"{name} {word}" for name, word in words.items() if word)

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Route:
        """Read the object that a service has as its route. Raises LabError that names what is wrong."""
        fields = arguments(cls, form, "route")
        for name in ("header", "cookie"):
            if fields.get(name) is not None:
                fields[name] = Pair(**arguments(Pair, fields[name], f"route's {name}"))
        return cls(**fields)


def _checked(what: str, value: object, pattern: re.Pattern[str], expected: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise LabError(f"the route's {what} is {value!r}", expected)
    return value


def _host(value: object) -> str:
    return _checked("host", value, _HOST, "a name or address without a port, such as shop.example or [::1]").lower()


def _path(value: object) -> str:
    given = _checked("path", value, _PATH, "segments as they stand in a request, such as /video or /caf%C3%A9")
    path = normal_path(given)
    if path is None:
        raise LabError(f"the route's path is {value!r}", "one without dot-segments: no client sends them")
    return path


def _header(pair: Pair) -> Pair:
    name = _checked("header's name", pair.name, _TOKEN, "the name of a field, such as X-Version")
    return Pair(name.lower(), _checked("header's value", pair.value, _FIELD_VALUE, "visible ASCII"))


def _cookie(pair: Pair) -> Pair:
    _checked("cookie's name", pair.name, _TOKEN, "a token, such as group")
    _checked("cookie's value", pair.value, _COOKIE_VALUE, "what a cookie can hold: no space, comma, ; or \\")
    return pair


_NORMAL: dict[str, Callable[[Any], object]] = {"host": _host, "path": _path, "header": _header, "cookie": _cookie}
