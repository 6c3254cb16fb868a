"""hashed: the switch decides, by a table of slots; nothing is remembered, and the controller is not asked.

    table 0                          table 3: whose slot?             table 4: for that backend
    100 for the service              slot in reg1 ──► backend         backend in reg0
        by key or UDP: hash to reg1 ──►  in reg0 ──────────────────►      rewrite, switch
        by TCP connection: a select group of SLOTS buckets ──reg0───►
    100 from a service address ─► restore, switch

    reg0  the backend's id        reg1  the slot        reg2  the service's id

Two ways to hash, for two kinds of key. A select group lets the datapath hash (dp_hash): one cached verdict for a
service, and 256 for its slots, serve any number of connections, where multipath makes the datapath ask ovs-vswitchd
once for each. But a group hashes TCP's 5-tuple only (of UDP no ports), so a MAC, an address and UDP go by multipath.

The number of buckets is fixed and their weights are equal: which slot a hash falls into then never changes, and when
the pool does, only the slots move that the algorithm's table moves (balancing/algorithms, `slots`).

What is not remembered can't be kept: a server that is drained or leaves takes its slots' connections with it, and
nobody counts units, so `active` is 0. Who wants connections to stay wants `tracked`.
"""

from __future__ import annotations

from collections.abc import Sequence

from balancing import find_algorithm
from balancing.service import Backend, Service
from controller import rules
from controller.cookies import MARK, Cookie, Kind
from controller.flows import (
    CONTROLLER,
    Action,
    Flow,
    Goto,
    Group,
    Load,
    Multipath,
    Output,
    Resubmit,
    Select,
    Value,
    family,
)

SLOTS = 256
CHOOSE, ACT = 3, 4
GROUPS = MARK >> 32  # a group's number is this and its service's id: groups bear no cookie

Owners = Sequence[Backend]  # of the slots, in their order; none, when nobody can serve


def flows(service: Service, owners: Owners) -> list[Flow]:
    """The rules of a hashed service."""
    return [rules.classify(service, choose(service, owners)), *act(service), *slots(service, owners),
            *rules.replies(service)]


def groups(service: Service, owners: Owners) -> list[Group]:
    """Its group, if it has one: a bucket a slot."""
    if not by_group(service) or not owners:
        return []
    return [Group(GROUPS | service.id, tuple((_load("reg0", owner.id), Resubmit(ACT)) for owner in owners))]


def by_group(service: Service) -> bool:
    """Whether a select group hashes what has to be hashed."""
    return rules.by_connection(service) and not find_algorithm(service.algorithm).keyed


def choose(service: Service, owners: Owners) -> tuple[Action, ...]:
    """What is done with a new unit. Nobody to choose from: the controller says so to the client."""
    if not owners:
        return (Output(CONTROLLER),)
    if by_group(service):
        return this(service), Select(GROUPS | service.id)
    return this(service), Multipath(_hashed(service), len(owners), "reg1"), Goto(CHOOSE)


def this(service: Service) -> Load:
    """Later tables are shared: the service goes along in reg2."""
    return _load("reg2", service.id)


def _hashed(service: Service) -> str:
    """Which fields decide: the layer's key, or the whole unit."""
    field = service.row.key if find_algorithm(service.algorithm).keyed or len(service.row.unit) == 1 else "unit"
    return {"eth_src": "eth_src", "ip_src": "nw_src", "unit": "symmetric_l3l4+udp"}[field]


def slots(service: Service, owners: Owners) -> list[Flow]:
    """A row a slot, where there is no group to hold them."""
    if by_group(service):
        return []
    return [Flow(CHOOSE, 10, Cookie(Kind.SLOT, service.id, owner.id), {"reg1": slot, "reg2": service.id},
                 (_load("reg0", owner.id), Goto(ACT))) for slot, owner in enumerate(owners)]


def act(service: Service) -> list[Flow]:
    """What a hashed service does with a unit of each backend."""
    return [Flow(ACT, 10, Cookie(Kind.ACT, service.id, backend.id), of(service, backend),
                 rules.forward(service, backend)) for backend in service.backends]


def of(service: Service, backend: Backend) -> dict[str, Value | tuple[int, int]]:
    """The packets of this service that have been given to this backend."""
    return family(service, ports=service.row.by_port) | {"reg0": backend.id, "reg2": service.id}


def _load(register: str, value: int) -> Load:
    return Load(register, value, 32)
