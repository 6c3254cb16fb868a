"""The reactive pipeline: which rules a service needs. Pure: Service in, Flows out.

    table 0: what is it?                        table 1: whose unit is it?

    300 ARP request for the VIP ─► answer it    30 TCP SYN          ─► controller
    200 ping for the VIP (L4)   ─► answer it    20 a unit's flow    ─► rewrite, switch
    100 for the service         ─► table 1 ──►  10 anything else    ─► controller
    100 from a service address  ─► restore,
                                   switch
     50 for the VIP otherwise   ─► drop
      0 everything else         ─► switch

What is matched and rewritten stands in the layer table (balancing/layers.py), not here.

Why a SYN goes to the controller before the units are looked at: the switch caches its verdict on a
SYN with the flags in it, so the packets after it are looked up anew and find the unit's flow. Without
that rule the cached "to the controller" would catch the handshake's third packet, too.

Why replies leave with no in_port: they carry the VIP's MAC, and a learning switch would take it to
live at the port of whichever server spoke last.
"""

from __future__ import annotations

from balancing.service import Backend, Service
from balancing.unit import Unit
from controller.cookies import Cookie, Kind
from controller.flows import (
    CONTROLLER,
    ETH_TYPE,
    FROM_NO_PORT,
    IN_PORT,
    NORMAL,
    SYN,
    SYN_ACK_MASK,
    Flow,
    Goto,
    Move,
    Output,
    Set,
    Value,
    match,
    resolve,
    sets,
)
from layerlab import LabError

CLASSIFY, UNITS = 0, 1
ARP, ARP_REQUEST, ARP_REPLY = 0x0806, 1, 2
ICMP, ECHO_REQUEST, ECHO_REPLY = 1, 8, 0

SWITCHING = Flow(CLASSIFY, 0, Cookie(Kind.SWITCHING), {}, (Output(NORMAL),))


def static_flows(service: Service) -> list[Flow]:
    """The rules that stand as long as the service does. Raises LabError for an IPv6 VIP."""
    if service.vip.version != 4:
        raise LabError(f"service {service.name!r} has the VIP {service.vip}",
                       "an IPv4 address: the switch cannot answer neighbour solicitations yet")
    flows = [_arp(service), _classify(service), _unknown(service)]
    if service.row.by_port:
        flows += [_ping(service), _refuse(service)]
        if service.protocol == "tcp":
            flows.append(_new(service))
    if service.row.restored:
        flows += [_reply(service, backend) for backend in service.backends]
    return flows


def unit_flow(service: Service, unit: Unit, backend: Backend) -> Flow:
    """The rule that takes one unit to its backend."""
    fields = vip_fields(service) | dict(zip(service.row.unit, unit.id, strict=True))
    rewrites = sets(service, service.row.rewritten, backend_values(service, backend))
    return Flow(UNITS, 20, Cookie(Kind.UNIT, service.id, backend.id), match(service, fields),
                (*rewrites, Output(backend.switch_port or NORMAL)), service.idle_timeout_s)


def vip_fields(service: Service) -> dict[str, Value]:
    """The layer table's `vip` fields, with this service's values (ip_proto comes as a prerequisite)."""
    values: dict[str, Value] = {"ip_dst": str(service.vip), "tp_dst": service.port or 0}
    return {field: values[field] for field in service.row.vip if field in values}


def backend_values(service: Service, backend: Backend) -> dict[str, Value]:
    """What `rewritten` fields are rewritten to."""
    return {"eth_dst": backend.mac or "", "ip_dst": str(backend.ip), "tp_dst": service.port_of(backend) or 0}


def _reply(service: Service, backend: Backend) -> Flow:
    """From a backend's service address back to the VIP's: one static rule per backend."""
    came_from: dict[str, Value] = {"ip_src": str(backend.ip), "tp_src": service.port_of(backend) or 0}
    back_to: dict[str, Value] = {"eth_src": service.vmac, "ip_src": str(service.vip), "tp_src": service.port or 0}
    fields = {field: came_from[field] for field in service.row.restored if field in came_from}
    return Flow(CLASSIFY, 100, Cookie(Kind.REPLY, service.id, backend.id), match(service, fields),
                (*sets(service, service.row.restored, back_to), FROM_NO_PORT, Output(NORMAL)))


def _classify(service: Service) -> Flow:
    return Flow(CLASSIFY, 100, Cookie(Kind.CLASSIFY, service.id), match(service, vip_fields(service)), (Goto(UNITS),))


def _unknown(service: Service) -> Flow:
    return Flow(UNITS, 10, Cookie(Kind.UNKNOWN, service.id), match(service, vip_fields(service)),
                (Output(CONTROLLER),))


def _new(service: Service) -> Flow:
    fields = match(service, vip_fields(service)) | {"tcp_flags": (SYN, SYN_ACK_MASK)}
    return Flow(UNITS, 30, Cookie(Kind.NEW, service.id), fields, (Output(CONTROLLER),))


def _refuse(service: Service) -> Flow:
    """Nobody has the VIP's MAC, so switching what no service wants would flood it to every port."""
    fields = match(service, {"ip_dst": str(service.vip)})
    return Flow(CLASSIFY, 50, Cookie(Kind.REFUSE, service.id), fields, ())


def _arp(service: Service) -> Flow:
    """Turn the request around into its reply (RFC 826): swap the addresses, put in the VIP's MAC."""
    vip, vmac = str(service.vip), service.vmac
    fields: dict[str, Value | tuple[int, int]] = {"eth_type": ARP, "arp_op": ARP_REQUEST, "arp_tpa": vip}
    return Flow(CLASSIFY, 300, Cookie(Kind.ARP, service.id), fields, (
        Move("eth_src", "eth_dst"), Set("eth_src", vmac), Set("arp_op", ARP_REPLY),
        Move("arp_sha", "arp_tha"), Set("arp_sha", vmac),
        Move("arp_spa", "arp_tpa"), Set("arp_spa", vip), Output(IN_PORT)))


def _ping(service: Service) -> Flow:
    """An L4 service balances ports, and a ping has none: the switch answers it itself (RFC 792)."""
    source, target = resolve(service, "ip_src"), resolve(service, "ip_dst")
    fields: dict[str, Value | tuple[int, int]] = {
        "eth_type": ETH_TYPE[4], "ip_proto": ICMP, target: str(service.vip), "icmpv4_type": ECHO_REQUEST}
    return Flow(CLASSIFY, 200, Cookie(Kind.PING, service.id), fields, (
        Move("eth_src", "eth_dst"), Set("eth_src", service.vmac),
        Move(source, target), Set(source, str(service.vip)),
        Set("icmpv4_type", ECHO_REPLY), Output(IN_PORT)))
