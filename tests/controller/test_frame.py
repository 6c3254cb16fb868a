"""Scapy writes the frames, `parse` reads them; and any bytes at all don't break it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether

from balancing import LAYERS, Unit
from controller.frame import parse, unit_answered, unit_of

ETHER = Ether(src="02:00:00:01:00:01", dst="02:1b:0a:00:00:64")
V4 = IP(src="10.0.1.1", dst="10.0.0.100")


@pytest.mark.parametrize(("packet", "syn"), [
    (TCP(sport=40000, dport=80, flags="S"), 1),
    (TCP(sport=40000, dport=80, flags="SA"), 0),
    (TCP(sport=40000, dport=80, flags="SEC"), 1),
    (TCP(sport=40000, dport=80, flags="PA"), 0),
    (UDP(sport=40000, dport=80), 0),
])
@pytest.mark.parametrize("ip", [V4, IP(src="10.0.1.1", dst="10.0.0.100", options=[b"\x01\x01\x01\x01"]),
                                IPv6(src="2001:db8::1", dst="2001:db8::100")])
def test_ports_and_addresses(packet: Any, syn: int, ip: Any) -> None:
    fields = parse(bytes(ETHER / ip / packet))
    assert fields is not None
    assert fields["eth_src"] == "02:00:00:01:00:01"
    assert (fields["ip_src"], fields["ip_dst"]) == (ip.src, ip.dst)
    assert (fields["tp_src"], fields["tp_dst"], fields["syn"]) == (40000, 80, syn)


@pytest.mark.parametrize(("packet", "refused"), [
    (TCP(sport=80, dport=40000, flags="RA", seq=0, ack=1), 1),
    (TCP(sport=80, dport=40000, flags="R", seq=0), 0),
    (TCP(sport=80, dport=40000, flags="RA", seq=7, ack=1), 0),
    (TCP(sport=80, dport=40000, flags="SA", seq=0, ack=1), 0),
])
def test_a_refusal_is_told_from_other_resets(packet: Any, refused: int) -> None:
    fields = parse(bytes(ETHER / V4 / packet))
    assert fields is not None
    assert fields["refused"] == refused


def test_an_answers_unit_is_its_client() -> None:
    fields = parse(bytes(ETHER / IP(src="10.0.10.2", dst="10.0.1.1") / TCP(sport=8001, dport=40000)))
    assert fields is not None
    unit = unit_answered(LAYERS["l4"], fields)
    assert unit == Unit(("10.0.1.1", 40000), bytes([10, 0, 1, 1]))


def test_a_ping_has_no_ports() -> None:
    fields = parse(bytes(ETHER / V4 / ICMP()))
    assert fields is not None
    assert "tp_src" not in fields


@pytest.mark.parametrize("frame", [b"", bytes(ETHER / ARP()), bytes(ETHER / V4)[:30]])
def test_what_is_not_ip_is_none(frame: bytes) -> None:
    assert parse(frame) is None


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x08\x00", b"\x86\xdd"]))
def test_any_bytes_are_read_without_harm(noise: bytes, eth_type: bytes) -> None:
    parse(bytes(12) + eth_type + noise)


@pytest.mark.parametrize(("layer", "expected"), [
    ("l2", Unit(("02:00:00:01:00:01",), bytes.fromhex("020000010001"))),
    ("l3", Unit(("10.0.1.1",), bytes([10, 0, 1, 1]))),
    ("l4", Unit(("10.0.1.1", 40000), bytes([10, 0, 1, 1]))),
])
def test_the_unit_is_what_the_layer_sees(layer: str, expected: Unit) -> None:
    fields = parse(bytes(ETHER / V4 / TCP(sport=40000, dport=80)))
    assert fields is not None
    unit = unit_of(LAYERS[layer], fields)
    assert unit == expected
    assert unit.key == expected.key
