"""campus: clients in a local network, the proxy at its edge, an Internet that only the proxy reaches.

    h1 10.0.1.1 ──┐                            ┌── srv1 203.0.113.1  news.example
    h2 10.0.1.2 ──┼── s2 ── proxy ══ edge ═ s1 ├── srv2 203.0.113.2  video.example
    ...           ┘  10.0.0.2   198.51.100.2   └── ...

The proxy's host forwards nothing, and no client has a route to anything beyond it. The origins' names are known in
the proxy's host alone; no name server is anywhere. `edge_mbit` bounds the edge, each way. Nothing is balanced here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

sys.path.append(str(Path(sys._getframe().f_code.co_filename).resolve().parents[1]))  # for mn: it tells no __file__

from layerlab import LabError
from topologies import addresses
from topologies.base import LabTopo, count
from topologies.nodes import MN_SWITCHES, CampusHost, EdgeHost, OriginHost, ShapedLink

SITES: tuple[tuple[str, ...], ...] = (  # the names of the first origins, each origin's own first
    ("news.example", "www.news.example"),
    ("video.example", "thumbs.video.example"),
    ("wiki.example",),
    ("shop.example", "images.shop.example"),
    ("ads.example", "tracker.example"),
)
MOST_MBIT = 1000.0  # what Mininet's links take


class Campus(LabTopo):
    """Clients at s2, origins at s1, and between them only the proxy.

    edge_mbit: what the edge carries each way, in Mbit/s; 0 leaves it as fast as it is.
    """

    name = "campus"
    summary = "a local network whose only way to an Internet of named origins is the proxy: nothing is balanced"
    balances: ClassVar[bool] = False

    def build(self, clients: int = 12, servers: int = 5, edge_mbit: float = 0) -> None:
        """Called by Mininet with the topology's parameters."""
        self.n_clients, self.n_servers = count("clients", clients), count("servers", servers)
        self.edge_mbit = _rate(edge_mbit)
        s1, s2 = self.addSwitch("s1", dpid="1"), self.addSwitch("s2", dpid="2")
        for number in range(1, self.n_servers + 1):
            self.addLink(s1, self._origin(number))
        names = [(str(addresses.origin(number)), names) for number, names in self.sites().items()]
        proxy = self.add("proxy", addresses.PROXY, cls=EdgeHost)
        self.setNodeInfo(proxy, {**self.nodeInfo(proxy), "names": names, "outside": str(addresses.EDGE)})
        self.addLink(s2, proxy)
        shaped = {"cls": ShapedLink, "bw": self.edge_mbit, "use_tbf": True, "latency_ms": 50} if edge_mbit else {}
        outside = {"ip": f"{addresses.EDGE}/{addresses.PROVIDER.prefixlen}"}
        self.addLink(s1, proxy, addr2=addresses.mac(addresses.EDGE), params2=outside, **shaped)
        self.add_clients(s2)

    def add_clients(self, s1: str) -> None:
        for number, name in enumerate(self.client_names(), start=1):
            self.addLink(s1, self.add(name, addresses.client(number), cls=CampusHost))

    def _origin(self, number: int) -> str:
        """An origin's host. The Internet is one link here: whatever address there is, it is on it."""
        name, address = f"srv{number}", addresses.origin(number)
        self.addHost(name, cls=OriginHost, ip=f"{address}/{addresses.INTERNET.prefixlen}",
                     mac=addresses.mac(address), defaultRoute=f"dev {name}-eth0")
        return name

    def sites(self) -> dict[int, tuple[str, ...]]:
        """Each origin's names, by its number."""
        return {number: site(number) for number in range(1, self.n_servers + 1)}

    def names(self) -> Iterator[str]:
        """All of them."""
        for names in self.sites().values():
            yield from names


def site(number: int) -> tuple[str, ...]:
    """The names of origin `number`, from 1 (.example: RFC 2606)."""
    return SITES[number - 1] if number <= len(SITES) else (f"site{number}.example",)


def _rate(mbit: object) -> float:
    if isinstance(mbit, bool) or not isinstance(mbit, int | float) or not (mbit == 0 or 0.1 <= mbit <= MOST_MBIT):
        raise LabError(f"the edge is to carry {mbit!r} Mbit/s", f"from 0.1 to {MOST_MBIT:g}, or 0 for no bound",
                       field="edge_mbit")
    return float(mbit)


topos, switches = {"campus": Campus}, MN_SWITCHES
