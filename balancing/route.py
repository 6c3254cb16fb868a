"""A route: which requests of a VIP and port are one service's. Only L7 sees requests, so only there.

    {"host": "shop.example", "path": "/video",
     "header": {"name": "X-Version", "value": "beta"}, "cookie": {"name": "group", "value": "b"}}

     condition     is met by
     host          the request's host, in any case of letters; the port beside it is not looked at. *.shop.example takes
                   every name that ends so, with one label more or several: not shop.example itself
     path          a path that begins with its segments, whole ones: /video takes /video and /video/x, not /videos;
                   /video/ takes what is inside only: /video/ and /video/x, not /video
     path_exact    this path and no other
     path_pattern  a path of this shape: * is any characters within a segment, none too; ** at the end is any rest
     header        a field with exactly this value; its name in any case of letters
     cookie        a cookie with exactly this name and value
     method        one of these methods

Paths are compared as path.py says. Of the three that ask for a path, a route has one at most.

A pattern is no regular expression, for those of Python go back and try again: an expression that looks harmless can
take a request of 8 KiB for minutes. Without / in a *, and ** at the end only, each segment is matched by itself, its
stars from left to right, each as short as it can be and the last one up to the end: nothing is ever tried again, and
the cost is at most length of the path x length of the pattern.

Rules kept here:

1. All conditions of a route must be met, and there is at least one.
2. Two routes are equal when they ask for the same: what may be written in several ways is stored in one of them.
3. What is meant is here; how it is found in the bytes of a request is the proxy's (l7proxy/routing.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from balancing.form import arguments
from balancing.path import normal_path
from layerlab import LabError

_METHOD = re.compile(r"[A-Z][A-Z-]*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 5.6.2
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")
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
    path_exact: str | None = None
    path_pattern: str | None = None
    method: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if all(condition is None for condition in vars(self).values()):
            raise LabError("the route has no condition", "at least one of " + ", ".join(vars(self)),
                           "leave the route out: such a service takes every request")
        if len(paths := [name for name in _PATHS if getattr(self, name) is not None]) > 1:
            raise LabError(f"the route has {' and '.join(paths)}", "one of them", field=paths[1])
        for name, normal in _NORMAL.items():
            if (condition := getattr(self, name)) is not None:
                object.__setattr__(self, name, normal(condition))

    def __str__(self) -> str:
        words = vars(self) | {
            "header": self.header and f"{self.header.name}: {self.header.value}",
            "cookie": self.cookie and f"{self.cookie.name}={self.cookie.value}",
            "method": self.method and " or ".join(self.method),
        }
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
        raise LabError(f"the route's {what} is {value!r}", expected, field=what.partition("'")[0])
    return value


def _host(value: object) -> str:
    return _checked("host", value, _HOST, "a name or address without a port, such as shop.example, *.shop.example or "
                    "[::1]").lower()


def _path(value: object, what: str = "path") -> str:
    given = _checked(what, value, _PATH, "segments as they stand in a request, such as /video or /caf%C3%A9")
    path = normal_path(given)
    if path is None:
        raise LabError(f"the route's {what} is {value!r}", "one without dot-segments: no client sends them", field=what)
    return path


def _pattern(value: object) -> str:
    pattern = _path(value, "path_pattern")
    if "*" not in pattern or "**" in pattern.removesuffix("/**"):
        raise LabError(f"the route's path_pattern is {value!r}", "a path with * in its segments, or ** as the last one",
                       "/images/*.png or /users/*/photos/**", field="path_pattern")
    return pattern


def _header(pair: Pair) -> Pair:
    name = _checked("header's name", pair.name, _TOKEN, "the name of a field, such as X-Version")
    return Pair(name.lower(), _checked("header's value", pair.value, _FIELD_VALUE, "visible ASCII"))


def _cookie(pair: Pair) -> Pair:
    _checked("cookie's name", pair.name, _TOKEN, "a token, such as group")
    _checked("cookie's value", pair.value, _COOKIE_VALUE, "what a cookie can hold: no space, comma, ; or \\")
    return pair


def _methods(value: object) -> tuple[str, ...]:
    """They are told apart by case (RFC 9110 9.1); their order says nothing."""
    if isinstance(value, str) or not isinstance(value, Iterable) or not (names := list(value)):
        raise LabError(f"the route's method is {value!r}", "a list of methods", '["GET", "HEAD"]', field="method")
    for name in names:
        _checked("method", name, _METHOD, "a list of methods in capitals, such as GET and HEAD")
    return tuple(sorted(set(names)))


_PATHS = ("path", "path_exact", "path_pattern")
_NORMAL: dict[str, Callable[[Any], object]] = {
    "host": _host, "path": _path, "path_exact": lambda value: _path(value, "path_exact"), "path_pattern": _pattern,
    "header": _header, "cookie": _cookie, "method": _methods,
}
