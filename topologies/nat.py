"""nat: clients behind a NAT gateway. Neither their MACs nor their addresses come through, only ports.

    h1 192.168.1.1 ──┐
    h2 192.168.1.2 ──┼── s2 ── nat1 ── s1 ──┬── srv1 10.0.2.1
    ...              ┘ 192.168.0.1  10.0.0.1 └── proxy 10.0.0.2
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(sys._getframe().f_code.co_filename).resolve().parents[1]))  # for mn: it tells no __file__

from topologies import addresses
from topologies.nodes import MN_SWITCHES, NatGateway
from topologies.routed import Routed


class Nat(Routed):
    """Clients behind gateway nat1, which masquerades."""

    name = "nat"
    summary = "clients behind a NAT gateway: all packets carry the gateway's MAC and address"
    network = addresses.NATTED
    gateway_name = "nat1"
    gateway_class = NatGateway


topos, switches = {"nat": Nat}, MN_SWITCHES
