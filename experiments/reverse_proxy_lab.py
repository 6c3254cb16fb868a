"""The lab of the experiment `reverse-proxy`: three shops that speak plain HTTP, and a proxy that speaks TLS for them.

     h1 ══ TLS ══╗                        ┌── srv1 ┐
     h2 ══ TLS ══╬══ r1 ══ proxy ── HTTP ─┼── srv2 ├ experiments.shop, plain HTTP
     ...         ╝  (the routed topology) └── srv3 ┘

Clients are behind a router, so that nothing of the servers' own network reaches them but what is sent to them. The
proxy is configured by one file, as it would be anywhere; certificates come from the run's own authority.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from experiments import capture
from experiments.authority import Authority
from experiments.lab import PYTHON, Lab
from experiments.services import service
from topologies import addresses, capsule

SERVERS, CLIENTS = 3, 6
SHOP, UNKEPT = "shop.lab", "fresh.shop.lab"  # the second is never answered from the cache
THINK_S = 0.02  # how long a shop takes to make a page of goods

CONFIG = """\
[[listener]]
name = "https"
address = "{vip}:443"
tls = true

[[listener]]
name = "http"
address = "{vip}:80"
redirect_to_https = 443

[[certificate]]
name = "shop"
cert = "{cert}"
key = "{key}"

[cache]
size = "16MiB"

[log]
events = "proxy.ndjson"

[api]
socket = "proxy.sock"

[[route]]
path = "/video"
pool = "video"

[[route]]
header = "X-Version: beta"
pool = "beta"

[[route]]
cookie = "group=b"
pool = "beta"

[[route]]
host = "{unkept}"
pool = "shop"
cache = false

[[route]]
pool = "shop"
"""

POOL = """
[[pool]]
name = "{name}"
backends = [{backends}]
health = {{ path = "/_probe" }}
"""

POOLS = {"shop": (1, 2, 3), "beta": (2,), "video": (3,)}  # a name and the numbers of its servers


class ShopLab(Lab):
    """A lab whose servers are shops and whose proxy is configured by a file."""

    def __init__(self, say: Callable[[str], object] = lambda words: None) -> None:
        super().__init__("routed", [service("l7", servers=SERVERS)], clients=CLIENTS, servers=SERVERS,
                         say=lambda words: say(f"reverse-proxy: {words}"))
        self.vip = self.services[0].vip

    def start(self) -> None:
        """Bring everything up, with an authority of its own."""
        self.authority = Authority(capsule.LAB / "authority")
        self.certificate = self.authority.issue(SHOP, f"*.{SHOP}")
        super().start()

    def _spawn_server(self, name: str) -> None:
        self._spawn(name, [*PYTHON, "-m", "experiments.shop", "--name", name, "--port", "80", "--think", str(THINK_S)],
                    host=name)

    def _give_addresses(self) -> None:
        super()._give_addresses()
        capsule.name_hosts(capsule.HOSTS.read_text() + f"{self.vip}\t{SHOP} {UNKEPT}\n")

    def _start_proxy(self) -> None:
        (self.directory / "proxy.toml").write_text(self.configuration())
        self._spawn("proxy", [*PYTHON, "-m", "l7proxy", "reverse", "--config", str(self.directory / "proxy.toml")],
                    host="proxy")

    def _ready(self) -> set[str]:
        return {"l7"} if {event["service"] for event in self.events("Ready")} >= set(POOLS) else set()

    def configuration(self) -> str:
        """The proxy's file."""
        head = CONFIG.format(vip=self.vip, cert=self.certificate.cert, key=self.certificate.key, unkept=UNKEPT)
        return head + "".join(_pool(name, numbers) for name, numbers in POOLS.items())

    @contextmanager
    def silent(self) -> Iterator[None]:
        """For as long as this lasts the proxy tells servers nothing of clients ([forwarded] send = false)."""
        self._reload("[forwarded]\nsend = false\n")
        yield
        self._reload("")

    def _reload(self, more: str) -> None:
        said = self.directory / "proxy.err"
        read = said.read_text().count("read anew:")
        (self.directory / "proxy.toml").write_text(self.configuration() + more)
        self.processes["proxy"].send_signal(signal.SIGHUP)
        self.wait("the proxy to read its file", lambda: said.read_text().count("read anew:") > read)

    def renew(self) -> None:
        """Replace the certificate by a new one, and let the proxy take it."""
        self.authority.issue(SHOP, f"*.{SHOP}")
        self.processes["proxy"].send_signal(signal.SIGHUP)

    def counters(self) -> dict[str, Any]:
        """What the proxy has counted (docs/seeing.md)."""
        found: dict[str, Any] = self.api("GET", "/counters", proxy=True)
        return found

    # -- captures ------------------------------------------------------------------------------

    def tap(self) -> dict[str, list[Path]]:
        """Capture at every client's and every server's own interface from now on; return the files, by side."""
        sides = {"clients": self.topo.client_names(), "servers": self.topo.server_names()}
        taps = [tap for tap in capture.taps(self.net) if tap.host in (*sides["clients"], *sides["servers"])]
        for tap in taps:
            self._spawn(f"tap-{tap.host}", tap.command(self.directory), tap.host)
        for tap in taps:
            self.wait(f"tcpdump at {tap.host}", partial(self.processes.has_said, f"tap-{tap.host}", capture.READY))
        files = {tap.host: self.directory / tap.file for tap in taps}
        return {side: [files[name] for name in names] for side, names in sides.items()}

    def untap(self) -> None:
        """End the captures: what was seen by then is in the files."""
        for name in [name for name in self.processes if name.startswith("tap-")]:
            program = self.processes.pop(name)
            program.terminate()
            program.wait()

    def server_addresses(self) -> set[Any]:
        """Every IP address that a server has."""
        numbers = range(1, SERVERS + 1)
        return {one for number in numbers for one in (addresses.server(number), addresses.service_address(0, number))}

    def server_macs(self) -> set[str]:
        """And every MAC."""
        return {addresses.mac(addresses.server(number)) for number in range(1, SERVERS + 1)}


def _pool(name: str, numbers: tuple[int, ...]) -> str:
    backends = ", ".join(f'{{ name = "srv{n}", address = "{addresses.service_address(0, n)}:80" }}' for n in numbers)
    return POOL.format(name=name, backends=backends)
