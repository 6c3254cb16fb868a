"""What a value may be: the kinds of the configuration's keys, each with the words that the manual has for it.

     Key("queue_s", SECONDS, ...)     queue_s = "5s"  ──SECONDS.read──✗──► "a number from 0 to 86400"

Rule: a kind reads what tomllib gives and returns what Config holds, or raises a LabError that says what was expected;
where it stands, and what its key is called, is for the reader to say (config_reader.py).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balancing import ALGORITHMS, Pair, find_algorithm
from balancing.algorithms import is_own
from l7proxy.config import STDOUT, Address, Network
from l7proxy.forward.rules import Ports
from layerlab import LabError, choice

LONGEST_S = 86_400.0
_SIZE = re.compile(r"([0-9]{1,12})(B|KiB|MiB|GiB)")
UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_FIELD_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SERVER_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


@dataclass(frozen=True)
class Kind:
    """words: how the manual calls it. read: the value as Config holds it; raises LabError."""

    words: str
    read: Callable[[Any], Any]


def address(value: object, port: int | None = None) -> Address:
    """Read ADDRESS:PORT, an IPv6 address in brackets; `port` where there is none. Raises LabError."""
    text = value if isinstance(value, str) else ""
    host, digits = text, ""
    if text.startswith("["):
        host, _, digits = text[1:].partition("]")
        digits = digits.removeprefix(":")
    elif text.count(":") == 1:
        host, _, digits = text.partition(":")
    try:
        number = port if not digits else int(digits) if re.fullmatch("[0-9]{1,5}", digits) else -1
        if number is None or not 0 <= number <= 65_535:
            raise ValueError
        return Address(ipaddress.ip_address(host), number)
    except ValueError:
        form = "ADDRESS:PORT" if port is None else "ADDRESS[:PORT]"
        raise LabError(f"{value!r} is no address", form, "127.0.0.1:8080 or [::1]:8080") from None


def backend(value: object) -> dict[str, Any]:
    """Read ADDRESS:PORT[=WEIGHT] as a backend's fields. Raises LabError."""
    place, equals, weight = str(value).partition("=")
    if equals and not re.fullmatch("[0-9]{1,5}", weight):
        raise LabError(f"{value!r} is no server", "ADDRESS:PORT=WEIGHT", "127.0.0.1:8001=2")
    return {"address": place} | ({"weight": int(weight)} if equals else {})


def _of(kind: type, words: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise LabError("", words)
        return value
    return read


def whole(low: int, high: int) -> Kind:
    """A whole number within bounds."""
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise LabError("", f"a whole number from {low} to {high}")
        return value
    return Kind("whole number", read)


def number(low: float, high: float, words: str = "number") -> Kind:
    """A number within bounds."""
    def read(value: Any) -> float:
        if type(value) not in (int, float) or not low <= value <= high:
            raise LabError("", f"a number from {low:g} to {high:g}")
        return float(value)
    return Kind(words, read)


def one_of(*words: Any) -> Kind:
    """One of these words, or numbers."""
    def read(value: Any) -> Any:
        if value in words and type(value) is type(words[0]):
            return value
        if isinstance(value, str):
            choice("value", value, map(str, words))
        raise LabError("", "one of " + ", ".join(map(str, words)))
    return Kind(" or ".join(f"`{word}`" for word in words), read)


def several(words: str, read_one: Callable[[Any], Any]) -> Kind:
    """A list."""
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise LabError("", words)
        return tuple(map(read_one, value))
    return Kind(words, read)


def _matching(pattern: re.Pattern[str], expected: str, example: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise LabError(f"{value!r} is none", expected, example)
        return value
    return read


def _size(value: Any) -> int:
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise LabError("", "a size in B, KiB, MiB or GiB", '"64MiB"')
    return int(found[1]) * UNITS[found[2]]


def _path(value: Any) -> Path:
    if not isinstance(value, str) or not value or "\0" in value:
        raise LabError("", "a path, from the folder of this file on")
    return Path(value)


def _network(value: Any) -> Network:
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        raise LabError(f"{value!r} is no network" + (": " + str(error) if "host bits" in str(error) else ""),
                       "a network or an address", '"10.0.0.0/8" or "::1"') from None


def _algorithm(value: Any) -> str:
    if not isinstance(value, str):
        raise LabError("", "one of " + ", ".join(ALGORITHMS))
    return value if is_own(value) and find_algorithm(value) else choice("algorithm", value, ALGORITHMS)


def _pair(mark: str, example: str) -> Callable[[Any], Pair]:
    def read(value: Any) -> Pair:
        name, found, rest = value.partition(mark) if isinstance(value, str) else ("", "", "")
        if not found:
            raise LabError("", f"NAME{mark}VALUE", example)
        return Pair(name.strip(), rest.strip())
    return read


def _hashed(value: Any) -> tuple[str, str]:
    what, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if what not in ("header", "cookie") or not _FIELD_NAME.fullmatch(name):
        raise LabError("", "header:NAME or cookie:NAME", '"header:X-User"')
    return what, name.lower() if what == "header" else name


def _body(value: Any) -> bytes:
    return str(_of(str, "text")(value)).encode()


def _ports(value: Any) -> Ports:
    first, _, last = str(value).partition("-")
    if not re.fullmatch("[0-9]{1,5}", first) or not re.fullmatch("[0-9]{0,5}", last):
        raise LabError(f"{value!r} is no port", "a port, or FIRST-LAST", '80 or "8000-8099"')
    return Ports(int(first), int(last or first))


BOOL = Kind("`true` or `false`", _of(bool, "true or false"))
TEXT = Kind("text", _of(str, "text"))
BODY = Kind("text", _body)
SECONDS = number(0, LONGEST_S, "seconds")
RATIO = number(0, 1, "part, from 0 to 1")
SIZE = Kind("size", _size)
PATH = Kind("path", _path)
LOG = Kind("path, or `-`", lambda value: STDOUT if value == "-" else _path(value))
ADDRESS = Kind("`ADDRESS:PORT`", address)
ALGORITHM = Kind("algorithm", _algorithm)
HEADER = Kind("`NAME: VALUE`", _pair(":", '"X-Version: beta"'))
COOKIE = Kind("`NAME=VALUE`", _pair("=", '"group=b"'))
HASHED = Kind("`header:NAME` or `cookie:NAME`", _hashed)
TEXTS = several("list of texts", _of(str, "a list of texts"))
NAMES = several("list of names", _of(str, "a list of names"))
SERVER_NAMES = several("list of host names", _matching(_SERVER_NAME, "a host name", '"shop.example" or "*.example"'))
FIELD_NAMES = several("list of field names", _matching(_FIELD_NAME, "the name of a field", '"X-Runtime"'))
NETWORKS = several("list of networks", _network)
PORTS = several("list of ports", whole(1, 65_535).read)
PORT_RANGES = several("list of ports", _ports)
COOKIE_NAME = Kind("name", _matching(_FIELD_NAME, "a token", '"lab"'))
