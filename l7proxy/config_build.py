"""From Forms to a Config: what no single key shows, such as names that lead nowhere.

     [[listener]] ──► Listener     [[pool]] ──config_pools.py──► PoolTerms     [[route]] ──config_rules.py──► Rule

Rules kept here:

1. Whatever is wrong is noted, and what can still be checked is checked.
2. A name leads somewhere if it is written there, even if something else there is wrong: that is told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l7proxy.config import STDOUT, CacheTerms, Certificate, Config, Listener, Logs
from l7proxy.config_forward import forward
from l7proxy.config_pools import pool
from l7proxy.config_reader import Form, Reader, title
from l7proxy.config_rules import rules
from l7proxy.forwarded import Forwarding
from l7proxy.framing import DROP, RESPONSE_FIELDS
from l7proxy.limits import Limits


def build(reader: Reader, values: dict[str, Any], folder: Path) -> Config:
    """The Config of these values. folder: where the paths in them begin. Raises Faults with all that is wrong."""
    form = reader.table(values, "")
    certificates = [_certificate(reader, one, folder) for one in form["certificate"]]
    _all_unique(reader, form["certificate"], "certificates")
    listeners = _listeners(reader, form["listener"] or (), [one["name"] for one in form["certificate"] if one.fields])
    pools = [pool(reader, one, number, listeners, folder) for number, one in enumerate(form["pool"], 1)]
    _all_unique(reader, form["pool"], "pools")
    table = rules(reader, form, listeners) if form["forward"] is None else []
    _one_face(reader, form)
    terms = forward(reader, form["forward"], folder) if form["forward"] is not None else None
    limits = reader.made(form["limits"], lambda fields: Limits(**fields))
    hidden = _hidden(reader, form["hide"])
    reader.check()
    return Config(
        listeners=tuple(listeners), pools=tuple(filter(None, pools)), rules=tuple(table),
        certificates=tuple(filter(None, certificates)),
        cache=reader.made(form["cache"], lambda it: CacheTerms(it["size"], min(it["size"], it["max_object"]))),
        forwarding=reader.made(form["forwarded"], lambda fields: Forwarding(fields["send"], fields["trusted"]))
        or Forwarding(),
        hidden=hidden,
        logs=_logs(form["log"], folder), limits=limits or Limits(),
        api=folder / form["api"]["socket"] if form["api"] else None, forward=terms)


def _one_face(reader: Reader, form: Form) -> None:
    """A file is a reverse proxy's or a forward proxy's."""
    if form["forward"] is not None:
        for key in ("pool", "route", "hide"):
            if form[key]:
                reader.fault((key,), f"there is {title(key)} beside [forward]", "one or the other")


def _all_unique(reader: Reader, forms: Sequence[Form], what: str) -> None:
    seen: dict[object, Any] = {}
    for form in forms:
        if name := form.fields.get("name"):
            reader.unique((*form.path, "name"), f"{what} called", repr(name), seen)


def _certificate(reader: Reader, form: Form, folder: Path) -> Certificate | None:
    for key in ("cert", "key"):
        if form.whole and not (folder / form[key]).is_file():
            reader.fault((*form.path, key), f"{key}: there is no file {str(folder / form[key])!r}", "a file in PEM")
    return reader.made(form, lambda fields: Certificate(
        fields["name"], folder / fields["cert"], folder / fields["key"],
        tuple(name.lower() for name in fields["names"])))


def _listeners(reader: Reader, forms: Sequence[Form], certificates: Sequence[str]) -> list[Listener]:
    """Those that are whole."""
    places: dict[object, Any] = {}
    names: dict[object, Any] = {}
    found = []
    for form in forms:
        if not form.whole:
            continue
        _check_listener(reader, form, certificates)
        listener = _listener(form, certificates)
        place = listener.address
        if place.port == 0 or reader.unique((*form.path, "address"), "listeners at", place, places):
            reader.unique((*form.path, "name"), "listeners called", repr(listener.name), names)
        found.append(listener)
    return found


def _check_listener(reader: Reader, form: Form, certificates: Sequence[str]) -> None:
    """Whether what is said of TLS goes together."""
    def wrong(key: str, saw: str, expected: str) -> None:
        reader.fault((*form.path, key), saw, expected)
    if not form["tls"] and form["certificates"]:
        wrong("certificates", "there are certificates for a listener without TLS", "tls = true beside them")
    if form["tls"] and form["redirect_to_https"]:
        wrong("redirect_to_https", "clients of this listener speak TLS already", "this key where tls is false")
    if form["tls"] and not certificates:
        wrong("tls", "tls is true, and there is no certificate", "at least one [[certificate]]")
    for place, name in enumerate(form["certificates"] if form["tls"] else ()):
        reader.named((*form.path, "certificates", place), name, certificates, "certificate")


def _listener(form: Form, certificates: Sequence[str]) -> Listener:
    shown = form["certificates"] or tuple(certificates) if form["tls"] else ()
    return Listener(form["name"] or str(form["address"]), form["address"], shown, form["redirect_to_https"])


def _hidden(reader: Reader, form: Form | None) -> tuple[str, ...]:
    """The names in small letters; none of them one that the proxy itself reads or writes."""
    names = tuple(name.lower() for name in form["fields"] or ()) if form and form.fields else ()
    for place, name in enumerate(names):
        if RESPONSE_FIELDS.get(name.encode(), DROP) is not DROP:
            assert form is not None
            reader.fault((*form.path, "fields", place), f"{name} is the proxy's own to write", "another field")
    return names


def _logs(form: Form | None, folder: Path) -> Logs:
    if form is None:
        return Logs()
    access, events = form["access"], form["events"]
    if access and access != STDOUT:
        access = folder / access
    return Logs(access, form["format"], folder / events if events else None, form["explain"])
