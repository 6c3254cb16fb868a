"""The ways that are compared, each in a lab that runs: plain switching to the servers themselves, or a service's VIP.

    clients ──► srv1 srv2 srv3   plain: their host addresses, by NORMAL alone
            └─► VIP              a pipeline, on the same bridge, to the same servers

What can be asked of a way: how many connections a second, how many bytes a second, and how long to connect.
"""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median

from balancing import Service
from controller.cookies import Kind
from experiments.flowtable import rules
from experiments.lab import Lab
from experiments.load import drive, users
from experiments.netns import socket_in
from experiments.services import PORTS
from experiments.usage import Usage
from layerlab import LabError
from topologies import addresses

Targets = list[tuple[str, int]]
BODY_BYTES = 16 * 1024 * 1024  # of an answer, the most that the lab's server gives: a flow asks seldom
REQUEST = b"GET /?bytes=%d HTTP/1.1\r\nHost: vip\r\n\r\n" % BODY_BYTES
CHUNK_BYTES = 1024 * 1024
PATIENCE_S = 30.0  # a SYN that the switch lost comes again after 1, 3, 7 and 15 seconds
WARM_S = 0.3  # for plain switching; and so long that there is an answer, whatever else the machine does


@dataclass(frozen=True)
class Sample:
    """What a way did for a while. done: connections, or megabits. cpu_ms: of the lab's own processes, by name."""

    seconds: float
    done: float
    cpu_ms: dict[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """How fast it was."""
        return self.done / self.seconds

    @property
    def switch_share(self) -> float | None:
        """What part of the lab's CPU the switch had; None where none was counted."""
        spent = sum(self.cpu_ms.values())
        return round(self.cpu_ms.get("switch", 0.0) / spent, 3) if spent else None

    def __add__(self, other: Sample) -> Sample:
        names = self.cpu_ms | other.cpu_ms
        both = {name: self.cpu_ms.get(name, 0.0) + other.cpu_ms.get(name, 0.0) for name in names}
        return Sample(self.seconds + other.seconds, self.done + other.done, both)


def by_cpu(own: Sample, plain: Sample) -> float | None:
    """How much the switch did for the same CPU, beside plain switching; None where it was too little to be counted.

    >>> by_cpu(Sample(1, 100, {"switch": 50.0}), Sample(1, 100, {"switch": 40.0}))
    0.8
    """
    spent, spent_plain = (sample.cpu_ms.get("switch", 0.0) for sample in (own, plain))
    if not (spent and spent_plain and plain.done):
        return None
    return round((own.done / spent) / (plain.done / spent_plain), 3)


def plain(lab: Lab) -> Targets:
    """The servers themselves."""
    return [(str(addresses.server(number)), PORTS["tcp"]) for number in range(1, lab.topo.n_servers + 1)]


def through(*services: Service) -> Targets:
    """The VIPs of services."""
    return [(str(service.vip), service.port or PORTS["tcp"]) for service in services]


def connections(lab: Lab, targets: Targets, seconds: float, warm_s: float = 0.0) -> Sample:
    """New connections, each for one request, as many users at a time as there are clients. Raises LabError.

    warm_s: how long it goes on before it is counted, so that the switch has its verdicts cached.
    """
    crowd = users(lab.clients(), targets, fresh=True)
    if warm_s:
        drive(crowd, warm_s)
    usage = Usage(pids(lab))
    found = drive(crowd, seconds)
    return Sample(found.seconds, len(found.elapsed_s), usage.spent_ms())


def throughput(lab: Lab, targets: Targets, seconds: float, flows: int, warm_s: float) -> Sample:
    """Long flows from the servers to as many clients, a connection each: megabits that arrive. Raises LabError."""
    to = cycle(targets)
    open_flows = [_Flow(connected(client.netns, next(to))) for client in lab.clients()[:flows]]
    with selectors.DefaultSelector() as selector:
        try:
            for flow in open_flows:
                flow.begin(selector)
            _pump(selector, warm_s)
            usage = Usage(pids(lab))
            began_s = time.perf_counter()
            if not (arrived := _pump(selector, seconds)):
                raise LabError(f"no byte arrived in {seconds} s", "an answer", "./lab doctor")
            return Sample(time.perf_counter() - began_s, arrived * 8 / 1e6, usage.spent_ms())
        finally:
            for flow in open_flows:
                flow.sock.close()


class _Flow:
    """One connection in which answer follows answer."""

    buffer = bytearray(CHUNK_BYTES)

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.missing = sock, BODY_BYTES

    def begin(self, selector: selectors.BaseSelector) -> None:
        self.sock.sendall(REQUEST)
        self.sock.setblocking(False)
        selector.register(self.sock, selectors.EVENT_READ, self)

    def read(self) -> int:
        """Take what has arrived, ask anew where an answer is whole, and return how many bytes there were."""
        got = self.sock.recv_into(self.buffer)
        if not got:
            raise LabError("a server closed a connection before its answer was whole", "an answer")
        self.missing -= got
        if self.missing <= 0:
            self.missing += BODY_BYTES
            self.sock.send(REQUEST)
        return got


def _pump(selector: selectors.BaseSelector, seconds: float) -> int:
    """Read for so long; how many bytes."""
    until_s, arrived = time.perf_counter() + seconds, 0
    while (left_s := until_s - time.perf_counter()) > 0:
        arrived += sum(key.data.read() for key, _ in selector.select(left_s))
    return arrived


def latencies(lab: Lab, ways: Sequence[Targets], number: int) -> list[list[float]]:
    """How long connect() takes, in milliseconds, one connection at a time, the ways in turn: `number` of each.

    Each connection is closed from both sides before the next begins, so none has to wait for another's packets.
    """
    client, turns = lab.clients()[0], [cycle(targets) for targets in ways]
    return [list(one) for one in zip(*([_connect_ms(client.netns, next(turn)) for turn in turns]
                                       for _ in range(number)), strict=True)]


def _connect_ms(netns: str | os.PathLike[str] | None, target: tuple[str, int]) -> float:
    with socket_in(netns) as sock:
        sock.settimeout(PATIENCE_S)
        began_s = time.perf_counter()
        sock.connect(target)
        took_s = time.perf_counter() - began_s
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)
    return 1000 * took_s


def p50(times: Sequence[float]) -> float:
    """Half of them took no longer."""
    return median(times)


def connected(netns: str | os.PathLike[str] | None, target: tuple[str, int]) -> socket.socket:
    """A connection from a host."""
    sock = socket_in(netns)
    sock.settimeout(PATIENCE_S)
    sock.connect(target)
    return sock


def pids(lab: Lab) -> dict[str, int]:
    """Whatever of the lab uses CPU: what balances, the servers, and this process, which asks."""
    servers = {name: lab.processes[name].pid for name in lab.topo.server_names()}
    return {**lab.pids(), **servers, "load": os.getpid()}


def settle(lab: Lab) -> None:
    """Let what one way has left in the switch not burden the next: units' own flows, and closed connections."""
    lab.wait("the units' flows to expire", lambda: not any(
        rule.cookie and rule.cookie.kind is Kind.UNIT for rule in rules()))
    subprocess.run(["ovs-appctl", "dpctl/flush-conntrack"], check=True)
