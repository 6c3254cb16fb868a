"""What a wire shows is judged by bytes: also when they are cut in odd places, sent twice, or only look like TLS."""

from __future__ import annotations

import ssl
import struct
from ipaddress import ip_address

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether

from experiments.wiretap import frames, records, tcp, watch

SERVER, MAC = ip_address("10.0.2.1"), "02:00:0a:00:02:01"
RECORD = b"\x17\x03\x03\x00\x04abcd"


def written(path, *packets):
    """A pcap file as tcpdump writes one here."""
    data = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    for packet in packets:
        frame = bytes(packet)
        data += struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame
    path.write_bytes(data)
    return path


def segment(data=b"", number=100, port=4000, src="10.1.1.1", dst="10.0.0.100", **ethernet):
    return Ether(**{"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"} | ethernet) / IP(src=src, dst=dst) / TCP(
        sport=port, dport=443, seq=number) / data


@pytest.fixture
def seen(tmp_path):
    return lambda *packets: watch([written(tmp_path / "x.pcap", *packets)], b"secret", {SERVER}, {MAC})


def test_records_are_counted_to_the_first_that_is_none():
    assert records(b"") == 0
    assert records(RECORD * 3) == 27
    assert records(RECORD + b"GET / HTTP/1.1\r\n\r\n") == 9
    assert records(RECORD + RECORD[:-1]) == 9
    assert records(b"\x17\x03\x03\xff\xff" + b"x" * 65_535) == 0
    assert records(b"\x17\x04\x03\x00\x00") == 0


def test_a_real_handshake_is_tls_from_its_first_byte():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="shop.lab")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    assert records(hello) == len(hello) > 100


def test_a_stream_is_put_together_whatever_way_it_was_cut_and_repeated(seen):
    wire = seen(segment(RECORD[:3]), segment(RECORD[7:], 107), segment(RECORD[3:7], 103), segment(RECORD[:3]),
                segment(), segment(RECORD, 100, port=4001))
    assert (wire.packets, wire.tcp_bytes, wire.tls_bytes, wire.readable, wire.showing) == (6, 18, 18, 0, 0)


def test_plain_http_is_no_tls_and_can_be_read(seen):
    wire = seen(segment(b"GET /secret HTTP/1.1\r\n\r\n"), segment(RECORD, port=4001))
    assert (wire.tcp_bytes, wire.tls_bytes, wire.readable) == (33, 9, 1)


def test_padding_behind_a_short_frame_is_no_data(tmp_path):
    (frame,) = frames(written(tmp_path / "x.pcap", bytes(segment()) + b"\0" * 6))
    assert len(frame) == 60
    assert tcp(frame).data == b""


@pytest.mark.parametrize(("packet", "shows"), [
    (segment(), False),
    (segment(src="10.0.2.1"), True),
    (segment(dst="10.0.2.1"), True),
    (segment(dst="10.0.2.2"), False),
    (segment(src="10.0.2.1") / b"x", True),
    (Ether(src=MAC) / IP() / UDP(), True),
    (Ether(dst=MAC) / IP() / ICMP(), True),
    (Ether(src="02:00:00:00:00:01") / ARP(pdst="10.0.2.1"), True),
    (Ether(src="02:00:00:00:00:01") / ARP(psrc="10.0.2.1", pdst="10.0.0.2"), True),
    (Ether(src="02:00:00:00:00:01") / ARP(pdst="10.0.0.2", hwdst=MAC), True),
    (Ether(src="02:00:00:00:00:01") / ARP(psrc="10.0.0.1", pdst="10.0.0.2"), False),
    (segment(b"Location: http://10.0.2.1/"), True),
    (segment(b"\x0a\x00\x02\x01"), False),  # four bytes of ciphertext can be any address
])
def test_an_address_shows_in_a_header_or_in_digits(seen, packet, shows):
    assert seen(packet).showing == shows
