"""[[pool]] to PoolTerms: its servers as a Service of layer l7, and beside it what only a proxy can do.

Rule: what a Service, a Backend or a HealthCheck says of itself when it is made is not checked here again; its field's
name leads to the key, and so to the line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from balancing import Backend, HealthCheck, Service
from balancing.algorithms import ALGORITHMS, find_algorithm
from l7proxy.balancer import Policy
from l7proxy.config import Address, Listener, PoolTerms
from l7proxy.config_reader import Form, Reader
from l7proxy.sticky import Sticky
from layerlab import LabError

SECRET = os.urandom(32)  # signs this process's cookies, where no file is given; a reload keeps it
SHORTEST_SECRET = 16     # bytes


def pool(reader: Reader, form: Form, number: int, listeners: Sequence[Listener], folder: Path) -> PoolTerms | None:
    """The pool that `form` describes, the `number`th; None after a fault."""
    health = _health(reader, form.fields.get("health"))
    secure = all(listener.tls for listener in listeners if listener.https_port is None)
    sticky = _sticky(reader, form, form.fields.get("sticky"), folder, secure)
    forms = form.fields.get("backends") or ()
    names: dict[object, Any] = {}
    made = [reader.made(one, lambda fields, n=n: _backend(n, fields))  # type: ignore[misc]
            for n, one in enumerate(forms, 1)]
    backends = tuple(filter(None, made))
    alone = [reader.unique((*one.path, "name"), "servers called", repr(backend.name), names)
             for one, backend in zip(forms, made, strict=True) if backend]
    if not form.whole or len(backends) < len(forms) or not all(alone):
        return None
    families = {backend.ip.version for backend in backends}
    if len(families) > 1:
        reader.fault((*form.path, "backends"), "there are IPv4 and IPv6 addresses in one pool", "one family in a pool")
        return None
    vip = _vip(listeners, families.pop()) or Address(backends[0].ip, backends[0].port or 0)
    service = reader.made(form, lambda fields: Service(
        number, fields["name"], vip.ip, "l7", backends, fields["algorithm"], port=vip.port, health=health))
    return PoolTerms(service, Policy(
        form["max_connections"], form["queue"], form["tries"], form["retry_ratio"], form["retry_burst"],
        sticky)) if service else None


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


def _sticky(reader: Reader, pool: Form, form: Form | None, folder: Path, secure: bool) -> Sticky | None:
    """How sessions of `pool` are known. secure: its clients speak TLS, all of them."""
    if form is None or not form.whole:
        return None
    if bool(form["cookie"]) is bool(form["hash"]):
        reader.fault(form.path, "sticky has " + ("both cookie and hash" if form["hash"] else "neither cookie nor hash"),
                     "one of them", 'sticky = { cookie = "lab" }')
    elif form["hash"]:
        if pool["algorithm"] and not find_algorithm(pool["algorithm"]).keyed:
            reader.fault((*form.path, "hash"), f"sticky by a hash, and {pool['algorithm']} reads none",
                         "one of " + ", ".join(word for word, kind in ALGORITHMS.items() if kind.keyed),
                         'algorithm = "maglev"')
        return Sticky(*form["hash"])
    secret = reader.attempt((*form.path, "secret_file"), lambda: _secret(form["secret_file"], folder))
    return Sticky("own", form["cookie"], secret or SECRET, secure)


def _secret(file: Path | None, folder: Path) -> bytes:
    """What cookies are signed with. Raises LabError if it can't be read, or could be guessed."""
    if file is None:
        return SECRET
    try:
        secret = (folder / file).read_bytes().strip()
    except OSError as error:
        raise LabError(f"secret_file: {str(folder / file)!r} can't be read: {error.strerror}", "a file") from None
    if len(secret) < SHORTEST_SECRET:
        raise LabError(f"secret_file: {len(secret)} bytes", f"at least {SHORTEST_SECRET}, which nobody can guess",
                       "openssl rand -hex 32 > secret")
    return secret
