"""What each layer writes anew in a packet, hop by hop: the layer table's prediction, and what two captures show.

    stranger ──── client's link ────[ s1, or proxy ]──── server's link ──── server
               SYN, ACK, request, datagram ──►              rewritten:  eth_dst, ip_dst, tp_dst
                                    ◄── SYN/ACK, answer, echo   restored:   eth_src, ip_src, tp_src

Prediction: in the switch, what balancing/layers.py says, and nothing else: no TTL is counted down, for a switch is no
router, no sequence number is touched, for the connection is the client's own, and every checksum is right. At L7 a
connection ends at the proxy: its handshake is on no server's link, and the request that is there is the proxy's. Where
clients are behind a NAT gateway, that is a hop of its own before all this: a router, so it counts the TTL down, and one
that puts its own address in place of the client's.

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
BY_NAT = {False: {"eth_src", "eth_dst", "ip_src", "ttl"}, True: {"eth_src", "eth_dst", "ip_dst", "ttl"}}
ENDS = "ends at the proxy"
PATIENCE_S = 2.0
REQUEST = "GET /{} HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n"

AS_TABLE = Rule("part of the packets in which just the predicted was rewritten, with right checksums", ">", 0.9)
CLAIMS = {
    **{layer: Claim(0, f"{layer.upper()} rewrites what the layer table says and nothing else" if row.in_switch else
                    "at L7 a proxy speaks for both sides", AS_TABLE) for layer, row in LAYERS.items()},
    "nat1": Claim(0, "a NAT gateway rewrites the client's address, both MACs and the TTL", AS_TABLE),
}


@dataclass(frozen=True)
class Passage:
    """One packet at one hop: what it was on the link nearer to the client, and on the farther one, if it was there.

    hop: who stands between the two links: s1 with the proxy, or a gateway. server: whose link the farther one is.
    predicted: what should be rewritten, in the words of `rewritten`.
    """

    layer: str
    packet: str
    near: Seen
    far: Seen | None = None
    server: str = ""
    hop: str = "s1"
    near_link: str = "client's link"
    predicted: str = ""

    @property
    def rewritten(self) -> str:
        """The fields in which it differs between the two links; for a packet that didn't go on, who answered."""
        if self.packet == "ARP reply":
            return f"by {self.server or 'the switch'}, {self.near.eth_src}"
        if self.far is None:
            return ENDS if self.layer == "l7" else "lost"
        return _words({name for name in FIELDS if getattr(self.near, name) != getattr(self.far, name)})

    @property
    def whole(self) -> bool:
        """Whether its checksums are right wherever it was seen."""
        return self.near.checksums and (self.far is None or self.far.checksums)

    @property
    def as_predicted(self) -> bool:
        """Whether it came out so, and whole."""
        return self.whole and self.rewritten == self.predicted


def predict(service: Service, packet: str, hop: str = "s1", vip_mac: str = "") -> str:
    """What is rewritten of a packet, by the layer table or by whoever the hop is."""
    back = packet in REPLIES
    if hop != "s1":
        return _words(BY_NAT[back])
    if packet == "ARP reply":
        return f"by {'the switch' if service.row.in_switch else 'proxy'}, {vip_mac}"
    if not service.row.in_switch:
        return _words(BY_PROXY[back]) if packet in ("request", "answer") else ENDS
    return _words(set(service.row.restored if back else service.row.rewritten))


def _words(fields: set[str]) -> str:
    return " ".join(name for name in FIELDS if name in fields) or "nothing"


# -- the exchanges -----------------------------------------------------------------------------


def exchange(lab: PacketLab, layer: str, dice: random.Random) -> list[Passage]:
    """ARP for a layer's VIP if it is on this wire, a TCP connection with one request, and a datagram; all by hand.

    Raises LabError if one of them isn't answered.
    """
    lab.captured()
    one, port = lab.service(layer), dice.randrange(20_000, 60_000)
    mark = f"{layer}-{port}-{dice.randrange(10**6)}"
    with lab.wire(hears=True) as wire:
        if not lab.door:
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
    """Every packet of an exchange, on all links. A capture may be written a little later than a packet passes."""
    wires: dict[str, list[Seen]] = defaultdict(list)
    deadline_s = time.monotonic() + PATIENCE_S
    wanted = 2 * len(_kinds(one)) if lab.door else len(_kinds(one)) + 1
    while True:
        for host, frames in lab.captured().items():
            wires[host] += _readable(frames)
        found = [*_arp(lab, one, wires), *_passages(lab, one, wires, mark, port)]
        if time.monotonic() > deadline_s or (len(found) == wanted and all(passage.as_predicted for passage in found)):
            return found
        time.sleep(0.02)


def _kinds(one: Service) -> dict[str, Callable[[Seen, str], bool]]:
    return {name: kind for name, kind in KINDS.items() if one.row.in_switch or name not in UDP}


def _arp(lab: PacketLab, one: Service, wires: Mapping[str, Sequence[Seen]]) -> Iterator[Passage]:
    """Who said where the VIP is: a host on whose link it was said, too, or else the switch."""
    said = [seen for seen in wires[HOME] if seen.proto == "arp" and seen.ip_src == str(one.vip)]
    for near in said[:1]:
        hosts = [host for host, found in wires.items() if host != HOME and near in found]
        yield Passage(one.layer, "ARP reply", near, near if hosts else None, hosts[0] if hosts else "",
                      predicted=predict(one, "ARP reply", vip_mac=lab.vip_end(one).mac))


def _passages(lab: PacketLab, one: Service, wires: Mapping[str, Sequence[Seen]], mark: str, port: int,
              ) -> Iterator[Passage]:
    """As far as they have been seen: at the gateway, if there is one, and at the switch."""
    servers = [(host, seen) for host in lab.topo.server_names() for seen in wires[host]]
    at_door = [(lab.door, seen) for seen in wires[lab.door]] if lab.door else []
    for name, kind in _kinds(one).items():
        mine = (seen for seen in wires[HOME] if port in (seen.tp_src, seen.tp_dst) and kind(seen, mark))
        near, link = next(mine, None), "client's link"
        if near and lab.door:
            host, far = _behind(near, at_door, name, mark)
            yield Passage(one.layer, name, near, far, host, lab.door, link, predict(one, name, lab.door))
            near, link = far, f"{lab.door}'s link"
        if near:
            host, far = _behind(near, servers, name, mark)
            yield Passage(one.layer, name, near, far, host, "s1", link, predict(one, name))


def _behind(near: Seen, where: Sequence[tuple[str, Seen]], name: str, mark: str) -> tuple[str, Seen | None]:
    """The same packet on a link behind a hop, and whose link that is."""
    found = ((host, seen) for host, seen in where if KINDS[name](seen, mark) and _same(near, seen, name))
    return next(found, ("", None))


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


def rows(passages: Sequence[Passage]) -> list[dict[str, object]]:
    """The table `packets`: each packet, at each hop, on the link before it and the one behind."""
    return [row for one in passages for row in _rows(one)]


def _rows(one: Passage) -> Iterator[dict[str, object]]:
    for wire, seen in ((one.near_link, one.near), (f"{one.server}'s link", one.far)):
        if seen is not None:
            fields = {name: getattr(seen, name) or None for name in (*FIELDS, "ack")}
            yield {"layer": one.layer, "packet": one.packet, "hop": one.hop, "wire": wire, **fields,
                   "checksums": seen.checksums, "rewritten": one.rewritten, "predicted": one.predicted,
                   "as_predicted": one.as_predicted}


def for_people(passages: Sequence[Passage]) -> list[dict[str, object]]:
    """The table in short: a line a packet and hop."""
    return [{"layer": one.layer, "packet": one.packet, "hop": one.hop, "rewritten": one.rewritten,
             "predicted": one.predicted, "checksums": "right" if one.whole else "wrong", "to": one.server}
            for one in passages]


def counts(passages: Sequence[Passage]) -> dict[str, tuple[int, int]]:
    """How many were as predicted, of how many: by layer at the switch, and at the gateway."""
    found: dict[str, tuple[int, int]] = {}
    for one in passages:
        right, whole = found.get(who := one.layer if one.hop == "s1" else one.hop, (0, 0))
        found[who] = right + one.as_predicted, whole + 1
    return found


def verdicts(counted: Mapping[str, tuple[int, int]]) -> list[Verdict]:
    """What came of the claims. counted: as `counts` has it."""
    return [claim.judge(of_part(*counted[who])) for who, claim in CLAIMS.items()]
