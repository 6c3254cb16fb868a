"""flat: clients and servers on one switch. Every client shows its own MAC.

    h1 10.0.1.1 ──┐
    h2 10.0.1.2 ──┼── s1 ──┬── srv1 10.0.2.1
    ...           ┘        ├── srv2 10.0.2.2
                           └── proxy 10.0.0.2
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(sys._getframe().f_code.co_filename).resolve().parents[1]))  # for mn: it tells no __file__

from topologies import addresses
from topologies.base import LabTopo
from topologies.nodes import MN_SWITCHES


class Flat(LabTopo):
    """Clients on the servers' own switch."""

    name = "flat"
    summary = "clients and servers on one switch: each client shows its own MAC"

    def add_clients(self, s1: str) -> None:
        for number, name in enumerate(self.client_names(), start=1):
            self.addLink(s1, self.add(name, addresses.client(number)))


topos, switches = {"flat": Flat}, MN_SWITCHES
