"""routed: clients behind a Linux router. Their addresses come through, their MACs don't.

    h1 10.1.1.1 ──┐
    h2 10.1.1.2 ──┼── s2 ── r1 ── s1 ──┬── srv1 10.0.2.1
    ...           ┘  10.1.0.1  10.0.0.1 └── proxy 10.0.0.2
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(sys._getframe().f_code.co_filename).resolve().parents[1]))  # for mn: it tells no __file__

from topologies import addresses
from topologies.base import LabTopo
from topologies.nodes import MN_SWITCHES, Gateway


class Routed(LabTopo):
    """Clients behind router r1."""

    name = "routed"
    summary = "clients behind a router: all frames carry the router's MAC"
    network = addresses.ROUTED
    gateway = addresses.GATEWAY
    gateway_name = "r1"
    gateway_class: type[Gateway] = Gateway

    def add_clients(self, s1: str) -> None:
        inside = self.network[1]
        gateway = self.add(self.gateway_name, addresses.GATEWAY, cls=self.gateway_class)
        s2 = self.addSwitch("s2", dpid="2")
        self.addLink(s1, gateway)
        self.addLink(s2, gateway, addr2=addresses.mac(inside),
                     params2={"ip": f"{inside}/{self.network.prefixlen}"})
        for number, name in enumerate(self.client_names(), start=1):
            self.addLink(s2, self.add(name, addresses.client(number, self.network), self.network, inside))


topos, switches = {"routed": Routed}, MN_SWITCHES
