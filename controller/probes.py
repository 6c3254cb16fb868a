"""Health probes of L2 to L4: real test packets, out by packet-out, back by packet-in. Pure: frames and time in and out.

    tick(now) ──► frames to be sent                    the servers answer to an address and a MAC that only probes have
    heard(frame, now) ──► pool.passed or pool.failed   (rules.py: answered ARP, and above every reverse rule)
    nothing heard in timeout_s ──► pool.failed

     asks          with                       passes on            fails at once on
     l2            ARP request                ARP reply
     l3            ICMP echo request          ICMP echo reply
     l4 over TCP   SYN                        SYN/ACK; we reset    RST
     l4 over UDP   a datagram with `payload`  any datagram back    ICMP port unreachable

A response time is measured here, between packet-out and packet-in: the controller's own queue is in it, for every
server alike. Clients' connections are never touched: a probe has an address and, at L4, a port of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from balancing.health import HealthCheck
from balancing.pool import Pool, Server
from controller import packets
from controller.flows import ACK, RST, SYN
from controller.framework import arp, icmp, ipv4, tcp, udp
from controller.rules import probe_mac

PORTS = range(1024, 61_000)  # where probes come from, in turn
TICK_S = 0.1                 # how often, at least, to be called: servers in their slow start get more

Token = tuple[str | int, ...]  # what a probe and its answer have in common


@dataclass(frozen=True)
class Target:
    """One server to be asked. number: the probe's own, so that answers can be told apart."""

    ends: packets.Ends
    port: int
    payload: bytes
    number: int

    @property
    def from_port(self) -> int:
        """The port that this probe comes from."""
        return PORTS[self.number % len(PORTS)]


@dataclass(frozen=True)
class Sent:
    """A probe under way."""

    server: Server
    token: Token
    at_s: float


@dataclass(frozen=True)
class Heard:
    """An answer. failure: why it is a bad one; "" if it is good. reply: what has to be sent back."""

    token: Token
    failure: str = ""
    reply: bytes | None = None


def _arp(to: Target) -> tuple[Token, bytes]:
    return ("arp", to.ends.ip_dst), packets.arp_request(to.ends)


def _echo(to: Target) -> tuple[Token, bytes]:
    identifier, sequence = to.number >> 16 & 0xFFFF, to.number & 0xFFFF
    return ("echo", to.ends.ip_dst, identifier, sequence), packets.echo_request(to.ends, identifier, sequence)


def _syn(to: Target) -> tuple[Token, bytes]:
    frame = packets.segment(to.ends, to.from_port, to.port, SYN, seq=to.number & 0xFFFF_FFFF)
    return ("tcp", to.ends.ip_dst, to.port, to.from_port), frame


def _datagram(to: Target) -> tuple[Token, bytes]:
    frame = packets.datagram(to.ends, to.from_port, to.port, to.payload)
    return ("udp", to.ends.ip_dst, to.port, to.from_port), frame


# Layer and, where it matters, protocol: how it asks.
LANGUAGES: dict[tuple[str, str], Callable[[Target], tuple[Token, bytes]]] = {
    ("l2", ""): _arp,
    ("l3", ""): _echo,
    ("l4", "tcp"): _syn,
    ("l4", "udp"): _datagram,
}


def hear(frame: bytes) -> Heard | None:
    """What the answer in `frame` says; None if it is none."""
    found = packets.read(frame)
    if arp.arp in found and found[arp.arp].opcode == arp.ARP_REPLY:
        return Heard(("arp", found[arp.arp].src_ip))
    if ipv4.ipv4 not in found:
        return None
    came_from = found[ipv4.ipv4].src
    if icmp.icmp in found:
        return _hear_icmp(came_from, found[icmp.icmp])
    if tcp.tcp in found:
        segment = found[tcp.tcp]
        token: Token = ("tcp", came_from, segment.src_port, segment.dst_port)
        if segment.bits & RST:
            return Heard(token, "connection refused")
        return Heard(token, reply=packets.reset(frame)) if segment.bits & (SYN | ACK) == SYN | ACK else None
    if udp.udp in found:
        return Heard(("udp", came_from, found[udp.udp].src_port, found[udp.udp].dst_port))
    return None


def _hear_icmp(came_from: str, message: icmp.icmp) -> Heard | None:
    if message.type == icmp.ICMP_ECHO_REPLY:
        return Heard(("echo", came_from, message.data.id, message.data.seq))
    if message.type == packets.UNREACHABLE and message.data.data:
        quoted = message.data.data
        start = 4 * (quoted[0] & 0x0F)
        ports = [int.from_bytes(quoted[start + at:start + at + 2], "big") for at in (0, 2)]
        return Heard(("udp", came_from, ports[1], ports[0]), "port unreachable")
    return None


class Probes:
    """The probes of one pool, whose service has a health check."""

    def __init__(self, pool: Pool, check: HealthCheck) -> None:
        self.pool, self.check = pool, check
        self._ask = LANGUAGES[pool.service.layer, pool.service.protocol if pool.service.row.by_port else ""]
        self._due_s: dict[Server, float] = {}
        self._sent: deque[Sent] = deque()
        self._number = pool.service.id << 20  # apart from those of other pools

    def tick(self, now_s: float) -> tuple[list[bytes], float]:
        """Return (frames to be sent now, when to be called again). Tests that took too long have failed."""
        while self._sent and self._sent[0].at_s + self.check.timeout_s <= now_s:
            self.pool.failed(self._sent.popleft().server, f"no answer within {self.check.timeout_s:g} s")
        self.pool.tick(now_s)
        frames = [self._probe(server, now_s) for server in self._due(now_s)]
        soonest = [now_s + TICK_S, *self._due_s.values()]
        return frames, min(soonest + [sent.at_s + self.check.timeout_s for sent in list(self._sent)[:1]])

    def heard(self, heard: Heard, now_s: float) -> bool:
        """Take an answer; return whether it is to one of ours."""
        ours = [sent for sent in self._sent if sent.token == heard.token]
        for sent in ours:
            self._sent.remove(sent)
            if heard.failure:
                self.pool.failed(sent.server, heard.failure)
            else:
                self.pool.passed(sent.server, now_s, now_s - sent.at_s)
        return bool(ours)

    def pause(self) -> None:
        """The switch is out of reach: nothing that is under way says anything about a server."""
        self._sent.clear()
        self._due_s.clear()

    def _due(self, now_s: float) -> list[Server]:
        """Whom to ask now. New servers are spread over an interval; who is late for one is not asked twice."""
        servers = list(self.pool.servers.values())
        for place, server in enumerate(servers):
            self._due_s.setdefault(server, now_s + place * self.check.interval_s / len(servers))
        self._due_s = {server: self._due_s[server] for server in servers}
        due = [server for server, at_s in self._due_s.items() if at_s <= now_s]
        for server in due:
            self._due_s[server] = max(self._due_s[server] + self.check.interval_s, now_s)
        return due

    def _probe(self, server: Server, now_s: float) -> bytes:
        self._number += 1
        backend, service, source = server.backend, self.pool.service, self.check.source
        assert source is not None
        assert backend.mac is not None
        ends = packets.Ends(probe_mac(source), str(source), backend.mac, str(backend.ip))
        target = Target(ends, service.port_of(backend) or 0, self.check.payload.encode(), self._number)
        token, frame = self._ask(target)
        self._sent.append(Sent(server, token, now_s))
        return frame

    def __repr__(self) -> str:
        return f"<Probes of {self.pool.name}: {len(self._sent)} under way>"
