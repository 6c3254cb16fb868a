"""The lab of `placement`: one service, and proxies in front of it at every place where one can stand.

    no proxy            h1 ───────────────────────────────► srv3 srv4 srv5     each client takes them in turn
    beside the clients  h1 (its own proxy) ───────────────► srv3 srv4 srv5
    beside the servers  h1 ──────────────► proxy ─────────► srv3 srv4 srv5
    two tiers           h1 ──► s1, L4 ───► srv1, srv2 ────► srv3 srv4 srv5     these two are proxies here

All of them are there at the same time, so in each round all get the same requests together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial

from balancing import HealthCheck
from experiments.lab import PYTHON, Lab
from experiments.openloop import Visit
from experiments.services import service
from experiments.sessions import Session
from topologies import addresses

CLIENTS, TIER, SERVERS = 8, (1, 2), (3, 4, 5)  # how many; the numbers of the proxies of the tier, and of the servers
PORT, WEB = 8080, 80                           # of every proxy; of every server
WORKERS, SERVICE_S = 8, 0.02
NONE, CLIENT, SERVER, TIERS = PLACES = ("no proxy", "beside the clients", "beside the servers", "two tiers")
CHECK = HealthCheck(interval_s=0.25, timeout_s=0.5, rise=2, fall=2, slow_start_s=0, source=addresses.PROBE)
VICTIMS = {CLIENT: "h1", SERVER: "proxy", TIERS: "srv1"}  # whose proxy is killed


class PlacedLab(Lab):
    """A lab with a proxy in every client, one beside the servers, and two behind an L4 service."""

    def __init__(self, say: Callable[[str], object] = lambda words: None) -> None:
        one = service("l4", servers=len(TIER), realisation="tracked", health=CHECK)
        backends = tuple(dataclasses.replace(backend, port=PORT) for backend in one.backends)
        super().__init__("flat", [dataclasses.replace(one, backends=backends)], clients=CLIENTS,
                         servers=len(TIER) + len(SERVERS), workers=WORKERS, service_time_s=SERVICE_S,
                         say=lambda words: say(f"placement: {words}"))

    def hosts(self) -> list[str]:
        """Where a proxy runs."""
        return [*self.topo.client_names(), "proxy", *(f"srv{number}" for number in TIER)]

    def _start_proxy(self) -> None:
        for host in self.hosts():
            self._spawn_proxy(host)
        for host in self.hosts():
            self._wait_for_proxy(host)

    def _spawn_proxy(self, host: str) -> None:
        backends = [word for number in SERVERS for word in ("--backend", f"{addresses.server(number)}:{WEB}")]
        self._spawn(f"proxy-{host}", [*PYTHON, "-m", "l7proxy", "reverse", "--listen", f"0.0.0.0:{PORT}", *backends],
                    host=host)

    def _wait_for_proxy(self, host: str) -> None:
        self.wait(f"the proxy in {host}", partial(self.processes.has_said, f"proxy-{host}", "listening"))

    def kill_proxy(self, host: str) -> None:
        """End a proxy on the spot (SIGKILL), as a crash would."""
        self.kill_server(f"proxy-{host}")

    def start_proxy(self, host: str) -> None:
        """Start one again that was killed; return once it listens."""
        self._spawn_proxy(host)
        self._wait_for_proxy(host)

    def wait_until_up(self) -> None:
        """Return once the L4 tier has all of its proxies."""
        self.wait("the tier to be whole", lambda: all(
            last == "Up" for last in {event["backend"]: event["event"] for event in self.events()
                                      if event["event"] in ("Up", "Down")}.values()))

    def visits(self, sessions: tuple[Session, ...], offset_s: float, place: str) -> Iterator[Visit]:
        """Each session as a connection of its client's to the service, by way of one place."""
        clients = self.clients()
        for number, one in enumerate(sessions):
            yield Visit(one.at_s + offset_s, clients[one.client], self.target(place, number), ("/",) * one.requests,
                        place)

    def target(self, place: str, number: int) -> tuple[str, int]:
        """Where connection `number` goes."""
        return {NONE: (str(addresses.server(SERVERS[number % len(SERVERS)])), WEB), CLIENT: ("127.0.0.1", PORT),
                SERVER: (str(addresses.PROXY), PORT),
                TIERS: (str(self.services[0].vip), self.services[0].port or WEB)}[place]
