"""The JSON form of what passes between rooms: a frozen dataclass as an object with named fields.

     Service(id=1, vip=IPv4Address("10.0.0.100"), port=None, ...)  ◄──►  {"id": 1, "vip": "10.0.0.100", ...}

Rule: a field that is None is left out, and a name that is no field is refused, with the nearest that is one.
An error names the field, what was seen and what was expected.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping
from typing import Any

from layerlab import LabError, choice

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def plain(value: Any) -> Any:
    """`value` in what JSON knows: objects, lists, strings, numbers."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain(inner) for name, inner in pairs if inner is not None}
    if isinstance(value, tuple):
        return [plain(inner) for inner in value]
    return str(value) if isinstance(value, IPAddress) else value


def arguments(kind: type[Any], form: Any, what: str) -> dict[str, Any]:
    """The arguments of `kind`'s constructor in `form`; LabError for what is missing or unknown."""
    if not isinstance(form, Mapping):
        raise LabError(f"a {what} is {form!r}", "an object with named fields")
    known = {field.name: field for field in dataclasses.fields(kind)}
    for name in form:
        choice(f"field of a {what}", str(name), known, field=str(name))
    missing = [name for name, field in known.items()
               if field.default is dataclasses.MISSING and name not in form]
    if missing:
        raise LabError(f"{what} {form.get('name')!r} has no {missing[0]}", "that field: " + ", ".join(known),
                       field=missing[0])
    return dict(form)


def whole_within(where: str, field: str, value: object, low: int, high: int) -> None:
    """Raise LabError unless `value` is a whole number from `low` to `high`."""
    if type(value) is not int or not low <= value <= high:
        raise LabError(f"{where}: {field} is {value!r}", f"a whole number from {low} to {high}", field=field)


def number_within(where: str, field: str, value: object, low: float, high: float) -> None:
    """Raise LabError unless `value` is a number from `low` to `high`; NaN is within nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise LabError(f"{where}: {field} is {value!r}", f"a number from {low:g} to {high:g}", field=field)


def printable(where: str, field: str, value: object) -> None:
    """Raise LabError unless `value` is a name: 1 to 100 characters that can be printed."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 100:
        raise LabError(f"{where}: {field} is {value!r}", "1 to 100 characters that can be printed", field=field)


def ip_address(where: str, field: str, value: object) -> IPAddress:
    """`value` as an address. Raises LabError if it is none; a number is none, though Python would make one of it."""
    try:
        return ipaddress.ip_address(value if isinstance(value, str | IPAddress) else "")
    except ValueError:
        raise LabError(f"{where}: {field} is {value!r}", "an IP address, such as 10.0.0.100", field=field) from None
