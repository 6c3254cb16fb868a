"""What each layer writes anew in a packet, hop by hop: the layer table's prediction, and what two captures show.

    stranger ──── client's link ────[ s1, or proxy ]──── server's link ──── server
               SYN, ACK, request, datagram ──►              rewritten:  eth_dst, ip_dst, tp_dst
                                    ◄── SYN/ACK, answer, echo   restored:   eth_src, ip_src, tp_src

Prediction: in the switch, what balancing/layers.py says, and nothing else: no TTL is counted down, for a switch is no
router, no sequence number is touched, for the connection is the client's own, and every checksum is right. At L7 a
connection ends at the proxy: its handshake is on no server's link, and the request that is there is the proxy's.

A packet on the server's link is told by what nobody rewrites: its protocol, its kind, and what it carries.
"""

from __future__ import annotations

import random
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from balancing import LAYERS, Service
from experiments.frames import Seen, arp_request, datagram, read, segment
from experiments.packets_lab import HOME, TTL, PacketLab
from experiments.rawsocket import hear
from experiments.services import PORTS
from experiments.verdicts import Claim, Rule, Verdict, of_part
from layerlab import LabError

REPLIES = ("SYN/ACK", "answer", "echo")
FIELDS = ("eth_src", "eth_dst", "ip_src", "ip_dst", "tp_src", "tp_dst", "ttl", "seq")
BY_PROXY = {False: {"eth_src", "eth_dst", "ip_src", "ip_dst", "tp_src", "ttl", "seq"},   # what is asked
            True: {"eth_src", "eth_dst", "ip_src", "ip_dst", "tp_dst", "seq"}}           # what is answered
ENDS = "ends at the proxy"
PATIENCE_S = 2.0
REQUEST = "GET /{} HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n"

AS_TABLE = Rule("part of the packets in which just the predicted was rewritten, with right checksums", ">", 0.9)
CLAIMS = {layer: Claim(0, f"{layer.upper()} rewrites what the layer table says and nothing else"
                       if LAYERS[layer].in_switch else "at L7 a proxy speaks for both sides", AS_TABLE)
          for layer in LAYERS}


@dataclass(frozen=True)
class Passage:
    """One packet on its way: what it was on the client's link, and on the server's, if it was there."""

    layer: str
    packet: str
    near: Seen
    far: Seen | None = None
    server: str = ""

    @property
    def rewritten(self) -> str:
        """The fields in which it differs between the two links; for a packet that didn't go on, who answered."""
        if self.packet == "ARP reply":
            return f"by {self.server or 'the switch'}, {self.near.eth_src}"
        if self.far is None:
            return ENDS if self.layer == "l7" else "lost"
        return _words({name for name in FIELDS if getattr(self.near, name) != getattr(self.far, name)})

    def predicted(self, service: Service, vip_mac: str) -> str:
        """What the layer table says of it."""
        if self.packet == "ARP reply":
            return f"by {'the switch' if service.row.in_switch else 'proxy'}, {vip_mac}"
        back = self.packet in REPLIES
        if not service.row.in_switch:
            return _words(BY_PROXY[back]) if self.packet in ("request", "answer") else ENDS
        return _words(set(service.row.restored if back else service.row.rewritten))

    @property
    def whole(self) -> bool:
        """Whether its checksums are right wherever it was seen."""
        return self.near.checksums and (self.far is None or self.far.checksums)


def _words(fields: set[str]) -> str:
    return " ".join(name for name in FIELDS if name in fields) or "nothing"


# -- the exchanges -----------------------------------------------------------------------------


def exchange(lab: PacketLab, layer: str, dice: random.Random) -> list[Passage]:
    """ARP for a layer's VIP, a TCP connection with one request, and a datagram; all of it by hand.

    Raises LabError if one of them isn't answered.
    """
    lab.captured()
    one, port = lab.service(layer), dice.randrange(20_000, 60_000)
    mark = f"{layer}-{port}-{dice.randrange(10**6)}"
    with lab.wire(hears=True) as wire:
        _ask_arp(lab, wire, one)
        _ask_tcp(lab, wire, one, port, mark, dice)
        if one.row.in_switch:
            _ask_udp(lab, wire, one, port, mark)
    return _read_back(lab, one, mark, port)


def _ask_arp(lab: PacketLab, wire: socket.socket, one: Service) -> None:
    wire.send(arp_request(lab.stranger(), str(one.vip)))
    _answer(wire, f"ARP for {one.vip}", lambda seen: seen.proto == "arp" and seen.ip_src == str(one.vip))


def _ask_tcp(lab: PacketLab, wire: socket.socket, one: Service, port: int, mark: str, dice: random.Random) -> None:
    """A handshake, a request, and a reset as soon as the answer comes: a goodbye would only be more packets."""
    me, you, seq = lab.stranger(port), lab.vip_end(one), dice.randrange(2**32 - 4096)
    wire.send(segment(me, you, "S", seq=seq, ttl=TTL))
    heard = _answer(wire, f"the SYN to {one.vip}", lambda seen: seen.flags == "SA" and seen.tp_dst == port)
    wire.send(segment(me, you, "A", seq=seq + 1, ack=heard.seq + 1, ttl=TTL))
    request = REQUEST.format(mark).encode()
    wire.send(segment(me, you, "PA", seq=seq + 1, ack=heard.seq + 1, data=request, ttl=TTL))
    said = _answer(wire, f"the request to {one.vip}", lambda seen: bool(seen.data) and seen.tp_dst == port)
    wire.send(segment(me, you, "RA", seq=seq + 1 + len(request), ack=said.seq + len(said.data), ttl=TTL))


def _ask_udp(lab: PacketLab, wire: socket.socket, one: Service, port: int, mark: str) -> None:
    wire.send(datagram(lab.stranger(port), lab.vip_end(one, PORTS["udp"]), mark.encode(), ttl=TTL))
    _answer(wire, f"the datagram to {one.vip}", lambda seen: seen.proto == "udp" and seen.tp_dst == port)


def _answer(wire: socket.socket, what: str, wanted: Callable[[Seen], bool]) -> Seen:
    def fits(frame: bytes) -> bool:
        return any(wanted(seen) for seen in _readable([frame]))

    if (frame := hear(wire, fits, PATIENCE_S)) is None:
        raise LabError(f"nobody answered {what}", f"an answer within {PATIENCE_S:g} s", "./lab doctor")
    return read(frame)


# -- read back ---------------------------------------------------------------------------------


def _request(seen: Seen, mark: str) -> bool:
    return seen.proto == "tcp" and f"GET /{mark} ".encode() in seen.data


def _reply(seen: Seen, mark: str) -> bool:
    return seen.proto == "tcp" and seen.data.startswith(b"HTTP/1.1 200") and mark.encode() in seen.data


UDP = ("datagram", "echo")
KINDS: dict[str, Callable[[Seen, str], bool]] = {  # how each packet is told, with the mark of its exchange
    "SYN": lambda seen, mark: seen.flags == "S",
    "SYN/ACK": lambda seen, mark: seen.flags == "SA",
    "ACK": lambda seen, mark: seen.flags == "A" and not seen.data,
    "request": _request,
    "answer": _reply,
    "datagram": lambda seen, mark: seen.proto == "udp" and seen.data == mark.encode(),
    "echo": lambda seen, mark: seen.proto == "udp" and seen.data.startswith(b"{") and mark.encode() in seen.data,
}


def _read_back(lab: PacketLab, one: Service, mark: str, port: int) -> list[Passage]:
    """Every packet of an exchange, on both links. A capture may be written a little later than a packet passes."""
    wires: dict[str, list[Seen]] = defaultdict(list)
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        for host, frames in lab.captured().items():
            wires[host] += _readable(frames)
        found = list(_passages(one, wires, mark, port))
        whole = len(found) == len(_kinds(one)) + 1 and all(as_predicted(lab, passage) for passage in found)
        if whole or time.monotonic() > deadline_s:
            return found
        time.sleep(0.02)


def _kinds(one: Service) -> dict[str, Callable[[Seen, str], bool]]:
    return {name: kind for name, kind in KINDS.items() if one.row.in_switch or name not in UDP}


def _passages(one: Service, wires: Mapping[str, Sequence[Seen]], mark: str, port: int) -> Iterator[Passage]:
    """As far as they have been seen."""
    beyond = [(host, seen) for host, found in wires.items() if host != HOME for seen in found]
    answers = [seen for seen in wires[HOME] if seen.proto == "arp" and seen.ip_src == str(one.vip)]
    if answers:
        yield _passage(one, "ARP reply", answers[0], [(host, seen) for host, seen in beyond if seen == answers[0]])
    for name, kind in _kinds(one).items():
        mine = [seen for seen in wires[HOME] if port in (seen.tp_src, seen.tp_dst) and kind(seen, mark)]
        if mine:
            yield _passage(one, name, mine[0], [(host, seen) for host, seen in beyond if host != "proxy"
                                                and kind(seen, mark) and _same(mine[0], seen, name)])


def _passage(one: Service, name: str, near: Seen, found: Sequence[tuple[str, Seen]]) -> Passage:
    server, far = found[0] if found else ("", None)
    return Passage(one.layer, name, near, far, server)


def _same(near: Seen, far: Seen, name: str) -> bool:
    """Whether what is seen on a server's link can be the same packet: by its mark, or if it has none, its numbers."""
    return name in ("request", "answer", *UDP) or (near.seq, near.ack) == (far.seq, far.ack)


def _readable(frames: Sequence[bytes]) -> list[Seen]:
    """What can be read of them; others have other types."""
    found = []
    for frame in frames:
        with suppress(ValueError):
            found.append(read(frame))
    return found


# -- the table ---------------------------------------------------------------------------------


def rows(lab: PacketLab, passages: Sequence[Passage]) -> list[dict[str, object]]:
    """The table `packets`: each packet on each link where it was."""
    return [row for one in passages for row in _rows(lab, one)]


def _rows(lab: PacketLab, one: Passage) -> Iterator[dict[str, object]]:
    for wire, seen in (("client's link", one.near), (f"{one.server}'s link", one.far)):
        if seen is not None:
            fields = {name: getattr(seen, name) or None for name in (*FIELDS, "ack")}
            yield {"layer": one.layer, "packet": one.packet, "wire": wire, **fields, "checksums": seen.checksums,
                   "rewritten": one.rewritten, "predicted": predicted(lab, one),
                   "as_predicted": as_predicted(lab, one)}


def predicted(lab: PacketLab, one: Passage) -> str:
    """What the layer table says of a packet."""
    service = lab.service(one.layer)
    return one.predicted(service, lab.vip_end(service).mac)


def as_predicted(lab: PacketLab, one: Passage) -> bool:
    """Whether it came out so, and whole."""
    return one.whole and one.rewritten == predicted(lab, one)


def for_people(lab: PacketLab, passages: Sequence[Passage]) -> list[dict[str, object]]:
    """The table in short: a line a packet."""
    return [{"layer": one.layer, "packet": one.packet, "rewritten": one.rewritten, "predicted": predicted(lab, one),
             "checksums": "right" if one.whole else "wrong", "server": one.server} for one in passages]


def verdicts(counts: dict[str, tuple[int, int]]) -> list[Verdict]:
    """What came of the claims. counts: by layer, packets that were as predicted, and all."""
    return [claim.judge(of_part(*counts[layer])) for layer, claim in CLAIMS.items()]
