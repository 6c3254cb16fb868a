"""Frames, made and read with Scapy: the one file that imports it.

    End(mac, ip, port), End(...) ──segment, datagram, arp_request──► bytes ──a wire──► bytes ──read──► Seen(...)

Rules kept here:

1. Frames are bytes outside of this file: built once, sent many times, cut and patched where they are to be wrong.
2. What is read is what stands in the frame. Whether a checksum is right is found by computing it anew (RFC 1071).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Padding

BROADCAST, NOBODY = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"
TTL = 64


@dataclass(frozen=True)
class End:
    """One end of a conversation."""

    mac: str
    ip: str
    port: int = 0


@dataclass(frozen=True)
class Seen:
    """What stands in a frame: ports, ttl and seq are 0, and flags empty, where it has none.

    proto: tcp, udp, arp or another word. flags: of TCP, as letters: S, SA, PA, ... Of ARP: its two addresses of the
    sender stand in eth_src and ip_src, as it says them itself.
    checksums: whether all of them are right. data: what is carried.
    """

    proto: str
    eth_src: str
    eth_dst: str
    ip_src: str = ""
    ip_dst: str = ""
    tp_src: int = 0
    tp_dst: int = 0
    ttl: int = 0
    seq: int = 0
    ack: int = 0
    flags: str = ""
    checksums: bool = True
    data: bytes = b""

    def __str__(self) -> str:
        """As one line, for people."""
        ports = (f":{self.tp_src}", f":{self.tp_dst}") if self.tp_src else ("", "")
        tcp = f" {self.flags} seq={self.seq} ack={self.ack}" if self.proto == "tcp" else ""
        ttl = f" ttl={self.ttl}" if self.ttl else ""
        return (f"{self.eth_src} > {self.eth_dst} {self.proto} {self.ip_src}{ports[0]} > {self.ip_dst}{ports[1]}"
                f"{ttl}{tcp}" + (f" {len(self.data)} bytes" if self.data else ""))


def segment(source: End, target: End, flags: str, *, seq: int = 0, ack: int = 0, data: bytes = b"",
            ttl: int = TTL) -> bytes:
    """A frame with a TCP segment. flags: letters, such as S or PA."""
    return bytes(_packet(source, target, ttl)
                 / TCP(sport=source.port, dport=target.port, flags=flags, seq=seq, ack=ack) / data)


def datagram(source: End, target: End, data: bytes, *, ttl: int = TTL) -> bytes:
    """A frame with a UDP datagram."""
    return bytes(_packet(source, target, ttl) / UDP(sport=source.port, dport=target.port) / data)


def fragments(source: End, target: End, data: bytes, size: int) -> list[bytes]:
    """A UDP datagram in pieces of `size` bytes, a multiple of 8 (RFC 791 3.2)."""
    whole = _packet(source, target, TTL) / UDP(sport=source.port, dport=target.port) / data
    return [bytes(piece) for piece in fragment(whole, fragsize=size)]


def arp_request(sender: End, address: str, *, operation: int = 1) -> bytes:
    """Who has `address`? Asked of everybody (RFC 826)."""
    return bytes(Ether(src=sender.mac, dst=BROADCAST)
                 / ARP(op=operation, hwsrc=sender.mac, psrc=sender.ip, hwdst=NOBODY, pdst=address))


def _packet(source: End, target: End, ttl: int) -> Packet:
    return Ether(src=source.mac, dst=target.mac) / IP(src=source.ip, dst=target.ip, ttl=ttl)


def read(frame: bytes) -> Seen:
    """What stands in a frame. Raises ValueError if it is none of IPv4 or ARP."""
    ether = Ether(frame)
    if ARP in ether:
        arp = ether[ARP]
        return Seen("arp", arp.hwsrc, ether.dst, arp.psrc, arp.pdst)
    if IP not in ether:
        raise ValueError(f"a frame of type {ether.type:#06x}")
    ip = ether[IP]
    found = _TRANSPORT.get(type(ip.payload), _other)(ip)
    return Seen(eth_src=ether.src, eth_dst=ether.dst, ip_src=ip.src, ip_dst=ip.dst, ttl=ip.ttl, checksums=right(ether),
                **found)


def right(ether: Packet) -> bool:
    """Whether every checksum of a frame is what it comes to if it is left to Scapy."""
    anew = ether.copy()
    for layer in (IP, TCP, UDP):
        if layer in anew:
            del anew[layer].chksum
    again = Ether(bytes(anew))
    return all(again[layer].chksum == ether[layer].chksum for layer in (IP, TCP, UDP) if layer in ether)


def _tcp(ip: Any) -> dict[str, Any]:
    tcp = ip[TCP]
    return {"proto": "tcp", "tp_src": tcp.sport, "tp_dst": tcp.dport, "seq": tcp.seq, "ack": tcp.ack,
            "flags": str(tcp.flags), "data": _carried(tcp)}


def _udp(ip: Any) -> dict[str, Any]:
    udp = ip[UDP]
    return {"proto": "udp", "tp_src": udp.sport, "tp_dst": udp.dport, "data": _carried(udp)}


def _other(ip: Any) -> dict[str, Any]:
    return {"proto": {1: "icmp"}.get(ip.proto, str(ip.proto))}


def _carried(transport: Any) -> bytes:
    """Without what pads a short frame."""
    padding = bytes(transport[Padding]) if Padding in transport else b""
    return bytes(transport.payload).removesuffix(padding)


_TRANSPORT: dict[type, Callable[[Any], dict[str, Any]]] = {TCP: _tcp, UDP: _udp}
