"""The frames that the controller writes, as Scapy reads them."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from balancing import Backend, Service
from controller import packets
from controller.flows import SYN

ENDS = packets.Ends("02:1c:0a:00:00:03", "10.0.0.3", "02:00:0a:00:02:01", "10.0.10.1")
CLIENT = Ether(src="02:00:0a:00:01:01", dst="02:1b:0a:00:00:64") / IP(src="10.0.1.1", dst="10.0.0.100")


def service(layer: str, protocol: str = "tcp") -> Service:
    backend = Backend(1, "srv1", "10.0.10.1", "02:00:0a:00:02:01")  # type: ignore[arg-type]
    return Service(1, "web", "10.0.0.100", layer, (backend,), protocol=protocol, port=80)  # type: ignore[arg-type]


def sums_hold(frame: bytes) -> bool:
    """Whether Scapy, summing anew, comes to the same bytes."""
    anew = Ether(frame)
    for layer in (IP, TCP, UDP, ICMP):
        if layer in anew:
            del anew[layer].chksum
    return bytes(anew) == frame


@pytest.mark.parametrize("frame", [
    packets.echo_request(ENDS, 7, 9), packets.segment(ENDS, 2000, 80, SYN, seq=5),
    packets.datagram(ENDS, 2000, 7, b"are you there?"),
])
def test_every_probe_is_sound_and_says_where_it_comes_from(frame: bytes) -> None:
    read = Ether(frame)
    assert sums_hold(frame)
    assert (read.src, read.dst, read[IP].src, read[IP].dst) == (
        ENDS.eth_src, ENDS.eth_dst, ENDS.ip_src, ENDS.ip_dst)


def test_a_server_is_asked_for_its_own_address() -> None:
    read = Ether(packets.arp_request(ENDS))
    assert read.dst == ENDS.eth_dst, "one host alone"
    assert (read[ARP].op, read[ARP].psrc, read[ARP].hwsrc, read[ARP].pdst) == (
        1, ENDS.ip_src, ENDS.eth_src, ENDS.ip_dst)


@pytest.mark.parametrize(("segment", "flags", "seq", "ack"), [
    (TCP(sport=40000, dport=80, flags="S", seq=100), "RA", 0, 101),
    (TCP(sport=40000, dport=80, flags="S", seq=2**32 - 1), "RA", 0, 0),
    (TCP(sport=40000, dport=80, flags="PA", seq=100, ack=555), "R", 555, 0),
])
def test_a_connection_is_refused_as_a_closed_port_does(segment: Any, flags: str, seq: int, ack: int) -> None:
    frame = packets.refusal(service("l4"), bytes(CLIENT / segment))
    assert frame is not None
    assert sums_hold(frame)
    read = Ether(frame)
    assert (read.src, read.dst, read[IP].src, read[IP].dst) == (CLIENT.dst, CLIENT.src, "10.0.0.100", "10.0.1.1")
    assert (read[TCP].sport, read[TCP].dport) == (80, 40000)
    assert (read[TCP].flags, read[TCP].seq, read[TCP].ack) == (flags, seq, ack)


def test_a_reset_is_not_answered() -> None:
    assert packets.refusal(service("l4"), bytes(CLIENT / TCP(sport=40000, dport=80, flags="R"))) is None


@pytest.mark.parametrize(("layer", "protocol", "inner", "code"), [
    ("l4", "udp", UDP(sport=40000, dport=80) / b"hello", 3),
    ("l3", "tcp", TCP(sport=40000, dport=80, flags="S"), 1),
    ("l2", "tcp", UDP(sport=40000, dport=80) / b"hello", 3),
    ("l3", "tcp", ICMP(type=8), 1),
])
def test_what_is_no_connection_is_unreachable(layer: str, protocol: str, inner: Any, code: int) -> None:
    asked = bytes(CLIENT / inner)
    frame = packets.refusal(service(layer, protocol), asked)
    assert frame is not None
    read = Ether(frame)
    assert (read[IP].src, read[IP].dst, read[ICMP].type, read[ICMP].code) == ("10.0.0.100", "10.0.1.1", 3, code)
    assert bytes(read[ICMP].payload)[:28] == asked[14:42], "it quotes what it is about"


@pytest.mark.parametrize("inner", [ICMP(type=3, code=1), ICMP(type=0)])
def test_no_error_is_answered_by_an_error(inner: Any) -> None:
    assert packets.refusal(service("l3"), bytes(CLIENT / inner)) is None
