"""tracked: the switch decides by slots, as hashed does, and remembers its choice: whoever has a server keeps it.

L4, by conntrack with NAT, a zone a service:

    table 0                             table 1                                table 4: for that backend
    100 for the service ─► ct(nat) ──►  20 established, by its backend's       commit, translate,
                                           address ─► eth_dst, switch          eth_dst, switch
                                        10 new ─► choose a slot (hashed.py) ─►
    100 from a service address ─► ct(nat), the VIP's MAC, switch
    110 the same with FIN or RST: counted apart (gauge.py)

L2 and L3, by a flow that the switch learns for each unit:

    table 0                       table 2            table 1                   table 4
    100 for the service ──ask──►  20 a unit ─► reg0
        ─────────────────────────────────────────►   20 reg0 is 0: choose ─►   20 just chosen: learn, rewrite, switch
                                                     10 known ────────────►    10 rewrite, switch

A connection passes conntrack once each way; only its first packet is hashed and committed, without going round
again: the translation is done on the spot, and what NORMAL must know (eth_dst) is set beside it.

Of a dead server the entries in conntrack are flushed (messages.flush), and learned flows go by their cookie; the next
packet of such a unit is chosen for anew, and of a connection that way reset by its new server.
"""

from __future__ import annotations

from balancing.service import Backend, Service
from controller import hashed, rules
from controller.cookies import Cookie, Kind
from controller.flows import (
    FIN,
    FROM_NO_PORT,
    NORMAL,
    RST,
    Action,
    Flow,
    Goto,
    Group,
    Learn,
    Load,
    Match,
    Output,
    Resubmit,
    Set,
    Track,
    Value,
    family,
    match,
    resolve,
    sets,
)
from controller.hashed import ACT, Owners

NEW, ESTABLISHED = 0x21, 0x22  # ct_state: +trk+new, +trk+est
MASK = 0x23
SIGNALS, UNITS = rules.SIGNALS, rules.UNITS


def flows(service: Service, owners: Owners) -> list[Flow]:
    """The rules of a tracked service."""
    own = _by_conntrack(service, owners) if service.row.by_port else _by_learning(service, owners)
    return [*own, *hashed.slots(service, owners)]


def groups(service: Service, owners: Owners) -> list[Group]:
    """Its group, if it has one: the same as a hashed service's."""
    return hashed.groups(service, owners)


def _by_conntrack(service: Service, owners: Owners) -> list[Flow]:
    track = Track(service.id, SIGNALS)
    found = [rules.classify(service, (hashed.this(service), track)),
             Flow(SIGNALS, 10, Cookie(Kind.CHOOSE, service.id), _state(service, NEW), hashed.choose(service, owners))]
    for backend in service.backends:
        values = rules.backend_values(service, backend)
        to = match(service, {"ip_dst": values["ip_dst"], "tp_dst": values["tp_dst"]})
        go: tuple[Action, ...] = (*sets(service, ("eth_dst",), values), Output(backend.switch_port or NORMAL))
        found.append(Flow(SIGNALS, 20, Cookie(Kind.ESTABLISHED, service.id, backend.id),
                          _state(service, ESTABLISHED) | to, go))
        commit = Track(service.id, commit=True, nat=(str(backend.ip), service.port_of(backend) or 0))
        act = Cookie(Kind.ACT, service.id, backend.id)
        found.append(Flow(ACT, 10, act, hashed.of(service, backend), (commit, *go)))
        back = (Track(service.id), Set("eth_src", service.vmac), FROM_NO_PORT, Output(NORMAL))
        came = rules.from_backend(service, backend)
        found.append(Flow(rules.CLASSIFY, 100, Cookie(Kind.REPLY, service.id, backend.id), came, back))
        if rules.by_connection(service):  # the same, counted apart (gauge.py)
            found += [Flow(rules.CLASSIFY, 110, Cookie(Kind.END, service.id, backend.id),
                           {**came, "tcp_flags": (flag, flag)}, back) for flag in (FIN, RST)]
    return found


def _state(service: Service, state: int) -> dict[str, Value | tuple[int, int]]:
    """Packets of the service in this state of a connection."""
    return family(service, ports=True) | {"ct_state": (state, MASK), "reg2": service.id}


def _by_learning(service: Service, owners: Owners) -> list[Flow]:
    this: Match = {"reg2": service.id}
    found = [rules.classify(service, (hashed.this(service), Resubmit(UNITS), Goto(SIGNALS))),
             Flow(SIGNALS, 20, Cookie(Kind.CHOOSE, service.id), {"reg0": 0, **this},
                  (*([Load("reg3", 1, 32)] if owners else []), *hashed.choose(service, owners))),
             Flow(SIGNALS, 10, Cookie(Kind.CONNECTED, service.id), this, (Goto(ACT),))]
    for backend in service.backends:
        of, go = hashed.of(service, backend), rules.forward(service, backend)
        found.append(Flow(ACT, 10, Cookie(Kind.ACT, service.id, backend.id), of, go))
        found.append(Flow(ACT, 20, Cookie(Kind.ACT, service.id, backend.id), {**of, "reg3": 1},
                          (_learn(service, backend), *go)))
    return found + rules.replies(service)


def _learn(service: Service, backend: Backend) -> Learn:
    fields = match(service, rules.vip_fields(service))
    same = tuple(resolve(service, name) for name in service.row.unit)
    return Learn(UNITS, 20, rules.unit_cookie(service, backend), service.idle_timeout_s, same,
                 tuple((name, value) for name, value in fields.items() if not isinstance(value, tuple)),
                 ("reg0", backend.id))
