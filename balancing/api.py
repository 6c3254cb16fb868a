"""The operator's API: what can be asked of pools while they run. A request in, a status and a JSON form out; pure.

    GET    /services                         every pool
    GET    /services/WEB                     one: its algorithm, its servers, and how they are
    PATCH  /services/WEB                     {"algorithm": "least-connections"}
    POST   /services/WEB/backends            {"name": "srv4", "ip": "10.0.10.4", "mac": "02:00:0a:00:02:04"}
    PATCH  /services/WEB/backends/SRV1       {"weight": 3} or {"draining": true}
    DELETE /services/WEB/backends/SRV1       once it has no unit left; ?now=true lets its units go
    GET    /counters                         of a proxy: what it has counted (l7proxy/counters.py)
    GET    /explanations/ID                  of a proxy: why one request went where it went (l7proxy/explain.py)

     status   when                                     the form then
     200      it was done (201: a server was added)    the pool as it is now
     400      the request is wrong                     {"error": what was seen, "expected", "hint", "field": which}
     404 405  no such path, or not with that method    the same
     409      not now: the server still has units      the same

Weight 0 drains, as "draining" does. Controller and proxy answer alike (each for its own services), on a Unix socket
that only the user who runs them can open:

    curl --unix-socket /run/lab/flat1/controller.sock http://lab/services
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from balancing.claims import check_services
from balancing.form import arguments, plain
from balancing.pool import Pool, Server
from balancing.service import Backend
from layerlab import LabError, choice

MAX_BODY_BYTES = 65_536
Answer = tuple[int, Any]  # HTTP status, and what JSON can say
View = Callable[[list[str]], Any]


class Api:
    """What an operator may ask of these pools.

    pools:   by the names of their services.
    changed: called after each change with the pool, for whoever has to follow: rules, connections.
    views:   what else can be looked at, by the first word of its path; called with the words after it. Raises LabError
             if there is nothing.
    """

    def __init__(self, pools: Mapping[str, Pool], changed: Callable[[Pool], object] = lambda pool: None,
                 views: Mapping[str, View] = MappingProxyType({})) -> None:
        self.pools, self.changed, self.views = pools, changed, views

    def answer(self, method: str, target: str, body: bytes = b"") -> Answer:
        """The answer to one request. target: the path, and a query where there is one. Raises nothing."""
        try:
            words, query = _split(target)
            if words[0] in self.views:
                return self._view(method, words)
            act, found = self._find(method, words)
            return act(self, *found, _form(body) | _flags(query))
        except _Refused as refused:
            return refused.status, _complaint(refused)
        except LabError as error:
            return 400, _complaint(error)

    def _view(self, method: str, words: list[str]) -> Answer:
        """Look at what isn't a pool. Raises _Refused if it isn't there."""
        if method != "GET":
            raise _Refused(405, f"{method} is not for /{words[0]}", "GET")
        try:
            return 200, self.views[words[0]](words[1:])
        except LabError as error:
            raise _Refused(404, error.saw, error.expected, error.hint) from None

    def _find(self, method: str, words: list[str]) -> tuple[Callable[..., Answer], list[Pool | Server]]:
        """What is to be done, and to whom. Raises _Refused if there is no such thing here."""
        shape = "/".join(word if place % 2 == 0 else "*" for place, word in enumerate(words))
        acts = _ACTS.get(shape)
        if acts is None:
            raise _Refused(404, f"there is nothing at /{'/'.join(words)}", "/services, /services/WEB, "
                           "/services/WEB/backends or /services/WEB/backends/SRV1")
        if method not in acts:
            raise _Refused(405, f"{method} is not for /{shape}", f"one of {', '.join(acts)}")
        try:
            found: list[Pool | Server] = []
            if len(words) > 1:
                found.append(pool := self.pools[choice("service", words[1], self.pools)])
            if len(words) > 3:
                found.append(pool.server(words[3]))
        except LabError as error:
            raise _Refused(404, error.saw, error.expected, error.hint) from None
        return acts[method], found

    # -- what can be done ----------------------------------------------------------------------

    def _show_all(self, form: Mapping[str, Any]) -> Answer:
        _only(form)
        return 200, [state(pool) for pool in self.pools.values()]

    def _show(self, pool: Pool, form: Mapping[str, Any]) -> Answer:
        _only(form)
        return 200, state(pool)

    def _set(self, pool: Pool, form: Mapping[str, Any]) -> Answer:
        word = _one(form, {"algorithm": str})
        pool.set_algorithm(word)
        return self._done(pool)

    def _add(self, pool: Pool, form: Mapping[str, Any]) -> Answer:
        number = max((backend.id for backend in pool.service.backends), default=0) + 1
        backend = Backend(**arguments(Backend, {"id": number, **form}, "backend"))
        others = [other.service for other in self.pools.values() if other is not pool]
        check_services([*others, pool.service.with_backends((*pool.service.backends, backend))])
        pool.add(backend)
        return self._done(pool, 201)

    def _change(self, pool: Pool, server: Server, form: Mapping[str, Any]) -> Answer:
        value = _one(form, {"weight": int, "draining": bool})
        if "weight" in form:
            pool.set_weight(server, value)
        else:
            pool.drain(server, value)
        return self._done(pool)

    def _remove(self, pool: Pool, server: Server, form: Mapping[str, Any]) -> Answer:
        _only(form, "now")
        if server.active and not form.get("now"):
            units = "1 unit" if server.active == 1 else f"{server.active} units"
            raise _Refused(409, f"{server.name} still has {units}", "none: drain it and wait",
                           "?now=true (./lab pool remove --now), which ends them")
        pool.remove(server)
        return self._done(pool)

    def _done(self, pool: Pool, status: int = 200) -> Answer:
        self.changed(pool)
        return status, state(pool)


# What a path's even words are, "*" for a name; then the method.
_ACTS: dict[str, dict[str, Callable[..., Answer]]] = {
    "services": {"GET": Api._show_all},
    "services/*": {"GET": Api._show, "PATCH": Api._set},
    "services/*/backends": {"POST": Api._add},
    "services/*/backends/*": {"PATCH": Api._change, "DELETE": Api._remove},
}


def state(pool: Pool) -> dict[str, Any]:
    """A pool as the API shows it: "service", its layer, vip, port, protocol, algorithm, realisation, and "servers"."""
    service = pool.service
    shown = {name: getattr(service, name) for name in ("layer", "vip", "port", "protocol", "algorithm", "realisation")}
    return {"service": service.name, **{name: str(value) if name == "vip" else value for name, value in shown.items()},
            "servers": [_server(pool, server) for server in pool.servers.values()]}


def _server(pool: Pool, server: Server) -> dict[str, Any]:
    """state: up, draining or down. active: units now. response_ms: of the tests, smoothed; null without."""
    response_s = server.response_s
    form: dict[str, Any] = plain(server.backend)
    return form | {
        "port": pool.service.port_of(server.backend), "state": server.state, "active": server.active,
        "effective_weight": round(server.effective_weight, 3),
        "response_ms": None if response_s is None else round(1000 * response_s, 3)}


class _Refused(LabError):
    """A LabError with a status of its own."""

    def __init__(self, status: int, saw: str, expected: str = "", hint: str = "", *, field: str = "") -> None:
        super().__init__(saw, expected, hint, field=field)
        self.status = status


def _complaint(error: LabError) -> dict[str, str]:
    form = {"error": error.saw, "expected": error.expected, "hint": error.hint, "field": error.field}
    return {name: words for name, words in form.items() if words}


def _split(target: str) -> tuple[list[str], str]:
    """The words between a target's slashes, and its query. Raises _Refused if it is no target."""
    try:
        parts = urlsplit(target)
    except ValueError as error:
        raise _Refused(404, f"there is nothing at {target!r}: {error}", "/services") from None
    return [unquote(word) for word in parts.path.strip("/").split("/")], parts.query


def _form(body: bytes) -> dict[str, Any]:
    """The object in a request's body; an empty body is an empty object."""
    try:
        form = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:  # lists in lists in lists
        raise LabError(f"the body is not JSON: {error}", 'an object, such as {"weight": 3}') from None
    if not isinstance(form, dict):
        raise LabError(f"the body is {form!r}", 'an object, such as {"weight": 3}')
    return form


def _flags(query: str) -> dict[str, bool]:
    """?now=true and the like."""
    words = {"true": True, "false": False}
    return {name: words[choice(f"value of {name}", values[-1], words, field=name)]
            for name, values in parse_qs(query, keep_blank_values=True).items()}


def _only(form: Mapping[str, Any], *known: str) -> None:
    for name in form:
        if name not in known:
            raise LabError(f"there is a field {name!r}", "only " + ", ".join(known) if known else "none", field=name)


def _one(form: Mapping[str, Any], known: Mapping[str, type]) -> Any:
    """The value of the only field; it must be one of `known`, and of its type."""
    _only(form, *known)
    if len(form) != 1:
        raise LabError(f"the body has {len(form)} fields", f"one of {', '.join(known)}", field=next(iter(known)))
    (name, value), = form.items()
    if type(value) is not known[name]:
        words = {str: "text", int: "a whole number", bool: "true or false"}
        raise LabError(f"{name} is {value!r}", words[known[name]], field=name)
    return value
