"""The lab of `mobile`: a VIP for each way to keep a session at its server, and clients that can move.

    h1 ... ──┬── VIP 0, 1, 2   L2, L3, L4 by source hash: by MAC, by address        ┌── srv1
             ├── VIP 3         L7 by source hash, which reads the address      ─ ──┼── srv2
             ├── VIP 4         L7 by a cookie of the proxy's own                    └── srv3
             └── VIP 5         the same, with srv3 as a canary for a stated part of the sessions

The proxy is configured by one file: which pool a request goes to follows from the VIP that it came to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from balancing import LAYERS, Service
from experiments.lab import PYTHON, Lab
from experiments.rounds import introduce
from experiments.services import service
from topologies import addresses

SERVERS = 3
CANARY, CANARY_WEIGHTS = "srv3", (9, 9, 2)  # of srv1, srv2, srv3
STATED = CANARY_WEIGHTS[-1] / sum(CANARY_WEIGHTS)
BY_COOKIE, WITH_CANARY = "L7 by cookie", "canary"
POOLS = {  # of the proxy: the algorithm, the weights, whether a cookie keeps sessions
    "L7 by address": ("source-hash", (1, 1, 1), False),
    BY_COOKIE: ("round-robin", (1, 1, 1), True),
    WITH_CANARY: ("weighted-round-robin", CANARY_WEIGHTS, True),
}
ELSEWHERE = addresses.LAN[200 * 256]  # from here on, addresses that no host of the plan has

LISTENER = """
[[listener]]
name = "{name}"
address = "{vip}:80"

[[route]]
listeners = ["{name}"]
pool = "{name}"

[[pool]]
name = "{name}"
algorithm = "{algorithm}"
backends = [{backends}]
health = {{ path = "/_probe" }}
{sticky}
"""


def services() -> list[Service]:
    """Each with a name that says by what a session is kept."""
    switch = [(layer, f"{layer.upper()} by {'MAC' if row.key == 'eth_src' else 'address'}")
              for layer, row in LAYERS.items() if row.in_switch]
    wanted = [*switch, *(("l7", name) for name in POOLS)]
    return [dataclasses.replace(service(layer, number, servers=SERVERS, algorithm="source-hash"), name=name)
            for number, (layer, name) in enumerate(wanted)]


class MobileLab(Lab):
    """A lab whose clients can move, and whose proxy is configured by a file."""

    def __init__(self, clients: int, say: Callable[[str], object] = lambda words: None) -> None:
        super().__init__("flat", services(), clients=clients, servers=SERVERS, workers=1000,
                         say=lambda words: say(f"mobile: {words}"))
        self._places = (ELSEWHERE + number for number in range(1, 50 * 256))
        self._left: list[IPv4Address] = []
        self._now = {name: addresses.client(number) for number, name in enumerate(self.topo.client_names(), start=1)}

    def start(self) -> None:
        """Bring everything up; clients know the VIPs' MACs."""
        super().start()
        introduce(self)

    def _start_proxy(self) -> None:
        (self.directory / "proxy.toml").write_text("\n".join(self.configuration()))
        self._spawn("proxy", [*PYTHON, "-m", "l7proxy", "reverse", "--config", str(self.directory / "proxy.toml")],
                    host="proxy")

    def configuration(self) -> Iterator[str]:
        """The proxy's file."""
        yield '[log]\nevents = "proxy.ndjson"\n\n[api]\nsocket = "proxy.sock"\n'
        for one in self.services:
            if one.name in POOLS:
                algorithm, weights, sticky = POOLS[one.name]
                backends = ", ".join(f'{{ name = "{backend.name}", address = "{backend.ip}:80", weight = {weight} }}'
                                     for backend, weight in zip(one.backends, weights, strict=True))
                yield LISTENER.format(name=one.name, vip=one.vip, algorithm=algorithm, backends=backends,
                                      sticky='sticky = { cookie = "lab" }' if sticky else "")

    def move(self, client: str) -> IPv4Address:
        """Give a client another MAC and another address, as if it had gone on with another card; return the address."""
        before, after = self._now[client], next(self._places)
        card = f"{client}-eth0"
        self.net[client].cmd(f"ip addr del {before}/16 dev {card}; ip link set {card} address {addresses.mac(after)}; "
                             f"ip addr add {after}/16 dev {card}")
        introduce(self, [client])  # a card begins with an empty table
        self._now[client] = after
        self._left.append(before)
        return after

    def forget(self) -> None:
        """Let servers and proxy forget where those who moved have been: all hosts share the bound of one table."""
        for host in (*self.topo.server_names(), "proxy"):
            lines = "\n".join(f"neigh del {place} dev {host}-eth0" for place in self._left)
            self.net[host].cmd(f"ip -force -batch - 2>/dev/null <<end\n{lines}\nend")
        self._left.clear()
