"""What another configuration changes in a proxy that runs: a difference, pure, and its application (server.py).

     proxy.toml ──SIGHUP──► new Config ──✗──► said, and the old one goes on
                                │
     old Config ──difference────┴──► opened, closed, added, changed, removed ──► Proxy.apply

     changed       what happens to what is under way
     listener      new: opened before anything else changes. Gone: no connection more; each is closed after its request
     route         the next request is found by the new table, also on a connection that is open
     pool          keeps its servers with their units, their health, and what an operator did to them (`merged`)
     server gone   gets no new request; those that it has end there, and then its connections are closed
     pool gone     the same for all of its servers
     forward       the next request is judged by the new rules, one under way by the old; names that were looked up,
                   credentials (unless the users are others) and what clients have used of their rates stay known
     cache         another one, if its bounds are others: what was stored is asked for anew; and if other networks are
                   reachable through a forward proxy, whose guard what is stored has passed
     certificate   its file is read anew, whatever else is new: the next handshake shows what it holds by then
     limits        hold for connections that begin from now on; tick_s stays as it was

Rules kept here:

1. Whatever can fail comes first, and undoes itself: a reload is done whole, or not at all.
2. Nobody's request is ended by a reload.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from balancing import Backend, Pool, Server, Service
from balancing.form import IPAddress
from l7proxy.balancer import Balancer
from l7proxy.certificates import read
from l7proxy.config import Config, Listener, Network, PoolTerms
from layerlab import LabError

if TYPE_CHECKING:
    from l7proxy.server import Door, Proxy

Place = tuple[str, IPAddress, int | None]


@dataclass(frozen=True)
class Difference:
    """What is to be done to come from one Config to the next.

    opened, closed: listeners, told apart by their address and whether they speak TLS.
    added, removed: pools by name, and changed ones with what they were.
    fresh:          the names of Config's other fields that say something else now.
    """

    opened: tuple[Listener, ...]
    closed: tuple[Listener, ...]
    added: tuple[PoolTerms, ...]
    changed: tuple[tuple[PoolTerms, PoolTerms], ...]
    removed: tuple[PoolTerms, ...]
    fresh: frozenset[str]

    def __str__(self) -> str:
        parts: dict[str, list[str]] = {
            "listeners opened": [one.name for one in self.opened],
            "listeners closed": [one.name for one in self.closed],
            "pools added": [one.name for one in self.added], "pools changed": [new.name for _, new in self.changed],
            "pools removed": [one.name for one in self.removed]}
        words = [f"{what}: {', '.join(names)}" for what, names in parts.items() if names]
        return "; ".join([*words, *sorted(self.fresh)]) or "nothing"


def door_of(listener: Listener) -> tuple[str, bool]:
    """What makes a listener the same one before and after."""
    return str(listener.address), listener.tls


def difference(old: Config, new: Config) -> Difference:
    """What leads from `old` to `new`. Pure; of two equal ones, nothing."""
    doors = {door_of(one) for one in old.listeners}, {door_of(one) for one in new.listeners}
    was, now = ({pool.name: pool for pool in config.pools} for config in (old, new))
    return Difference(
        opened=tuple(one for one in new.listeners if door_of(one) not in doors[0]),
        closed=tuple(one for one in old.listeners if door_of(one) not in doors[1]),
        added=tuple(pool for name, pool in now.items() if name not in was),
        changed=tuple((was[name], pool) for name, pool in now.items() if name in was and was[name] != pool),
        removed=tuple(pool for name, pool in was.items() if name not in now),
        fresh=frozenset(field.name for field in dataclasses.fields(Config) if field.name not in ("pools",)
                        and getattr(old, field.name) != getattr(new, field.name)))


def merged(live: Service, old: Service, new: Service) -> Service:
    """The service that a pool becomes: what the file changed, as the file says; the rest as an operator left it.

    live: as it runs. old, new: what the file said, and says. A server is known by its name, address and port; one that
    stays keeps its id, by which Pool.become knows it.
    """
    was, now = ({_place(one): one for one in service.backends} for service in (old, live))
    numbers = itertools.count(max(one.id for one in live.backends) + 1)
    fresh = {place: dataclasses.replace(one, id=next(numbers))
             for one in new.backends if (place := _place(one)) not in now}
    stay = [_merged(now[place], was.get(place), one) if place in now else fresh[place]
            for one in new.backends if (place := _place(one)) in now or place not in was]
    names = {one.name for one in new.backends}
    added = [one for one in live.backends if _place(one) not in was and one.name not in names]
    algorithm = live.algorithm if new.algorithm == old.algorithm else new.algorithm
    return dataclasses.replace(new, id=live.id, algorithm=algorithm, backends=(*stay, *added) or tuple(fresh.values()))


# The application.

async def follow_file(proxy: Proxy, again: Callable[[], Config], asked: asyncio.Event) -> None:
    """Whenever `asked` is set, do as `again` says now, and say what changed, or why nothing did."""
    while await asked.wait():
        asked.clear()
        try:
            new = await asyncio.to_thread(again)
            changes = await apply(proxy, new)
            print(f"read anew: {changes}", file=sys.stderr, flush=True)
            proxy.say_certificates(proxy.doors)
        except LabError as error:
            print(f"{error}\nnot read anew: all goes on as before", file=sys.stderr, flush=True)


async def apply(proxy: Proxy, new: Config) -> Difference:
    """Let `proxy` be as `new` says, and return what that changed. Raises LabError, and then nothing is changed."""
    changes = difference(proxy.config, new)
    if (proxy.config.forward is None) is not (new.forward is None):
        raise LabError("a reverse proxy would become a forward proxy, or the other way round",
                       "that as a proxy of its own, started anew")
    added = [proxy.make(terms) for terms in changes.added]
    become = [(proxy.pools[terms.name], merged(proxy.pools[terms.name].service, old.service, terms.service))
              for old, terms in changes.changed]
    face = proxy.make_face(new)
    events, log = proxy.open_events(new), proxy.open_log(new)
    operators = proxy.open_api(new) if "api" in changes.fresh else proxy.operators
    identities = read(new.certificates)
    try:
        opened = await proxy.listen(changes.opened, identities)
    except LabError:
        if operators is not None and operators is not proxy.operators:
            operators.close()
        raise
    was, proxy.config = proxy.config, new  # what can fail is done: from here on the proxy changes
    proxy.write_to(events, log)
    proxy.face = face
    if "cache" in changes.fresh or _reachable(was) != _reachable(new):
        proxy.cache = proxy.make_cache(new)
    proxy.operate_at(operators)
    gone = _change_pools(proxy, changes, added, become)
    _change_doors(proxy, new, opened, {door_of(one) for one in changes.closed})
    for door in proxy.doors:
        if door.tls:
            door.tls.certificates.show([identities[name] for name in door.listener.certificates])
    if "limits" in changes.fresh:
        proxy.limit(new.limits)
    for server in gone:
        proxy.part(server)
    return changes


def _change_pools(proxy: Proxy, changes: Difference, added: Sequence[Pool],
                  become: Iterable[tuple[Pool, Service]]) -> list[Server]:
    """Use the pools that are new, make the others what they become; return the servers that nobody has any more."""
    for pool, terms in zip(added, changes.added, strict=True):
        proxy.add(pool, terms.policy)
    gone = [server for pool, service in become for server in pool.become(service)]
    for old, terms in changes.changed:
        proxy.follow(proxy.pools[terms.name])
        if old.policy != terms.policy:
            before = proxy.balancers[terms.name]
            proxy.balancers[terms.name] = Balancer(before.pool, terms.policy, before.counts)
    return gone + [server for terms in changes.removed for server in proxy.remove(terms.name)]


def _change_doors(proxy: Proxy, new: Config, opened: Sequence[Door], closed: Collection[tuple[str, bool]]) -> None:
    """The new table first, then nobody more at the old doors."""
    leaving = [door for door in proxy.doors if door_of(door.listener) in closed]
    proxy.doors = [door for door in proxy.doors if door not in leaving] + list(opened)
    listeners = {door_of(listener): listener for listener in new.listeners}
    for door in proxy.doors:
        door.listener = listeners[door_of(door.listener)]
    proxy.route()
    for door in leaving:
        proxy.close(door)
    proxy.say_doors(opened)


def _reachable(config: Config) -> tuple[Network, ...]:
    return config.forward.reachable if config.forward is not None else ()


def _place(backend: Backend) -> Place:
    return backend.name, backend.ip, backend.port


def _merged(live: Backend, old: Backend | None, new: Backend) -> Backend:
    """One server: what the file changed, or says of a server that it didn't know, counts; else what is."""
    fields = {name: getattr(new, name) for name in ("weight", "draining")
              if old is None or getattr(new, name) != getattr(old, name)}
    return dataclasses.replace(live, **fields)

