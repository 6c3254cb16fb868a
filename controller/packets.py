"""The few frames that the controller writes itself: probes, and refusals when no server is left. The framework's
packet library lays them out and sums them up; read here are only answers to our own (frame.py reads everybody's).

    what is refused           by                                         so that the client
    TCP at L4                 RST (RFC 9293 3.10.7.1)                    hears "connection refused" at once
    UDP                       ICMP port unreachable (RFC 792, code 3)    hears the same; of other codes it hears nothing
    the rest, at L2 and L3    ICMP host unreachable (RFC 792, code 1)    hears "no route to host" at once
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from balancing.service import Service
from controller.flows import ACK, FIN, RST, SYN
from controller.framework import arp, ethernet, icmp, ipv4, packet, tcp, udp
from controller.rules import by_connection

ETHER_BROADCAST = "ff:ff:ff:ff:ff:ff"
TCP, UDP, ICMP = 6, 17, 1
UNREACHABLE, HOST, PORT = 3, 1, 3
QUOTED_BYTES = 8  # of what follows the IP header, in an ICMP error (RFC 792)


@dataclass(frozen=True)
class Ends:
    """Where a frame comes from and goes to."""

    eth_src: str
    ip_src: str
    eth_dst: str
    ip_dst: str

    @property
    def back(self) -> Ends:
        """The other way round."""
        return Ends(self.eth_dst, self.ip_dst, self.eth_src, self.ip_src)


def arp_request(ends: Ends) -> bytes:
    """Who has `ends.ip_dst`? Asked of one host alone."""
    return _frame(ethernet.ethernet(ends.eth_dst, ends.eth_src, 0x0806),
                  arp.arp(opcode=arp.ARP_REQUEST, src_mac=ends.eth_src, src_ip=ends.ip_src,
                          dst_mac="00:00:00:00:00:00", dst_ip=ends.ip_dst))


def echo_request(ends: Ends, identifier: int, sequence: int) -> bytes:
    """A ping (RFC 792)."""
    return _frame(*_ip(ends, ICMP), icmp.icmp(icmp.ICMP_ECHO_REQUEST, 0, 0, icmp.echo(identifier, sequence, b"probe")))


def segment(ends: Ends, tp_src: int, tp_dst: int, flags: int, seq: int = 0, ack: int = 0) -> bytes:
    """A TCP segment without data."""
    return _frame(*_ip(ends, TCP), tcp.tcp(tp_src, tp_dst, seq=seq, ack=ack, bits=flags, window_size=1024))


def datagram(ends: Ends, tp_src: int, tp_dst: int, payload: bytes) -> bytes:
    """A UDP datagram."""
    return _frame(*_ip(ends, UDP), udp.udp(tp_src, tp_dst), payload)


def refusal(service: Service, frame: bytes) -> bytes | None:
    """What tells the sender of `frame` that nobody serves; None where a refusal would only be refused in turn."""
    found = read(frame)
    if ipv4.ipv4 not in found:
        return None
    ends = _ends(found).back
    if by_connection(service):
        return _reset(ends, found[tcp.tcp], frame) if tcp.tcp in found else None
    if icmp.icmp in found and found[icmp.icmp].type != icmp.ICMP_ECHO_REQUEST:
        return None  # no error about an error (RFC 1122 3.2.2)
    start = 14 + 4 * found[ipv4.ipv4].header_length
    quoted = frame[14:start + QUOTED_BYTES]
    code = PORT if udp.udp in found else HOST
    return _frame(*_ip(ends, ICMP), icmp.icmp(UNREACHABLE, code, 0, icmp.dest_unreach(data=quoted)))


def reset(frame: bytes) -> bytes:
    """The RST that ends the connection that the SYN/ACK in `frame` would open."""
    found = read(frame)
    heard = found[tcp.tcp]
    return segment(_ends(found).back, heard.dst_port, heard.src_port, RST, seq=heard.ack)


def read(frame: bytes) -> dict[type, Any]:
    """The headers in a frame, by their classes in the framework's library."""
    return {type(header): header for header in packet.Packet(frame).protocols}


def _reset(ends: Ends, heard: Any, frame: bytes) -> bytes | None:
    """RFC 9293 3.10.7.1: what a closed port answers."""
    if heard.bits & RST:
        return None
    if heard.bits & ACK:
        return segment(ends, heard.dst_port, heard.src_port, RST, seq=heard.ack)
    length = bool(heard.bits & SYN) + bool(heard.bits & FIN)
    return segment(ends, heard.dst_port, heard.src_port, RST | ACK, ack=(heard.seq + length) % 2**32)


def _ends(found: dict[type, Any]) -> Ends:
    ether, ip = found[ethernet.ethernet], found[ipv4.ipv4]
    return Ends(ether.src, ip.src, ether.dst, ip.dst)


def _ip(ends: Ends, proto: int) -> tuple[Any, Any]:
    return (ethernet.ethernet(ends.eth_dst, ends.eth_src, 0x0800),
            ipv4.ipv4(proto=proto, src=ends.ip_src, dst=ends.ip_dst, ttl=64))


def _frame(*parts: Any) -> bytes:
    made = packet.Packet()
    for part in parts:
        made.add_protocol(part)
    made.serialize()
    return bytes(made.data)
