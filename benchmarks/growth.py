"""Question: how do hashed and tracked services grow, with servers, with services and with live connections?

Prediction: rules grow with the servers and the services, not with connections, and no packet goes to the controller.

Method: one lab with a switch, and a controller that is started anew, on an empty switch, for each number of servers
and of services. Then new connections beside plain switching, as in dataplane.py; and after them the flows that the
datapath has cached. Live connections are held open through the service while new ones are made.

    install_ms      from the controller's word that the switch is here until the last service is Ready
    rules, buckets  of our services, in the switch; one group a service, if any
    by_cpu          new connections for the same CPU of the switch, beside plain switching (dataplane.py)
    datapath_flows  verdicts cached, of all kinds: hashed and tracked have one for each slot and client that was met

What was left out: servers are addresses and ports on at most ten hosts, each of which has one server program, so a
hundred servers don't mean a hundred programs. What the switch holds and does for them is the same.
"""

from __future__ import annotations

import dataclasses
import random
import re
import resource
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from typing import Any

from balancing import Service
from benchmarks import paths
from benchmarks.growth_words import contradictions, for_people, moral
from benchmarks.rounds import spread
from experiments.connections import RESET_ON_CLOSE
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.flowtable import rules
from experiments.lab import Lab
from experiments.services import service
from topologies import addresses

REALISATIONS = ("hashed", "tracked")
USUALLY = {"servers": 3, "services": 1, "connections": 0}  # while another of them grows
HOSTS = 10
_HERE = re.compile(r"^(\S+ \S+) INFO switch \d+ is here", re.MULTILINE)


@dataclass(frozen=True)
class Size:
    """The numbers of each kind, how many rounds, and the seconds of each turn."""

    servers: tuple[int, ...] = (3, 10, 30, 100)
    services: tuple[int, ...] = (1, 4, 16)
    connections: tuple[int, ...] = (100, 1000, 10_000)
    clients: int = 10
    rounds: int = 3
    seconds: float = 0.4


QUICK, FULL = Size((3, 30), (1, 4), (1000,), rounds=1), Size()


def services(realisation: str, servers: int, number: int) -> list[Service]:
    """So many services of so many servers each, on at most HOSTS hosts."""
    return [_service(realisation, servers, position) for position in range(number)]


def _service(realisation: str, servers: int, position: int) -> Service:
    one = service("l4", position, servers=servers, algorithm="random", realisation=realisation)
    backends = tuple(dataclasses.replace(backend, name=f"srv{_host(backend.id)}-{backend.id}",
                                         mac=addresses.mac(addresses.server(_host(backend.id))))
                     for backend in one.backends)
    return dataclasses.replace(one, name=f"{realisation}{position}", backends=backends, health=None)


def _host(number: int) -> int:
    """Which host server `number` is on."""
    return (number - 1) % HOSTS + 1


def lab_for(size: Size, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up: with every address that any case needs."""
    most = [_service("hashed", max(size.servers), 0),
            *(_service("hashed", USUALLY["servers"], position) for position in range(1, max(size.services)))]
    return Lab("flat", most, clients=size.clients, servers=min(HOSTS, max(size.servers)), workers=1000,
               say=lambda words: say(f"growth: {words}"))


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> list[dict[str, Any]]:
    """The table `growth`. Raises LabError if a connection fails."""
    dice, table = random.Random(seed), []
    known: dict[tuple[str, int, int, int], dict[str, Any]] = {}  # the first of servers is the first of services, too
    for grows, number, realisation in cases(size):
        servers, several, live = (number if grows == kind else usual for kind, usual in USUALLY.items())
        key = realisation, servers, several, live
        if key not in known:
            say(f"growth: {realisation}, {number} {grows}")
            known[key] = _case(lab, size, services(realisation, servers, several), live, dice)
        table.append({"realisation": realisation, "grows": grows, "number": number, **known[key]})
    return table


def _case(lab: Lab, size: Size, found: Sequence[Service], live: int, dice: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {"install_ms": round(install(lab, found), 1)}
    with held(lab, found[0], live):
        row |= in_switch() | _speed(lab, size, dice)
    return row | {"packet_ins": sum(len(lab.events("PacketIn", one.name)) for one in found)}


def cases(size: Size) -> Iterator[tuple[str, int, str]]:
    """What grows, to what number, and by which realisation."""
    for grows in USUALLY:
        for number in getattr(size, grows):
            for realisation in REALISATIONS:
                yield grows, number, realisation


def install(lab: Lab, found: Sequence[Service]) -> float:
    """Start a controller with these services on an emptied switch; how long the switch took, in milliseconds."""
    subprocess.run(["ovs-vsctl", "del-controller", "s1"], check=True)
    if (before := lab.processes.pop("controller", None)) is not None:
        before.terminate()
        before.wait(paths.PATIENCE_S)
    for command in ("ovs-ofctl -O OpenFlow13 del-flows s1", "ovs-ofctl -O OpenFlow13 del-groups s1",
                    "ovs-appctl dpctl/flush-conntrack", "ovs-appctl revalidator/purge"):
        subprocess.run(command.split(), check=True)
    log = lab.directory / "controller.ndjson"
    log.write_text("")
    lab.services = tuple(found)
    lab.write_services()
    lab.start_controller()
    lab.connect_controller()
    lab.wait("the services to be ready", lambda: len(lab.events("Ready")) >= len(found))
    ready_s: float = max(event["t"] for event in lab.events("Ready"))
    return 1000 * (ready_s - here_s((lab.directory / "controller.err").read_text()))


def here_s(said: str) -> float:
    """When the controller first said that the switch is here, in seconds since the epoch.

    >>> here_s("2026-01-02 03:04:05,250 INFO switch 1 is here") % 60
    5.25
    """
    found = _HERE.search(said)
    assert found, said
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").timestamp()


def in_switch() -> dict[str, int]:
    """How many rules and groups the switch holds of our services."""
    groups = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-groups", "s1"], capture_output=True, text=True,
                            check=True).stdout
    return {"rules": sum(bool(rule.cookie and rule.cookie.service) for rule in rules()),
            "groups": groups.count("group_id"), "buckets": groups.count("bucket=")}


@contextmanager
def held(lab: Lab, one: Service, number: int) -> Iterator[None]:
    """So many connections to a service, from all clients in turn, open meanwhile; reset in the end.

    Ended in good order, they would go on closing while the next case is installed, whose rules don't know them.
    """
    sockets: list[socket.socket] = []
    hosts = cycle(lab.clients())
    try:
        for _ in range(number):
            sockets.append(paths.connected(next(hosts).netns, paths.through(one)[0]))
        yield
    finally:
        for sock in sockets:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            sock.close()


def room_for_files(most: int) -> None:
    """Let this process, and the servers that it starts, have so many open files, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _speed(lab: Lab, size: Size, dice: random.Random) -> dict[str, Any]:
    """New connections beside plain switching, and what the datapath has cached then."""
    turns, flows = [], 0
    for _ in range(size.rounds):
        before = paths.connections(lab, paths.plain(lab), size.seconds, paths.WARM_S)
        targets = paths.through(*dice.sample(lab.services, len(lab.services)))
        own = paths.connections(lab, targets, size.seconds, warm_s=size.seconds)
        flows = max(flows, datapath_flows())
        turns.append((own, before + paths.connections(lab, paths.plain(lab), size.seconds, paths.WARM_S)))
    ratios = [own.per_second / plain.per_second for own, plain in turns]
    owns, plains = (sum(samples[1:], samples[0]) for samples in zip(*turns, strict=True))
    return {"rounds": size.rounds, **spread("ratio", ratios, 3), "by_cpu": paths.by_cpu(owns, plains),
            "datapath_flows": flows}


def datapath_flows() -> int:
    """How many verdicts the datapath has cached."""
    done = subprocess.run(["ovs-appctl", "dpctl/dump-flows"], capture_output=True, text=True, check=True)
    return done.stdout.count("recirc_id(")


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own."""
    size = QUICK if options.quick else FULL
    room_for_files(2 * max(size.connections) + 1000)
    with lab_for(size, display.say) as lab:
        table = measure(lab, size, options.seed, display.say)
    return Part("growth", table, moral(table), not contradictions(table), shown=for_people(table))
