"""Packets that are wrong: what the switch and the servers do with each, and whether anybody else notices.

    a frame that is right ──patch a few bytes──► wrong in one thing ──► each layer's VIP ──► switch: passed or dropped?
                                                                                            servers: answered?

Prediction: whatever comes, people are served meanwhile, and neither controller nor proxy meets an exception. What the
switch itself does is nobody's promise, and so only reported: it looks at what it matches, and what it can't read is
no VIP's, but switched as anything else is, to every port if nobody is known there.

Worth a look: a TTL of 0 or 1 passes, for a switch is no router. Fragments have no ports for OVS, not even the first
(ovs-ofctl(8), set-frags normal): at L4 they meet no service and are dropped, at L2 all of them arrive. At L3 they
arrive, too, but OVS 3.1 in user space corrects a UDP checksum in every fragment whose address it rewrites, also where
data stands instead: then no server answers.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from balancing import LAYERS
from experiments.frames import BROADCAST, NOBODY, End, arp_request, datagram, fragments, read, segment
from experiments.openloop import Call
from experiments.packets_lab import HOME, PacketLab
from experiments.services import PORTS
from experiments.verdicts import Claim, Rule, Verdict, of_part

IP, L4 = 14, 34     # where each header begins
FIRST_PORT = 61_000  # the stranger's, for the first of WRONG; each has its own
SETTLE_S = 0.03
PEOPLE_PER_S = 40.0
MULTICAST = "01:00:5e:00:00:01"

SERVED = Claim(0, "while malformed packets come, everybody is served",
               Rule("part of people's requests that were answered", ">", 0.95))
SOUND = Claim(0, "no malformed packet makes controller or proxy meet an exception",
              Rule("part of the cases with an exception", "<", 0.05))


@dataclass(frozen=True)
class Wrong:
    """One way to be wrong. frames: made for where it comes from and goes to, of TCP and of UDP."""

    name: str
    frames: Callable[[End, End, End], list[bytes]]


def patched(frame: bytes, at: int, *values: int) -> bytes:
    """The frame with other bytes from `at` on."""
    return frame[:at] + bytes(values) + frame[at + len(values):]


def summed(frame: bytes) -> bytes:
    """The frame with an IP header checksum that is right for whatever stands there (RFC 1071)."""
    header = patched(frame[IP:L4], 10, 0, 0)
    total = sum(struct.unpack("!10H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return patched(frame, IP + 10, *struct.pack("!H", ~total & 0xFFFF))


def _syn(change: Callable[[bytes], bytes], flags: str = "S", ttl: int = 64) -> Callable[[End, End, End], list[bytes]]:
    """A SYN with something changed."""
    return lambda me, web, echo: [change(segment(me, web, flags, seq=1, ttl=ttl))]


def _say(change: Callable[[bytes], bytes], ttl: int = 64) -> Callable[[End, End, End], list[bytes]]:
    """A datagram with something changed."""
    return lambda me, web, echo: [change(datagram(me, echo, b"malformed", ttl=ttl))]


def _as(mac: str) -> Callable[[bytes], bytes]:
    """The frame, from another MAC."""
    return lambda frame: patched(frame, 6, *bytes.fromhex(mac.replace(":", "")))


def _arp(me: End, vip: str, change: Callable[[bytes], bytes]) -> list[bytes]:
    return [change(arp_request(me, vip))]


WRONG = (
    Wrong("IP checksum wrong", _syn(lambda frame: patched(frame, IP + 10, 0xBA, 0xD0))),
    Wrong("TCP checksum wrong", _syn(lambda frame: patched(frame, L4 + 16, 0xBA, 0xD0))),
    Wrong("UDP checksum wrong", _say(lambda frame: patched(frame, L4 + 6, 0xBA, 0xD0))),
    Wrong("ends within Ethernet", _syn(lambda frame: frame[:14])),
    Wrong("ends within IP", _syn(lambda frame: frame[:IP + 12])),
    Wrong("ends within TCP", _syn(lambda frame: frame[:L4 + 6])),
    Wrong("ends before the ports", _syn(lambda frame: frame[:L4])),
    Wrong("IP longer than the frame", _syn(lambda frame: summed(patched(frame, IP + 2, 0x05, 0xDC)))),
    Wrong("IP shorter than its header", _syn(lambda frame: summed(patched(frame, IP + 2, 0, 10)))),
    Wrong("IP header length 4", _syn(lambda frame: summed(patched(frame, IP, 0x44)))),
    Wrong("IP header beyond the end", _syn(lambda frame: summed(patched(frame, IP, 0x4F)))),
    Wrong("IP version 7", _syn(lambda frame: summed(patched(frame, IP, 0x75)))),
    Wrong("TCP data offset 1", _syn(lambda frame: patched(frame, L4 + 12, 0x10))),
    Wrong("TCP data offset beyond", _syn(lambda frame: patched(frame, L4 + 12, 0xF0))),
    Wrong("UDP length wrong", _say(lambda frame: patched(frame, L4 + 4, 0x03, 0xE8))),
    Wrong("no TCP flags", _syn(lambda frame: frame, flags="")),
    Wrong("SYN and FIN", _syn(lambda frame: frame, flags="SF")),
    Wrong("all TCP flags", _syn(lambda frame: frame, flags="FSRPAUEC")),
    Wrong("from its own address", lambda me, web, echo: [segment(End(me.mac, web.ip, web.port), web, "S")]),
    Wrong("TTL 0", _say(lambda frame: frame, ttl=0)),
    Wrong("TTL 1", _say(lambda frame: frame, ttl=1)),
    Wrong("in fragments, all of them", lambda me, web, echo: fragments(me, echo, b"f" * 100, 64)),
    Wrong("in fragments, first missing", lambda me, web, echo: fragments(me, echo, b"f" * 100, 64)[1:]),
    Wrong("unknown ethertype", _syn(lambda frame: patched(frame, 12, 0x88, 0xB5))),
    Wrong("from a multicast MAC", _syn(_as(MULTICAST))),
    Wrong("from MAC 0", _syn(_as(NOBODY))),
    Wrong("ARP from everybody", lambda me, web, echo: _arp(End(BROADCAST, me.ip), web.ip, _as(me.mac))),
    Wrong("ARP from no address", lambda me, web, echo: _arp(End(me.mac, "0.0.0.0"), web.ip, bytes)),
    Wrong("ARP of MACs with 3 bytes", lambda me, web, echo: _arp(me, web.ip, lambda it: patched(it, 18, 3))),
    Wrong("ARP operation 9", lambda me, web, echo: [arp_request(me, web.ip, operation=9)]),
)


@dataclass(frozen=True)
class Row:
    """What became of one kind of wrong packet at one layer.

    sent, passed: frames from the stranger, and how many of them came out of the switch at some host.
    hosts: at how many of the servers and the proxy; several, where the switch didn't know where to.
    answers: frames that went back to him for it. exceptions: of controller and proxy.
    """

    layer: str
    wrong: str
    sent: int
    passed: int
    hosts: int
    answers: int
    exceptions: int


def measure(lab: PacketLab, say: Callable[[str], object]) -> tuple[list[Row], list[Call]]:
    """Every kind to every layer's VIP, while people ask. Returns the rows, and people's calls."""
    everybody = [lab.service(layer) for layer in LAYERS]
    seconds = len(WRONG) * len(LAYERS) * (SETTLE_S + 0.02)
    with ThreadPoolExecutor(1) as aside:
        asking = aside.submit(lab.ask, everybody, PEOPLE_PER_S, seconds)
        rows = []
        for layer in LAYERS:
            say(f"packets: {len(WRONG)} kinds of malformed packets to {layer}")
            rows += [_row(lab, layer, number, wrong) for number, wrong in enumerate(WRONG)]
        return rows, asking.result()


def _row(lab: PacketLab, layer: str, number: int, wrong: Wrong) -> Row:
    one, me = lab.service(layer), lab.stranger(FIRST_PORT + number)
    frames = wrong.frames(me, lab.vip_end(one), lab.vip_end(one, PORTS["udp"]))
    before = lab.exceptions()
    lab.captured()
    with lab.wire() as wire:
        for frame in frames:
            wire.send(frame)
    time.sleep(SETTLE_S)
    wires, sources = lab.captured(), {frame[6:12] for frame in frames}
    passed = [count for host, found in wires.items() if host != HOME
              if (count := sum(frame[6:12] in sources for frame in found))]
    answers = sum(_is_answer(frame, me) for frame in wires[HOME])
    return Row(layer, wrong.name, len(frames), max(passed, default=0), len(passed), answers, lab.exceptions() - before)


def _is_answer(frame: bytes, me: End) -> bool:
    """Whether a frame goes to this port of the stranger's, or to him and no port: no earlier answer, sent again."""
    if frame[:6] != bytes.fromhex(me.mac.replace(":", "")):
        return False
    seen = read(frame)
    return seen.tp_dst in (0, me.port)


def rows(found: Sequence[Row]) -> list[dict[str, object]]:
    """The table `malformed`."""
    return [asdict(row) for row in found]


def for_people(found: Sequence[Row]) -> list[dict[str, object]]:
    """A line a kind, a column a layer: what came through of what was sent, and whether it was answered."""
    cells = {(row.wrong, row.layer): row for row in found}
    return [{"wrong": wrong.name, **{layer.upper(): _words(cells[wrong.name, layer]) for layer in LAYERS}}
            for wrong in WRONG]


def _words(row: Row) -> str:
    fate = "dropped" if not row.passed else "flooded" if row.hosts > 1 else "passed"
    part = f" {row.passed} of {row.sent}" if 0 < row.passed < row.sent else ""
    return fate + part + (", answered" if row.answers else "") + (", EXCEPTION" if row.exceptions else "")


def verdicts(found: Sequence[Row], calls: Sequence[Call]) -> Iterator[Verdict]:
    """What came of the claims."""
    yield SERVED.judge(of_part(sum(not call.error for call in calls), len(calls)))
    yield SOUND.judge(of_part(sum(row.exceptions > 0 for row in found), len(found)))
