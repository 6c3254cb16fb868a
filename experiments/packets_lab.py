"""The lab of `packets`: a stranger who writes his own frames, wires that are captured, and a service of every kind.

    stranger ┐                 ┌── srv1        L2, L3, L4, L7, each on a VIP of its own; L4 a second and a third time,
    h1 ──────┴── s1 ───────────┼── srv2        where the switch decides itself (hashed, tracked)
    h2 ... ──────┘ proxy ──────┴── srv3          and a second lab, in which all of the left is behind nat1
      └ asks as people do, by its kernel

The stranger sits on h1's wire with a MAC, an address and ports that h1's kernel knows nothing of: nobody answers for
him, and nobody resets what he begins. Servers and proxy, or the gateway, have been told where he is, as they would have
learned by ARP.
"""

from __future__ import annotations

import dataclasses
import re
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from balancing import Service
from experiments import capture
from experiments.clients import ClientHost
from experiments.frames import End
from experiments.lab import Lab
from experiments.openloop import Call, Visit, play
from experiments.rawsocket import raw_socket
from experiments.services import PORTS, pair, service
from experiments.wiretap import frames
from topologies import addresses

SERVERS, CLIENTS = 3, 6
HOME, SOURCE = "h1", "h2"  # where the stranger sits, and where a flood comes from
REALISATIONS = ("reactive", "hashed", "tracked")
STRANGER = 200  # his number: more clients than that there are not
TTL = 77  # the stranger's: no kernel begins with it, so whoever speaks for himself shows
HTTP = PORTS["tcp"]


def services() -> list[Service]:
    """Every layer, and L4 by all three realisations; UDP as well wherever that is a service of its own."""
    layers = [one for number, layer in enumerate(("l2", "l3", "l4", "l7")) for one in pair(layer, number)]
    inside = [dataclasses.replace(service("l4", number, realisation=word), name=f"l4 {word}")
              for number, word in enumerate(REALISATIONS[1:], start=4)]
    return [*(one for one in layers if one.protocol == "tcp" or one.row.in_switch), *inside]


class PacketLab(Lab):
    """A lab whose wires are captured from the beginning, until `untap`. topology: flat or nat.

    door: the gateway that the stranger and all clients are behind; "" if there is none.
    """

    def __init__(self, say: Callable[[str], object] = lambda words: None, topology: str = "flat") -> None:
        super().__init__(topology, services(), clients=CLIENTS, servers=SERVERS, workers=1000,
                         say=lambda words: say(f"packets: {words}"))
        self.door: str = getattr(self.topo, "gateway_name", "")
        self._home = addresses.client(STRANGER, self.topo.network)
        self._files: dict[str, Path] = {}
        self._read: dict[str, int] = {}

    def start(self) -> None:
        """Bring everything up, introduce the stranger, and capture."""
        super().start()
        beyond = (*self.topo.server_names(), "proxy")
        for host, card in [(self.door, "eth1")] if self.door else [(name, "eth0") for name in beyond]:
            self.net[host].cmd(f"ip neigh replace {self._home} lladdr {addresses.mac(self._home)} dev {host}-{card} "
                               "nud permanent")
        self._tap([f"{host}-eth0" for host in filter(None, (HOME, self.door, *beyond))])

    def of_vip(self, layer: str) -> list[Service]:
        """All services of the VIP of a layer's first."""
        return [one for one in self.services if one.vip == self.service(layer).vip]

    # -- the stranger --------------------------------------------------------------------------

    def stranger(self, port: int = 0) -> End:
        """Where he speaks from."""
        return End(addresses.mac(self._home), str(self._home), port)

    def vip_end(self, one: Service, port: int = HTTP) -> End:
        """Where he finds a VIP: at its own MAC, or at L7 the proxy's; from behind a gateway, at the gateway's."""
        mac = one.vmac if one.row.in_switch else addresses.mac(addresses.PROXY)
        return End(addresses.mac(self.topo.network[1]) if self.door else mac, str(one.vip), port)

    def wire(self, *, hears: bool = False) -> socket.socket:
        """His end of the wire."""
        return raw_socket(self.netns(HOME), f"{HOME}-eth0", hears=hears)

    # -- people --------------------------------------------------------------------------------

    def people(self) -> list[ClientHost]:
        """All clients but those whose wire a stranger uses."""
        return [client for client in self.clients() if client.name not in (HOME, SOURCE)]

    def ask(self, vips: Sequence[Service], per_second: float, seconds: float) -> list[Call]:
        """Have people ask for so long, each time in a new connection; a service after the other, a client after the
        other. What isn't answered in three seconds has failed.
        """
        who, number = self.people(), round(per_second * seconds)
        visits = [Visit(n / per_second, who[n % len(who)], (str(vips[n % len(vips)].vip), HTTP), ("/",))
                  for n in range(number)]
        return play(visits, patience_s=3.0)

    # -- captures ------------------------------------------------------------------------------

    def _tap(self, cards: Sequence[str]) -> None:
        taps = [tap for tap in capture.taps(self.net) if tap.interface in cards]
        for tap in taps:
            self._spawn(f"tap-{tap.host}", tap.command(self.directory), tap.host)
            self._files[tap.host], self._read[tap.host] = self.directory / tap.file, 0
        for tap in taps:
            self.wait(f"tcpdump at {tap.host}", partial(self.processes.has_said, f"tap-{tap.host}", capture.READY))

    def untap(self) -> None:
        """End the captures."""
        for name in [name for name in self.processes if name.startswith("tap-")]:
            program = self.processes.pop(name)
            program.terminate()
            program.wait()

    def captured(self) -> dict[str, list[bytes]]:
        """What has passed on each wire since this was last asked, by host."""
        found = {}
        for host, file in self._files.items():
            everything = list(frames(file))
            found[host] = everything[self._read[host]:]
            self._read[host] = len(everything)
        return found

    # -- what went wrong -----------------------------------------------------------------------

    def exceptions(self) -> int:
        """How many exceptions controller and proxy have reported so far."""
        texts = [(self.directory / f"{name}.{stream}").read_text()
                 for name in ("controller", "proxy") for stream in ("out", "err")]
        return sum(len(re.findall(r"^Traceback", text, re.MULTILINE)) for text in texts)
