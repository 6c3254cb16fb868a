"""From the Form of [forward] to ForwardTerms: a forward proxy has no pools and no routes, but rules.

     [forward] ──► ForwardTerms     [[forward.rule]] ──► AccessRule     [forward.anonymity] ──► Anonymity
                                    [[forward.filter]] ──► FilterRule
     [forward.traffic] ──► TrafficTerms    [forward.requests] ──► RequestRate
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from l7proxy.config_lines import KeyPath
from l7proxy.config_reader import Form, Reader
from l7proxy.forward.admission import RequestRate
from l7proxy.forward.anonymity import Anonymity
from l7proxy.forward.filters import FilterRule
from l7proxy.forward.rules import Access, AccessRule
from l7proxy.forward.shaped import client_of
from l7proxy.forward.terms import ForwardTerms, TrafficTerms
from l7proxy.forward.traffic import Share
from l7proxy.forward.users import Users, read_users
from layerlab import LabError


def forward(reader: Reader, form: Form, folder: Path) -> ForwardTerms | None:
    """The terms; None after a fault. folder: where the path of the file of users begins."""
    if not form.whole:
        return None
    rules = [reader.made(one, lambda fields: AccessRule(**fields)) for one in form["rule"]]
    filters = [_filter(reader, one) for one in form["filter"]]
    names: dict[object, Any] = {}
    for one in form["filter"]:
        if name := one.fields.get("name"):
            reader.unique((*one.path, "name"), "filters called", repr(name), names)
    anonymity = reader.made(form["anonymity"], lambda fields: Anonymity(**fields))
    users = folder / form["users"] if form["users"] is not None else None
    if users is not None:
        reader.attempt((*form.path, "users"), lambda: users_of(users))
    traffic = _traffic(reader, form["traffic"]) if form["traffic"] else None
    requests = reader.made(form["requests"], lambda fields: RequestRate(**fields))
    if None in rules or None in filters:
        return None
    table = tuple(filter(None, rules))
    if any(rule.users for rule in table) and users is None:
        reader.fault(form.path, "a rule asks for users, and there is no file of them", "users = a path",
                     "lab-proxy passwd USER makes an entry")
    if not reader.attempt((*form.path, "rule"), lambda: Access(table, form["default"], form["connect_ports"])):
        return None
    return ForwardTerms(table, form["default"], form["connect_ports"], form["realm"], form["reachable"], users,
                        anonymity or Anonymity(), tuple(filter(None, filters)), traffic, requests)


def _filter(reader: Reader, form: Form) -> FilterRule | None:
    def made(fields: Mapping[str, Any]) -> FilterRule:
        return FilterRule(over_bytes=fields["over"], **{name: it for name, it in fields.items() if name != "over"})
    return reader.made(form, made, {"over_bytes": "over"})


def _traffic(reader: Reader, form: Form) -> TrafficTerms | None:
    """The terms of [forward.traffic]; None after a fault."""
    if not form.whole:
        return None
    seen: dict[object, KeyPath] = {}
    shares = {}
    for one in form["share"]:
        name = reader.attempt(one.path, lambda: _whose(one["name"], form["per"]))  # noqa: B023
        if name is not None and reader.unique((*one.path, "name"), "shares of", name, seen):
            shares[name] = reader.made(one, lambda fields: _share(fields, form["total"]), _SHARE_KEYS)
    share = reader.made(form, lambda fields: _share(fields, fields["total"]), _SHARE_KEYS)
    if share is None or len(shares) < len(form["share"]) or None in shares.values():
        return None
    return reader.made(form, lambda fields: TrafficTerms(
        share, fields["total"], {name: one for name, one in shares.items() if one}, fields["per"], fields["burst_s"]))


_SHARE_KEYS = {"assured": "rate", "ceiling": "ceil"}


def _share(fields: Mapping[str, Any], total: int | None) -> Share:
    return Share(fields["rate"], fields["ceil"] or total or fields["rate"])


def _whose(name: str, per: str) -> str:
    """What a client is called in the Shaper. Raises LabError if it can be nobody."""
    try:
        return client_of(ip_address(name))
    except ValueError:
        if per == "user" and name:
            return name
        raise LabError(f"{name!r} is no address", "an address, or a user beside per = \"user\"",
                       field="name") from None


def users_of(path: Path) -> Users:
    """The users in that file. Raises LabError."""
    try:
        return read_users(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"the file of users {path} can't be read: {error}", "entries, one a line",
                       "lab-proxy passwd USER makes one") from None
