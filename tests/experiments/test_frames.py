"""Frames say what they were made to say, and a checksum that is wrong is seen."""

from __future__ import annotations

import pytest

from experiments import frames
from experiments.frames import End, read
from experiments.malformed import WRONG, patched, summed

ME, VIP = End("02:00:0a:00:01:c8", "10.0.1.200", 4711), End("02:1b:0a:00:00:66", "10.0.0.102", 80)


def test_a_segment_is_read_as_it_was_made() -> None:
    seen = read(frames.segment(ME, VIP, "PA", seq=7, ack=9, data=b"hello", ttl=3))
    assert (seen.proto, seen.eth_src, seen.eth_dst, seen.ip_src, seen.ip_dst) == ("tcp", ME.mac, VIP.mac, ME.ip, VIP.ip)
    assert (seen.tp_src, seen.tp_dst, seen.ttl, seen.seq, seen.ack, seen.flags) == (4711, 80, 3, 7, 9, "PA")
    assert seen.checksums
    assert seen.data == b"hello"
    assert "10.0.1.200:4711 > 10.0.0.102:80" in str(seen)


def test_what_pads_a_short_frame_is_not_carried() -> None:
    assert read(frames.segment(ME, VIP, "S") + bytes(6)).data == b""
    assert read(frames.datagram(ME, VIP, b"x") + bytes(17)).data == b"x"


@pytest.mark.parametrize("at", [24, 50])  # of IP, of TCP
def test_a_wrong_checksum_is_seen(at: int) -> None:
    assert not read(patched(frames.segment(ME, VIP, "S"), at, 0xBA, 0xD0)).checksums
    assert not read(patched(frames.datagram(ME, VIP, b"x"), 40, 0xBA, 0xD0)).checksums


def test_a_header_that_was_patched_can_be_summed_anew() -> None:
    frame = patched(frames.datagram(ME, VIP, b"x"), 14 + 8, 1)  # TTL
    assert not read(frame).checksums
    assert read(summed(frame)).checksums


def test_an_arp_request_asks_everybody() -> None:
    seen = read(frames.arp_request(ME, VIP.ip))
    assert (seen.proto, seen.eth_src, seen.eth_dst) == ("arp", ME.mac, frames.BROADCAST)
    assert (seen.ip_src, seen.ip_dst) == (ME.ip, VIP.ip)


def test_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="0x88b5"):
        read(patched(frames.segment(ME, VIP, "S"), 12, 0x88, 0xB5))


def test_every_malformed_packet_differs_from_all_others() -> None:
    made = [tuple(wrong.frames(ME, VIP, VIP)) for wrong in WRONG]
    assert len(set(made)) == len(WRONG)
    assert all(14 <= len(frame) <= 1514 for frames_ in made for frame in frames_)
