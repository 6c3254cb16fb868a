"""The lab of the experiment `forward-proxy`: a class in a campus, five origins, at the edge one host with many doors.

     h1 10.0.1.1 ──┐           ┌─ :3128 plain          ┐  30 Mbit/s   ┌── srv1  news.example ...
     ...           ┼── proxy ──┼─ :3129 cache, new     ┼──── edge ────┼── srv2  video.example
     h10           ┘     └─ · ─┼─ ...                  ┘              └── ...
                           │   └─ one lab-proxy each, by a file of its own
                           └─ or none of them: `routed` makes the host a plain router, for as long as it lasts

So with and without a proxy are the same hosts and the same edge, and a door's whole difference is what its file says.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from experiments import capture
from experiments.browser import Place, Way
from experiments.campus_lab import CampusLab
from experiments.lab import PYTHON
from l7proxy.forward.users import entry
from topologies import addresses

CLIENTS, SERVERS = 10, 5
EDGE_MBIT = 30.0
THINK_S = 0.02  # how long an origin takes to make an object: there is no delay on links, and this stands in for it
TOTAL_BYTES = 2_200_000  # a second, for all clients: a little less than the edge carries, beside frames' heads
USER, PASSWORD = "ada", "a-password-of-ada"

FILE = """\
[[listener]]
name = "proxy"
address = "{address}:{port}"

[forward]
default = "allow"
reachable = ["{internet}"]
"""

RULES = """\
users = "users"

[[forward.rule]]
name = "no-ads"
action = "deny"
hosts = [".ads.example", "tracker.example"]

[[forward.rule]]
name = "no-banners"
action = "deny"
urls = ["*/image/banner-*"]

[[forward.rule]]
name = "read-only"
action = "deny"
methods = ["POST", "PUT", "DELETE"]

[[forward.rule]]
name = "web-only"
action = "deny"
ports = ["1-79", "81-442", "444-65535"]

[[forward.rule]]
name = "not-this-desk"
action = "deny"
clients = ["{last}/32"]

[[forward.rule]]
name = "members"
action = "allow"
hosts = ["shop.example"]
users = ["*"]
"""

CACHE = """
[cache]
size = "64MiB"
"""

TRAFFIC = f"""
[forward.traffic]
total = "{TOTAL_BYTES}B"
rate = "{TOTAL_BYTES // CLIENTS}B"
ceil = "{TOTAL_BYTES // 3}B"
"""

FILTERS = """
[[forward.filter]]
name = "no-films"
action = "block"
types = ["video/*"]

[[forward.filter]]
name = "not-so-large"
action = "block"
over = "1MiB"

[[forward.filter]]
name = "not-this-word"
action = "block"
words = ["wiki.example/page/13 "]

[[forward.filter]]
name = "kinder"
action = "replace"
hosts = ["wiki.example"]
words = ["class"]
by = "lesson"
"""

NEW = "new cache"

# What each door's file says beside FILE; the port is 3128 and up, in this order.
DOORS = {
    "plain": "",
    NEW: CACHE,
    "warm cache": CACHE,
    "anonymous": '[forward.anonymity]\nlevel = "anonymous"\n',
    "elite": '[forward.anonymity]\nlevel = "elite"\n',
    "rules": RULES,
    "filters": FILTERS,
    "traffic": TRAFFIC,
}


@dataclass(frozen=True)
class Told:
    """What curl was told. status: of the answer, or of the refusal of a tunnel. fields: by name in small letters.

    peer: the address that it spoke to. error: its own words, where it has no answer to show.
    """

    status: int
    fields: dict[str, str]
    body: bytes
    peer: str
    error: str

    @classmethod
    def read(cls, found: dict[str, Any], heads: str, body: bytes, complaint: str) -> Told:
        """From what curl wrote: of several heads, one behind the other, the last one counts."""
        lines = heads.strip().split("\r\n\r\n")[-1].split("\r\n")[1:]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(found["response_code"] or found["http_connect"], fields, body, found["remote_ip"],
                   complaint.strip().partition(") ")[2])


class ForwardLab(CampusLab):
    """A campus whose proxy's host runs a proxy for every door."""

    def __init__(self, say: Callable[[str], object] = lambda words: None) -> None:
        super().__init__(clients=CLIENTS, servers=SERVERS, edge_mbit=EDGE_MBIT, think_s=THINK_S,
                         say=lambda words: say(f"forward-proxy: {words}"))

    # -- doors ---------------------------------------------------------------------------------

    def _start_proxy(self) -> None:
        (self.directory / "users").write_text(entry(USER, PASSWORD) + "\n")
        self.open_doors(*(name for name in DOORS if name != NEW))  # that one is opened anew each time

    def open_doors(self, *names: str) -> None:
        """Start the proxies of these doors, anew where they run: what they kept is gone."""
        for name in names:
            if running := self.processes.pop(name, None):
                running.kill()
                running.wait()
            file = self.directory / f"{name}.toml"
            file.write_text(self.configuration(name))
            self._spawn(name, [*PYTHON, "-m", "l7proxy", "forward", "--config", str(file)], host="proxy")
        for name in names:
            self.wait(f"the door {name!r}", partial(self.processes.has_said, name, "listening on"))

    def configuration(self, door: str) -> str:
        """A door's file."""
        head = FILE.format(address=addresses.PROXY, port=self.door(door)[1], internet=addresses.INTERNET)
        return head + DOORS[door].format(last=addresses.client(CLIENTS))

    def door(self, name: str) -> Place:
        """Where a door is."""
        return str(addresses.PROXY), 3128 + list(DOORS).index(name)

    def way(self, door: str) -> Way:
        """By a door to the origins; "" is the direct way, which is open while the campus is `routed`."""
        return Way(self.door(door)) if door else Way(None, self.origins())

    def origins(self) -> dict[str, Place]:
        """Every site's place."""
        return {name: (str(addresses.origin(number)), 80) for number, names in self.topo.sites().items()
                for name in names}

    @contextmanager
    def routed(self) -> Iterator[None]:
        """For as long as this lasts the proxy's host is a plain router, and both sides know the way."""
        self._routed("add", 1)
        try:
            yield
        finally:
            self._routed("del", 0)

    def _routed(self, verb: str, forward: int) -> None:
        self.net["proxy"].cmd(f"sysctl -qw net.ipv4.ip_forward={forward}")
        for name in self.topo.client_names():
            self.net[name].cmd(f"ip route {verb} {addresses.INTERNET} via {addresses.PROXY}")
        for name in self.topo.server_names():
            self.net[name].cmd(f"ip route {verb} {addresses.LAN} via {addresses.EDGE}")

    # -- one request, by curl ------------------------------------------------------------------

    def curl(self, host: str, door: str, url: str, *words: str) -> Told:
        """Ask for `url` from `host`, by a door or (where it is "") directly; `words` are more of curl's."""
        head, body = self.directory / "curl.head", self.directory / "curl.body"
        for file in (head, body):
            file.write_bytes(b"")
        way = ["--proxy", "http://{}:{}".format(*self.door(door))] if door else [
            word for name, (ip, _) in self.origins().items() for word in ("--resolve", f"{name}:80:{ip}")]
        command = ["curl", "-sS", "--max-time", "20", "--cacert", str(self.authority.bundle), "-D", str(head), "-o",
                   str(body), "-w", "%{json}", *way, *words, url]
        done = subprocess.run(["mnexec", "-a", str(self.net[host].pid), *command], capture_output=True, text=True,
                              timeout=30, stdin=subprocess.DEVNULL)
        return Told.read(json.loads(done.stdout), head.read_bytes().decode("latin-1"), body.read_bytes(), done.stderr)

    # -- what crosses the edge -----------------------------------------------------------------

    def edge_bytes(self) -> int:
        """Bytes that have crossed the edge, both ways, frames' heads and all (proc(5), /proc/PID/net/dev)."""
        lines = Path(f"/proc/{self.net['proxy'].pid}/net/dev").read_text().splitlines()
        counts = next(line.partition(":")[2].split() for line in lines if line.strip().startswith("proxy-eth1:"))
        return int(counts[0]) + int(counts[8])

    @contextmanager
    def tapped(self, *hosts: str) -> Iterator[dict[str, Path]]:
        """Capture at these hosts' own interfaces for as long as this lasts; the files, by host, are whole after it."""
        taps = [tap for tap in capture.taps(self.net) if tap.host in hosts]
        for tap in taps:
            self._spawn(f"tap-{tap.host}", tap.command(self.directory), tap.host)
        for tap in taps:
            self.wait(f"tcpdump at {tap.host}", partial(self.processes.has_said, f"tap-{tap.host}", capture.READY))
        yield {tap.host: self.directory / tap.file for tap in taps}
        for tap in taps:
            program = self.processes.pop(f"tap-{tap.host}")
            program.terminate()
            program.wait()
