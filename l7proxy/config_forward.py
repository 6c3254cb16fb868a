"""From the Form of [forward] to ForwardTerms: a forward proxy has no pools and no routes, but rules.

     [forward] ──► ForwardTerms     [[forward.rule]] ──► AccessRule     [forward.anonymity] ──► Anonymity
                                    [[forward.filter]] ──► FilterRule
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l7proxy.config_reader import Form, Reader
from l7proxy.forward.anonymity import Anonymity
from l7proxy.forward.filters import FilterRule
from l7proxy.forward.rules import Access, AccessRule
from l7proxy.forward.terms import ForwardTerms
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
    if None in rules or None in filters:
        return None
    table = tuple(filter(None, rules))
    if any(rule.users for rule in table) and users is None:
        reader.fault(form.path, "a rule asks for users, and there is no file of them", "users = a path",
                     "lab-proxy passwd USER makes an entry")
    if not reader.attempt((*form.path, "rule"), lambda: Access(table, form["default"], form["connect_ports"])):
        return None
    return ForwardTerms(table, form["default"], form["connect_ports"], form["realm"], form["reachable"], users,
                        anonymity or Anonymity(), tuple(filter(None, filters)))


def _filter(reader: Reader, form: Form) -> FilterRule | None:
    def made(fields: Mapping[str, Any]) -> FilterRule:
        return FilterRule(over_bytes=fields["over"], **{name: it for name, it in fields.items() if name != "over"})
    return reader.made(form, made, {"over_bytes": "over"})


def users_of(path: Path) -> Users:
    """The users in that file. Raises LabError."""
    try:
        return read_users(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"the file of users {path} can't be read: {error}", "entries, one a line",
                       "lab-proxy passwd USER makes one") from None
