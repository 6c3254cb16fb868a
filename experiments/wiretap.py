"""What can be read off a wire: captures, judged packet by packet and stream by stream.

     pcap ──► frames ──► Ethernet, ARP, IPv4, TCP ──► Wire(packets, tcp_bytes, tls_bytes, readable, ...)
                             └── bytes of each direction of each connection, in order ──► TLS records, or not

Rules kept here:

1. A frame is read by its headers (Ethernet, RFC 826, RFC 791, RFC 9293), never by a port: what TLS is, is told by its
   records (RFC 8446 5.1), from a stream's first byte to its last.
2. An address is shown where it stands in a header, or in digits anywhere in what the frame carries.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

Stream = tuple[bytes, bytes, bytes]  # where from, where to, both ports: one direction of a connection
IPV4, ARP, TCP = 0x0800, 0x0806, 6
LONGEST_RECORD = 16_384 + 256  # RFC 8446 5.2


@dataclass
class Wire:
    """What was seen at some interfaces.

    tcp_bytes: carried by TCP. tls_bytes: of those, in whole TLS records. readable: packets with the mark in clear.
    showing: packets that show one of the addresses asked for.
    """

    packets: int = 0
    tcp_bytes: int = 0
    tls_bytes: int = 0
    readable: int = 0
    showing: int = 0
    streams: dict[Stream, dict[int, bytes]] = field(default_factory=dict)


@dataclass(frozen=True)
class Segment:
    """A TCP segment: its stream, its first byte's number, its bytes."""

    stream: Stream
    number: int
    data: bytes


def watch(captures: Iterable[Path], mark: bytes, addresses: Collection[IPv4Address], macs: Collection[str]) -> Wire:
    """Judge `captures` as one wire. mark: what is in everything that is secret. addresses, macs: who must not show."""
    wire = Wire()
    packed = {address.packed for address in addresses} | {bytes.fromhex(mac.replace(":", "")) for mac in macs}
    digits = {str(address).encode() for address in addresses} | {mac.encode() for mac in macs}
    for capture in captures:
        for frame in frames(capture):
            _look(wire, frame, mark, packed, digits)
    for stream in wire.streams.values():
        whole = b"".join(stream[number] for number in sorted(stream))
        wire.tcp_bytes += len(whole)
        wire.tls_bytes += records(whole)
    return wire


def _look(wire: Wire, frame: bytes, mark: bytes, packed: set[bytes], digits: set[bytes]) -> None:
    wire.packets += 1
    wire.readable += mark in frame
    wire.showing += bool(packed & shown(frame)) or any(text in frame for text in digits)
    if (segment := tcp(frame)) and segment.data:
        wire.streams.setdefault(segment.stream, {}).setdefault(segment.number, segment.data)  # one sent again: once


def frames(capture: Path) -> Iterator[bytes]:
    """The frames of a pcap file in this machine's byte order, as tcpdump has written it here (pcap-savefile(5)).

    Of a file that is still written to, those that are whole.
    """
    data, at = capture.read_bytes(), 24
    while at + 16 <= len(data):
        begin, length = at + 16, struct.unpack_from("=I", data, at + 8)[0]
        if (at := begin + length) <= len(data):
            yield data[begin:at]


def shown(frame: bytes) -> set[bytes]:
    """The addresses in a frame's headers: two MACs; of ARP two more, and two IPs; of IPv4 two IPs."""
    kind, found = struct.unpack_from("!H", frame, 12)[0], {frame[:6], frame[6:12]}
    if kind == ARP:
        found |= {frame[22:28], frame[28:32], frame[32:38], frame[38:42]}
    elif kind == IPV4:
        found |= {frame[26:30], frame[30:34]}
    return found


def tcp(frame: bytes) -> Segment | None:
    """The TCP segment in a frame, if there is one."""
    if frame[12:14] != b"\x08\x00" or frame[23] != TCP:
        return None
    length, at = struct.unpack_from("!H", frame, 16)[0], 14 + 4 * (frame[14] & 15)
    begin, end = at + 4 * (frame[at + 12] >> 4), 14 + length  # a short frame is padded behind
    return Segment((frame[26:30], frame[30:34], frame[at:at + 4]), struct.unpack_from("!I", frame, at + 4)[0],
                   frame[begin:end])


def records(stream: bytes) -> int:
    """How many of these bytes are in whole TLS records; from the first that can't be one on, none is."""
    at = 0
    while at + 5 <= len(stream):
        kind, major, length = stream[at], stream[at + 1], struct.unpack_from("!H", stream, at + 3)[0]
        if not 20 <= kind <= 23 or major != 3 or length > LONGEST_RECORD or at + 5 + length > len(stream):
            break
        at += 5 + length
    return at
