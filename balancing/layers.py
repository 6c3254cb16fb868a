"""The layer table: what L2, L3, L4 and L7 differ in.

The layer decides what a balancer can see, and so what it can move as one *unit*. Everything
else about a layer follows from one row here; the controller's rules, the tests and
`./lab list` all read it, and no code asks "is this L3?".

    client ── eth_src ip_src ip_proto tp_src ─►[ VIP ]─► eth_dst ip_dst tp_dst ── backend
              └──────── unit ──────────────┘             └──── rewritten ───┘

Field names are OpenFlow's (OpenFlow 1.3.5, section 7.2.3.7) with the address family left
open: `ip_src` is ipv4_src or ipv6_src, `tp_src` is tcp_src or udp_src. They are resolved where
a rule is made (controller/flows.py), never here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One row of the table.

    name:      the word on the command line.
    unit_name: what moves as one, in words.
    vip:       packet fields that say "this is for the service".
    unit:      packet fields of the client that, with `vip`, make one unit.
    key:       the field that source hash reads.
    rewritten: fields changed on the way to the backend.
    restored:  fields changed back on the reply; empty means direct server return (DSR).
    sees:      what becomes visible from this layer up.
    """

    name: str
    unit_name: str
    vip: tuple[str, ...]
    unit: tuple[str, ...]
    key: str
    rewritten: tuple[str, ...]
    restored: tuple[str, ...]
    sees: str

    @property
    def in_switch(self) -> bool:
        """Whether flow rules can do it (L2 to L4) or it takes a proxy (L7)."""
        return bool(self.vip)

    @property
    def by_port(self) -> bool:
        """Whether a service of this layer is one port of its VIP, or the VIP as a whole."""
        return "tp_dst" in self.vip


LAYERS: dict[str, Layer] = {
    row.name: row
    for row in (
        Layer("l2", "source MAC",
              vip=("ip_dst",), unit=("eth_src",), key="eth_src",
              rewritten=("eth_dst",), restored=(),
              sees="which machine sent the frame"),
        Layer("l3", "source IP",
              vip=("ip_dst",), unit=("ip_src",), key="ip_src",
              rewritten=("eth_dst", "ip_dst"), restored=("eth_src", "ip_src"),
              sees="clients behind one router"),
        Layer("l4", "connection",
              vip=("ip_proto", "ip_dst", "tp_dst"), unit=("ip_src", "tp_src"), key="ip_src",
              rewritten=("eth_dst", "ip_dst", "tp_dst"), restored=("eth_src", "ip_src", "tp_src"),
              sees="clients behind one NAT; several programs on one server"),
        Layer("l7", "request",
              vip=(), unit=(), key="ip_src",
              rewritten=(), restored=(),
              sees="requests inside one connection; path, header, cookie"),
    )
}
