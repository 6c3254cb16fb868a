"""A campus that runs: origins with certificates, and whatever proxy is to stand at the edge.

     h1 ──┐                                    ┌── srv1  experiments.origins: news.example, HTTP and HTTPS
     h2 ──┼── proxy: what _start_proxy starts ──┼── srv2  video.example
     ...  ┘                                    └── ...

A subclass says what the proxy's host runs (`_start_proxy`); here it runs nothing, and clients reach nobody.
The origins' certificates are of the run's own authority, whose bundle clients are told to trust.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import requests

from experiments.authority import Authority
from experiments.clients import ClientHost, session
from experiments.lab import PYTHON, Lab
from topologies import Campus, addresses, capsule


class CampusLab(Lab):
    """The topology campus with its origins. think_s: how long an origin takes to make an object."""

    topo: Campus

    def __init__(self, *, clients: int = 10, servers: int = 5, edge_mbit: float = 0, think_s: float = 0.0,
                 say: Callable[[str], object] = lambda words: None) -> None:
        super().__init__("campus", [], clients=clients, servers=servers, say=say)
        self.topo = Campus(clients=clients, servers=servers, edge_mbit=edge_mbit)
        self.think_s = think_s

    def start(self) -> None:
        """Bring everything up, with an authority of its own."""
        self.authority = Authority(capsule.LAB / "authority")
        super().start()

    def _spawn_server(self, name: str) -> None:
        names = self.topo.sites()[int(name.removeprefix("srv"))]
        files = self.authority.issue(*names)
        sites: Sequence[str] = [word for site in names for word in ("--site", site)]
        self._spawn(name, [*PYTHON, "-m", "experiments.origins", *sites, "--think", str(self.think_s),
                           "--cert", str(files.cert), "--key", str(files.key)], host=name)

    def _give_addresses(self) -> None:
        """Hosts' own names only; those of sites are known in the proxy's host, by the topology."""
        capsule.name_hosts(self.topo.hosts_file())

    def _greet(self) -> None:
        """The proxy's host sends something to each origin, so that the switch knows where it is."""
        for number in self.topo.sites():
            self.net["proxy"].cmd(f"ping -c 1 -W 1 {addresses.origin(number)}")

    # -- what origins say ----------------------------------------------------------------------

    def stats(self, server: str) -> dict[str, Any]:
        """What an origin has counted (experiments/origins.py), asked beside all proxies: at its own address."""
        found: dict[str, Any] = self._at(server, "/_stats").json()
        return found

    def heads(self, server: str) -> list[dict[str, Any]]:
        """The heads that an origin has seen last, byte for byte, oldest first."""
        found: list[dict[str, Any]] = self._at(server, "/_seen").json()
        return found

    def counts(self) -> dict[str, int]:
        """Requests that each origin has answered."""
        return {name: sum(self.stats(name)["requests"].values()) for name in self.topo.server_names()}

    def _at(self, server: str, path: str) -> requests.Response:
        """From the origin's own host, so that nothing of it crosses the edge."""
        with session(ClientHost(server, self.netns(server))) as own:
            return own.get(f"http://{addresses.origin(int(server.removeprefix('srv')))}{path}")
