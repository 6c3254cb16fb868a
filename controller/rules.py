"""Which rules a service needs: those of every service, and the reactive pipeline. Pure: Service in, Flows out.

    table 0: what is it?                        table 1: must the controller      table 2: whose unit is it?
                                                see it?  (TCP at L4 only)
    400 answer to a test ─► controller
    300 ARP request for the VIP ─► answer it    30 SYN ─► controller              20 a unit's flow ─► rewrite,
    200 ping for the VIP (L4)   ─► answer it    20 FIN or RST                                         switch
    110 a backend's RST (L4)    ─► restore,        ─► controller, table 2
        switch, controller                      10 the rest ─► table 2            10 anything else
    100 for the service         ─► table 1 or 2                                      ─► controller
    100 from a service address  ─► restore,
                                   switch
     50 for the VIP otherwise   ─► drop
      0 everything else         ─► switch

What is matched and rewritten stands in the layer table (balancing/layers.py), not here.

Why a SYN goes to the controller before the units are looked at: the switch caches its verdict on a
SYN with the flags in it, so the packets after it are looked up anew and find the unit's flow. Without
that rule the cached "to the controller" would catch the handshake's third packet, too.

How the controller learns that a unit has ended, and how late:

    TCP at L4   a unit's flow expires a second or two after a FIN or RST of its client has met it (fin_timeout).
                Where the algorithm reads how busy servers are, the FIN itself goes to the controller, too: at once, and
                a packet-in more a connection. A backend's RST always does: it may be a refusal.
    otherwise   its flow has been idle for idle_timeout_s, and up to a second more (ofproto.c looks once a second)

Why replies leave with no in_port: they carry the VIP's MAC, and a learning switch would take it to
live at the port of whichever server spoke last.
"""

from __future__ import annotations

from collections.abc import Iterator

from balancing import find_algorithm
from balancing.form import IPAddress
from balancing.service import Backend, Service, mac_of
from balancing.unit import Unit
from controller.cookies import Cookie, Kind
from controller.flows import (
    CONTROLLER,
    ETH_TYPE,
    FIN,
    FROM_NO_PORT,
    IN_PORT,
    NORMAL,
    RST,
    SYN,
    SYN_ACK_MASK,
    Action,
    FinTimeout,
    Flow,
    Goto,
    Match,
    Move,
    Output,
    Set,
    Value,
    match,
    resolve,
    sets,
)
from layerlab import LabError

CLASSIFY, SIGNALS, UNITS = 0, 1, 2
ARP, ARP_REQUEST, ARP_REPLY = 0x0806, 1, 2
ICMP, ECHO_REQUEST, ECHO_REPLY = 1, 8, 0
CLOSED_S = 1  # how long the flow of a closed connection is kept; the last ACKs need it

SWITCHING = Flow(CLASSIFY, 0, Cookie(Kind.SWITCHING), {}, (Output(NORMAL),))


def common(service: Service) -> list[Flow]:
    """What every service needs, whoever decides. Raises LabError for an IPv6 VIP."""
    if service.vip.version != 4:
        raise LabError(f"service {service.name!r} has the VIP {service.vip}",
                       "an IPv4 address: the switch cannot answer neighbour solicitations yet")
    by_port = [_ping(service), _refuse(service)] if service.row.by_port else []
    return [_arp(Cookie(Kind.ARP, service.id), service.vip, service.vmac), *by_port, *_probes(service)]


def reactive(service: Service) -> list[Flow]:
    """The rules of a service whose controller decides, beside those of its units."""
    if not by_connection(service):
        return [classify(service, (Goto(UNITS),)), _unknown(service), *replies(service)]
    return [classify(service, (Goto(SIGNALS),)), _new(service), *_ends(service), _connected(service), _unknown(service),
            *(_abort(service, backend) for backend in service.backends), *replies(service)]


def by_connection(service: Service) -> bool:
    """Whether a unit is a TCP connection, which says itself when it begins and ends."""
    return service.row.by_port and service.protocol == "tcp"


def unit_flow(service: Service, unit: Unit, backend: Backend) -> Flow:
    """The rule that takes one unit to its backend."""
    fields = vip_fields(service) | dict(zip(service.row.unit, unit.id, strict=True))
    closing = (FinTimeout(CLOSED_S),) if by_connection(service) and service.idle_timeout_s > CLOSED_S else ()
    return Flow(UNITS, 20, unit_cookie(service, backend), match(service, fields),
                (*closing, *forward(service, backend)), service.idle_timeout_s)


def unit_cookie(service: Service, backend: Backend) -> Cookie:
    """What the flows of a backend's units have in common, and no other rule has."""
    return Cookie(Kind.UNIT, service.id, backend.id)


def forward(service: Service, backend: Backend) -> tuple[Action, ...]:
    """What is done with a packet of a unit of `backend`."""
    rewrites = sets(service, service.row.rewritten, backend_values(service, backend))
    return *rewrites, Output(backend.switch_port or NORMAL)


def vip_fields(service: Service) -> dict[str, Value]:
    """The layer table's `vip` fields, with this service's values (ip_proto comes as a prerequisite)."""
    values: dict[str, Value] = {"ip_dst": str(service.vip), "tp_dst": service.port or 0}
    return {field: values[field] for field in service.row.vip if field in values}


def backend_values(service: Service, backend: Backend) -> dict[str, Value]:
    """What `rewritten` fields are rewritten to."""
    return {"eth_dst": backend.mac or "", "ip_dst": str(backend.ip), "tp_dst": service.port_of(backend) or 0}


def probe_mac(source: IPAddress) -> str:
    """The MAC that test packets come from: like a VIP's (Service.vmac), but in a range of its own."""
    return mac_of(source, b"\x02\x1c")


def replies(service: Service) -> list[Flow]:
    """From each backend's service address back to the VIP's: static rules. None where servers answer directly."""
    return [_reply(service, backend) for backend in service.backends] if service.row.restored else []


def from_backend(service: Service, backend: Backend) -> Match:
    """The packets that a backend sends as a server."""
    came_from: dict[str, Value] = {"ip_src": str(backend.ip), "tp_src": service.port_of(backend) or 0}
    return match(service, {field: came_from[field] for field in service.row.restored if field in came_from})


def _reply(service: Service, backend: Backend) -> Flow:
    back_to: dict[str, Value] = {"eth_src": service.vmac, "ip_src": str(service.vip), "tp_src": service.port or 0}
    return Flow(CLASSIFY, 100, Cookie(Kind.REPLY, service.id, backend.id), from_backend(service, backend),
                (*sets(service, service.row.restored, back_to), FROM_NO_PORT, Output(NORMAL)))


def _abort(service: Service, backend: Backend) -> Flow:
    """As a reply; and the controller sees it as the backend sent it."""
    reply = _reply(service, backend)
    return Flow(CLASSIFY, 110, Cookie(Kind.ABORT, service.id, backend.id), {**reply.match, "tcp_flags": (RST, RST)},
                (Output(CONTROLLER), *reply.actions))


def classify(service: Service, actions: tuple[Action, ...]) -> Flow:
    """What is for the VIP, and where it goes on."""
    return Flow(CLASSIFY, 100, Cookie(Kind.CLASSIFY, service.id), match(service, vip_fields(service)), actions)


def _unknown(service: Service) -> Flow:
    return Flow(UNITS, 10, Cookie(Kind.UNKNOWN, service.id), match(service, vip_fields(service)),
                (Output(CONTROLLER),))


def _new(service: Service) -> Flow:
    fields = match(service, vip_fields(service)) | {"tcp_flags": (SYN, SYN_ACK_MASK)}
    return Flow(SIGNALS, 30, Cookie(Kind.NEW, service.id), fields, (Output(CONTROLLER),))


def _ends(service: Service) -> Iterator[Flow]:
    """Told at once only to those who want to know: a packet-in costs more than all the rest of a connection."""
    if find_algorithm(service.algorithm).reads_active:
        for flag in (FIN, RST):
            fields = match(service, vip_fields(service)) | {"tcp_flags": (flag, flag)}
            yield Flow(SIGNALS, 20, Cookie(Kind.END, service.id), fields, (Output(CONTROLLER), Goto(UNITS)))


def _connected(service: Service) -> Flow:
    return Flow(SIGNALS, 10, Cookie(Kind.CONNECTED, service.id), match(service, vip_fields(service)), (Goto(UNITS),))


def _refuse(service: Service) -> Flow:
    """Nobody has the VIP's MAC, so switching what no service wants would flood it to every port."""
    fields = match(service, {"ip_dst": str(service.vip)})
    return Flow(CLASSIFY, 50, Cookie(Kind.REFUSE, service.id), fields, ())


def _probes(service: Service) -> Iterator[Flow]:
    """Test packets come from an address of their own: servers must find it, and their answers us (probes.py).

    The two rules are the same for every service with that source, so they belong to none.
    """
    if service.health and service.health.source:
        source = service.health.source
        yield _arp(Cookie(Kind.PROBE_ARP), source, probe_mac(source))
        yield Flow(CLASSIFY, 400, Cookie(Kind.PROBE), {"eth_dst": probe_mac(source)}, (Output(CONTROLLER),))


def _arp(cookie: Cookie, address: IPAddress, mac: str) -> Flow:
    """Turn the request for `address` around into its reply (RFC 826): swap the addresses, put in the MAC."""
    fields: dict[str, Value | tuple[int, int]] = {"eth_type": ARP, "arp_op": ARP_REQUEST, "arp_tpa": str(address)}
    return Flow(CLASSIFY, 300, cookie, fields, (
        Move("eth_src", "eth_dst"), Set("eth_src", mac), Set("arp_op", ARP_REPLY),
        Move("arp_sha", "arp_tha"), Set("arp_sha", mac),
        Move("arp_spa", "arp_tpa"), Set("arp_spa", str(address)), Output(IN_PORT)))


def _ping(service: Service) -> Flow:
    """An L4 service balances ports, and a ping has none: the switch answers it itself (RFC 792)."""
    source, target = resolve(service, "ip_src"), resolve(service, "ip_dst")
    fields: dict[str, Value | tuple[int, int]] = {
        "eth_type": ETH_TYPE[4], "ip_proto": ICMP, target: str(service.vip), "icmpv4_type": ECHO_REQUEST}
    return Flow(CLASSIFY, 200, Cookie(Kind.PING, service.id), fields, (
        Move("eth_src", "eth_dst"), Set("eth_src", service.vmac),
        Move(source, target), Set(source, str(service.vip)),
        Set("icmpv4_type", ECHO_REPLY), Output(IN_PORT)))
