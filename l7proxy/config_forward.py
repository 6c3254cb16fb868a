"""From the Form of [forward] to ForwardTerms: a forward proxy has no pools and no routes, but rules.

     [forward] ──► ForwardTerms     [[forward.rule]] ──► AccessRule     [forward.anonymity] ──► Anonymity
"""

from __future__ import annotations

from pathlib import Path

from l7proxy.config_reader import Form, Reader
from l7proxy.forward.anonymity import Anonymity
from l7proxy.forward.rules import Access, AccessRule
from l7proxy.forward.terms import ForwardTerms
from l7proxy.forward.users import Users, read_users
from layerlab import LabError


def forward(reader: Reader, form: Form, folder: Path) -> ForwardTerms | None:
    """The terms; None after a fault. folder: where the path of the file of users begins."""
    if not form.whole:
        return None
    rules = [reader.made(one, lambda fields: AccessRule(**fields)) for one in form["rule"]]
    anonymity = reader.made(form["anonymity"], lambda fields: Anonymity(**fields))
    users = folder / form["users"] if form["users"] is not None else None
    if users is not None:
        reader.attempt((*form.path, "users"), lambda: users_of(users))
    if None in rules:
        return None
    table = tuple(filter(None, rules))
    if any(rule.users for rule in table) and users is None:
        reader.fault(form.path, "a rule asks for users, and there is no file of them", "users = a path",
                     "lab-proxy passwd USER makes an entry")
    if not reader.attempt((*form.path, "rule"), lambda: Access(table, form["default"], form["connect_ports"])):
        return None
    return ForwardTerms(table, form["default"], form["connect_ports"], form["realm"], form["reachable"], users,
                        anonymity or Anonymity())


def users_of(path: Path) -> Users:
    """The users in that file. Raises LabError."""
    try:
        return read_users(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"the file of users {path} can't be read: {error}", "entries, one a line",
                       "lab-proxy passwd USER makes one") from None
