"""A lab that runs: a topology with real switches, servers, a controller and a proxy, inside a capsule.

    with Lab("flat", [service("l4")], clients=12) as lab:
        lab.net["h1"].cmd("curl http://vip/")

What starts, in this order, the slow parts at the same time:

    Ryu ─────────────────(a second)──────────────┐
    Mininet: hosts, links, switches ── servers ──┴─ switches connect, services are Ready ── proxy, and its are

The proxy comes last because it tests servers at once: what it sent while the switch had no rules would be lost, and
ARP asks again only after a second.

The capsule must have been entered before (`topologies.capsule.enter`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from balancing import Service, check_services
from experiments import api_client, capture, programs
from experiments.clients import ClientHost, session
from experiments.programs import Programs, listens
from experiments.server.settings import Settings
from experiments.services import L4_PORTS, PORTS
from layerlab import LabError, choice
from topologies import TOPOLOGIES, addresses, capsule
from topologies.nodes import LabNet

PYTHON = [sys.executable, "-P"]  # never the current folder's modules
PORT = 6653  # OpenFlow, as registered with IANA
CONTROLLER = f"127.0.0.1:{PORT}"
RUNS = {"": (PORTS["tcp"], L4_PORTS["tcp"])}


class Lab:
    """One lab.

    topology: a name of TOPOLOGIES. services: what is balanced, at most one proxy's worth at L7.
    clients, servers: how many hosts. workers, service_time_s: each server's capacity; apart: each of its ports' own.
    runs: what runs on each server, as HTTP ports by a suffix to its name: {"": (80,), "-b": (8002,)}
        is srv1 on port 80 and srv1-b beside it on port 8002.
    say: told what is going on, a few words at a time.

    Raises LabError before anything is built if it can't be built, and while it is, if a part doesn't start.
    """

    def __init__(self, topology: str, services: Sequence[Service], *, clients: int = 12, servers: int = 3,
                 workers: int = 8, service_time_s: float = 0.0, apart: bool = False,
                 runs: Mapping[str, Sequence[int]] = RUNS, say: Callable[[str], object] = lambda words: None) -> None:
        self.services = check_services(services)
        self.topo = TOPOLOGIES[choice("topology", topology, TOPOLOGIES)](clients=clients, servers=servers)
        if self.services and not self.topo.balances:
            raise LabError(f"nothing is balanced on {topology}: no switch of it stands between clients and servers",
                           "one of " + ", ".join(name for name, one in TOPOLOGIES.items() if one.balances),
                           f"mn --custom topologies/{topology}.py --topo {topology}   (docs/ways-in.md)",
                           field="topology")
        self.capacity = Settings(ports=tuple(L4_PORTS.values()), workers=workers, apart=apart,
                                 service_time_s=service_time_s)
        self.runs, self.say = runs, say
        self.captures = capture.folder(wanted) if (wanted := os.environ.get(capture.VARIABLE)) else None
        self.directory = capsule.LAB
        self.processes = Programs(self.directory)
        self.datapath = ""

    # -- up and down ---------------------------------------------------------------------------

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Bring everything up and return when every service can be used."""
        self.directory /= f"{self.topo.name}{sum(1 for _ in capsule.LAB.iterdir()) + 1}"
        self.directory.mkdir()
        self.processes.folder = self.directory
        self.write_services()
        self.datapath = capsule.datapath()
        self.start_controller()
        self.say(f"{len(self.topo.hosts())} hosts, {len(self.topo.switches())} switches")
        self.net = LabNet(self.topo, self.datapath, controlled=bool(self._in_switch))
        self.net.start()
        self._give_addresses()
        self._start_captures()
        self.say("servers")
        self._start_servers()
        self.say("controller")
        self.connect_controller()
        self._wait_until_ready(self._in_switch)
        self._greet()
        self._start_proxy()
        self._wait_until_ready(self._by_proxy)

    def stop(self) -> None:
        """Take everything down. The capsule would, too; this is for a second lab in the same one."""
        self.processes.stop()
        if hasattr(self, "net"):
            self.net.stop()

    # -- the parts -----------------------------------------------------------------------------

    @property
    def services_file(self) -> Path:
        """What controller and proxy are started with."""
        return self.directory / "services.json"

    def write_services(self) -> None:
        """Write the services file, for a controller and a proxy that are about to be started."""
        self.services_file.write_text(json.dumps([service.to_json() for service in self.services]))

    @property
    def _in_switch(self) -> list[Service]:
        return [service for service in self.services if service.row.in_switch]

    @property
    def _by_proxy(self) -> list[Service]:
        return [service for service in self.services if not service.row.in_switch]

    def start_controller(self) -> None:
        """Start Ryu, if a service needs it. It is not yet waited for."""
        if self._in_switch:
            self._spawn("controller", [*PYTHON, "-m", "controller", "--services", str(self.services_file),
                                       "--events", str(self.directory / "controller.ndjson"),
                                       "--api", str(self.directory / "controller.sock"), "--listen", CONTROLLER])

    def connect_controller(self) -> None:
        """Point the switches at the controller once it listens: OVS would wait a second before asking again."""
        if self._in_switch:
            self.wait("the controller to listen", lambda: listens(PORT))
            self.net.connect(f"tcp:{CONTROLLER}")

    def _start_proxy(self) -> None:
        if self._by_proxy:
            self._spawn("proxy", [*PYTHON, "-m", "l7proxy", "--services", str(self.services_file),
                                  "--events", str(self.directory / "proxy.ndjson"),
                                  "--api", str(self.directory / "proxy.sock"), "--explain"], host="proxy")

    def _start_servers(self) -> None:
        names = [host + suffix for host in self.topo.server_names() for suffix in self.runs]
        for name in names:
            self._spawn_server(name)
        for name in names:
            self._wait_for_server(name)

    def _spawn_server(self, name: str) -> None:
        host, dash, rest = name.partition("-")
        ports = [f"--port={port}" for port in self.runs[dash + rest]]
        echo = [] if rest else [f"--udp={port}" for port in (PORTS["udp"], L4_PORTS["udp"])]
        capacity = [f"--workers={self.capacity.workers}", f"--service-time={self.capacity.service_time_s}",
                    *["--apart"] * self.capacity.apart]
        command = [*PYTHON, "-m", "experiments.server", "--name", name, *ports, *echo, *capacity]
        self._spawn(name, command, host=host)

    def _wait_for_server(self, name: str) -> None:
        self.wait(f"{name} to serve", partial(self.processes.has_said, name, "ready"))

    def kill_server(self, name: str) -> None:
        """End a server's program on the spot (SIGKILL), as a crash would."""
        program = self.processes.pop(name)
        program.kill()
        program.wait()

    def start_server(self, name: str) -> None:
        """Start a server's program that was killed; return once it serves."""
        self._spawn_server(name)
        self._wait_for_server(name)

    def _start_captures(self) -> None:
        """Where captures are wanted: one at each end of each link, before there is traffic."""
        if self.captures is None:
            return
        folder = self.captures / self.directory.name
        folder.mkdir(exist_ok=True)
        found = list(capture.taps(self.net))
        self.say(f"{len(found)} captures")
        for tap in found:
            self._spawn(tap.file, tap.command(folder), tap.host)
        for tap in found:
            self.wait(f"tcpdump on {tap.interface}", partial(self.processes.has_said, tap.file, capture.READY))

    def _give_addresses(self) -> None:
        """Service addresses and VIPs, and the names that resolve everywhere in the capsule."""
        for number, name in enumerate(self.topo.server_names(), start=1):
            self.net[name].cmd("; ".join(self._server_addresses(number, name)))
        for vip in {service.vip for service in self._by_proxy}:
            self.net["proxy"].cmd(f"ip addr add {vip}/32 dev proxy-eth0")
        names = [f"{service.vip}\tvip-{service.layer}" + ("\tvip" if service is self.services[0] else "")
                 for service in self.services]
        capsule.name_hosts(self.topo.hosts_file() + "\n".join(dict.fromkeys(names)) + "\n")

    def _server_addresses(self, number: int, name: str) -> Iterator[str]:
        mine = {backend.ip for service in self.services for backend in service.backends
                if backend.name.partition("-")[0] == name}
        for address in sorted(mine):
            yield f"ip addr add {address}/32 dev {name}-eth0"
        for vip in sorted({service.vip for service in self._in_switch if not service.row.restored}):
            yield f"ip addr add {vip}/32 dev lo"  # direct server return: it answers as the VIP

    def _greet(self) -> None:
        """A packet from each server, so that the switch knows where it is: what it doesn't know it floods."""
        for name in self.topo.server_names():
            self.net[name].cmd(f"ping -c 1 -W 1 {addresses.PROXY}")

    def _spawn(self, name: str, command: list[str], host: str = "") -> None:
        self.processes.spawn(name, command, self.net[host].pid if host else None)

    # -- what happens in it --------------------------------------------------------------------

    def clients(self) -> list[ClientHost]:
        """The clients, as traffic is driven from them."""
        return [ClientHost(name, self.netns(name)) for name in self.topo.client_names()]

    def crowd(self, each: int) -> list[ClientHost]:
        """As many clients as the hosts have addresses: give every client host of `flat` `each` of them, at most 8."""
        if not 1 <= each <= addresses.MAX_FURTHER + 1:
            raise LabError(f"{each} addresses a client", f"from 1 to {addresses.MAX_FURTHER + 1}")
        found = []
        for number, host in enumerate(self.clients(), start=1):
            more = [str(addresses.further(number, which)) for which in range(1, each)]
            self.net[host.name].cmd("; ".join(f"ip addr add {one}/32 dev {host.name}-eth0" for one in more))
            found += [ClientHost(f"{host.name}-{place}", host.netns, one)
                      for place, one in enumerate([str(addresses.client(number)), *more], start=1)]
        return found

    def netns(self, host: str) -> str:
        """The path of a host's network namespace."""
        return f"/proc/{self.net[host].pid}/ns/net"

    def service(self, layer: str) -> Service:
        """The first service of `layer`."""
        return next(service for service in self.services if service.layer == layer)

    def by_name(self, name: str) -> Service:
        """The service that is called so."""
        return next(service for service in self.services if service.name == name)

    def events(self, kind: str = "", service: str = "") -> list[dict[str, Any]]:
        """The events so far, of controller and proxy, by kind (Assigned, ...) and service where given."""
        lines = [line for path in sorted(self.directory.glob("*.ndjson")) for line in path.read_text().splitlines(True)]
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        return [event for event in events
                if kind in ("", event["event"]) and service in ("", event["service"])]

    def api(self, method: str, target: str, form: object = None, *, status: int = 0, proxy: bool = False) -> Any:
        """One request to the controller's API, or the proxy's (balancing/api.py); the answer's form.

        Raises LabError for another status than the one given; 0 takes any below 400.
        """
        got, answer = api_client.request(self.directory / f"{'proxy' if proxy else 'controller'}.sock", method, target,
                                         form)
        if got != status if status else got >= 400:
            raise LabError(f"{method} {target} was answered by {got}: {answer}", str(status or "200"))
        return answer

    def pids(self) -> dict[str, int]:
        """The processes that do the balancing, by what they are: switch, controller, proxy; those that run."""
        found = {"switch": capsule.switch_pid()}
        return found | {name: self.processes[name].pid for name in ("controller", "proxy") if name in self.processes}

    def counts(self) -> dict[str, int]:
        """HTTP requests that each server has counted itself, asked for at its host address."""
        return {name: sum(self.stats(name)["requests"].values()) for name in self.topo.server_names()}

    def stats(self, server: str) -> dict[str, Any]:
        """What a server says of itself (GET /_stats)."""
        return self._aside("GET", server, "/_stats")

    def set_capacity(self, server: str, **change: float) -> None:
        """From now on a server has so many `workers`, and takes `slowness` times as long; with `port`, only there.

        (PUT /_capacity)
        """
        self._aside("PUT", server, "/_capacity?" + "&".join(f"{name}={value:g}" for name, value in change.items()))

    def _aside(self, method: str, server: str, path: str) -> dict[str, Any]:
        """Ask a server something beside its work, at its host address and from the proxy's host."""
        address = addresses.server(int(server.removeprefix("srv")))
        with session(ClientHost("proxy", self.netns("proxy"))) as direct:
            answer = direct.request(method, f"http://{address}{path}")
        found: dict[str, Any] = answer.json()
        if not answer.ok:
            raise LabError(f"{server} refuses {method} {path}: {found['error']}", "a capacity that it can have")
        return found

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Return once `done()`. Raises LabError if a program has ended, a rule was refused, or it takes too long."""
        programs.wait(what, done, self._check)

    def _check(self) -> None:
        self.processes.check()
        for event in self.events("Refused"):
            raise LabError(f"the switch refused a rule of {event['service']!r}: {event['rule']}",
                           "an OVS that takes it", "./lab doctor")

    def _wait_until_ready(self, services: Sequence[Service]) -> None:
        names = {service.name for service in services}
        self.wait("every service to be ready", lambda: self._ready() >= names)

    def _ready(self) -> set[str]:
        return {event["service"] for event in self.events("Ready")}
