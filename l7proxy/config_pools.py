"""[[pool]] to PoolTerms: its servers as a Service of layer l7, and beside it what only a proxy can do.

Rule: what a Service, a Backend or a HealthCheck says of itself when it is made is not checked here again; its field's
name leads to the key, and so to the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from balancing import Backend, HealthCheck, Service
from l7proxy.config import Address, Listener, PoolTerms, Sticky
from l7proxy.config_reader import Form, Reader

_AS_IT_IS = ("max_connections", "queue", "queue_s", "tries", "retry_budget")


def pool(reader: Reader, form: Form, number: int, listeners: Sequence[Listener]) -> PoolTerms | None:
    """The pool that `form` describes, the `number`th; None after a fault."""
    health = _health(reader, form.fields.get("health"))
    sticky = _sticky(reader, form.fields.get("sticky"))
    forms = form.fields.get("backends") or ()
    made = [reader.made(one, lambda fields, n=n: _backend(n, fields))  # type: ignore[misc]
            for n, one in enumerate(forms, 1)]
    backends = tuple(filter(None, made))
    if not form.whole or len(backends) < len(forms):
        return None
    families = {backend.ip.version for backend in backends}
    if len(families) > 1:
        reader.fault((*form.path, "backends"), "there are IPv4 and IPv6 addresses in one pool", "one family in a pool")
        return None
    vip = _vip(listeners, families.pop()) or Address(backends[0].ip, backends[0].port or 0)
    service = reader.made(form, lambda fields: Service(
        number, fields["name"], vip.ip, "l7", backends, fields["algorithm"], port=vip.port, health=health))
    terms = {key: form[key] for key in _AS_IT_IS}
    return PoolTerms(service, sticky=sticky, **terms) if service else None


def _backend(number: int, fields: Mapping[str, Any]) -> Backend:
    place = fields["address"]
    return Backend(number, fields["name"] or str(place), place.ip, port=place.port, weight=fields["weight"],
                   draining=fields["draining"])


def _vip(listeners: Sequence[Listener], family: int) -> Address | None:
    """Where clients of this family ask, which is what a server is asked for in a test; None if that is not known."""
    found = (listener.address for listener in listeners if listener.address.ip.version == family)
    return next((place for place in found if place.port and not place.ip.is_unspecified), None)


def _health(reader: Reader, form: Form | None) -> HealthCheck | None:
    return reader.each(form.path, HealthCheck, form.fields) if form and form.whole else None


def _sticky(reader: Reader, form: Form | None) -> Sticky | None:
    if form is None or not form.whole:
        return None
    if bool(form["cookie"]) is bool(form["hash"]):
        reader.fault(form.path, "sticky has " + ("both cookie and hash" if form["hash"] else "neither cookie nor hash"),
                     "one of them", 'sticky = { cookie = "lab" }')
    return Sticky(form["cookie"], form["hash"])
