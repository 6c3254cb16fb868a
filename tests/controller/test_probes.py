"""Probes: what is sent, what counts as an answer, and what is concluded. Scapy plays the servers; time is a number."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, UDPerror
from scapy.layers.l2 import ARP, Ether

from balancing import Backend, Down, Event, HealthCheck, Pool, Service, Up
from controller.probes import Probes, hear

CASES = [("l2", "tcp"), ("l3", "tcp"), ("l4", "tcp"), ("l4", "udp")]


def probes(layer: str, protocol: str = "tcp", servers: int = 1, **check: Any) -> tuple[Probes, list[Event]]:
    backends = tuple(Backend(n, f"srv{n}", f"10.0.10.{n}", f"02:00:0a:00:02:0{n}", 8001)  # type: ignore[arg-type]
                     for n in range(1, servers + 1))
    health = HealthCheck(**{"source": "10.0.0.3", "interval_s": 1.0, "timeout_s": 0.5, "rise": 2, "fall": 3} | check)
    events: list[Event] = []
    pool = Pool(Service(3, "web", "10.0.0.100", layer, backends, protocol=protocol, port=80, health=health),  # type: ignore[arg-type]
                events.append)
    return Probes(pool, health), events


def answer(frame: bytes) -> bytes:
    """What a healthy server says to a probe."""
    asked = Ether(frame)
    back = Ether(src=asked.dst, dst=asked.src)
    if ARP in asked:
        made = back / ARP(op=2, hwsrc=asked.dst, psrc=asked[ARP].pdst, hwdst=asked.src, pdst=asked[ARP].psrc)
        return bytes(made)
    back /= IP(src=asked[IP].dst, dst=asked[IP].src)
    if ICMP in asked:
        return bytes(back / ICMP(type=0, id=asked[ICMP].id, seq=asked[ICMP].seq) / asked[ICMP].payload)
    if TCP in asked:
        return bytes(back / TCP(sport=asked[TCP].dport, dport=asked[TCP].sport, flags="SA", seq=77,
                                ack=asked[TCP].seq + 1))
    return bytes(back / UDP(sport=asked[UDP].dport, dport=asked[UDP].sport) / b"yes")


def refusal(frame: bytes) -> bytes:
    """What a server says whose program is gone."""
    asked = Ether(frame)
    back = Ether(src=asked.dst, dst=asked.src) / IP(src=asked[IP].dst, dst=asked[IP].src)
    if TCP in asked:
        return bytes(back / TCP(sport=asked[TCP].dport, dport=asked[TCP].sport, flags="RA", ack=asked[TCP].seq + 1))
    return bytes(back / ICMP(type=3, code=3) / IPerror(bytes(asked[IP])[:20]) / UDPerror(bytes(asked[UDP])[:8]))


def said(frame: bytes) -> Any:
    heard = hear(frame)
    assert heard is not None
    return heard


@pytest.mark.parametrize(("layer", "protocol"), CASES)
def test_an_answer_measures_the_response_time(layer: str, protocol: str) -> None:
    asking, events = probes(layer, protocol)
    frames, again_s = asking.tick(10.0)
    assert len(frames) == 1
    assert 10.0 < again_s <= 10.5
    assert asking.heard(said(answer(frames[0])), 10.02)
    (server,) = asking.pool.servers.values()
    assert server.response_s == pytest.approx(0.02)
    assert not asking.heard(said(answer(frames[0])), 10.03), "an answer counts once"
    assert events == []


@pytest.mark.parametrize(("layer", "protocol"), CASES)
def test_silence_is_noticed_in_time_and_an_answer_brings_it_back(layer: str, protocol: str) -> None:
    asking, events = probes(layer, protocol)
    frames, next_s = asking.tick(0.0)
    assert asking.heard(said(answer(frames[0])), 0.01)  # the last sign of life
    while not events:
        now_s = next_s
        next_s = asking.tick(now_s)[1]
    assert events == [Down("web", "srv1", "no answer within 0.5 s")]
    assert now_s <= asking.check.notice_s + 1e-9
    while len(events) == 1:
        frames, now_s = asking.tick(now_s)
        for frame in frames:
            asking.heard(said(answer(frame)), now_s)
    assert events[1] == Up("web", "srv1")


@pytest.mark.parametrize(("protocol", "why"), [("tcp", "connection refused"), ("udp", "port unreachable")])
def test_a_refusal_is_a_failure_at_once(protocol: str, why: str) -> None:
    asking, events = probes("l4", protocol)
    now_s = 0.0
    for _ in range(3):
        frames = []
        while not frames:
            frames, next_s = asking.tick(now_s)
            asked_s, now_s = now_s, next_s
        assert asking.heard(said(refusal(frames[0])), asked_s)
    assert events == [Down("web", "srv1", why)]


def test_a_handshake_is_not_left_half_open() -> None:
    frames, _ = probes("l4")[0].tick(0.0)
    answered = answer(frames[0])
    reply = said(answered).reply
    assert reply is not None
    read, asked = Ether(reply), Ether(frames[0])
    assert read[TCP].flags == "R"
    assert read[TCP].seq == Ether(answered)[TCP].ack
    assert (read.src, read.dst, read[TCP].sport, read[TCP].dport) == (
        asked.src, asked.dst, asked[TCP].sport, asked[TCP].dport)


def test_servers_are_asked_one_after_another_each_once_an_interval() -> None:
    asking, _ = probes("l3", servers=4)
    asked: dict[str, list[float]] = {}
    now_s = 100.0
    while now_s < 103.5:
        frames, next_s = asking.tick(now_s)
        for frame in frames:
            asked.setdefault(Ether(frame)[IP].dst, []).append(now_s)
            asking.heard(said(answer(frame)), now_s)
        now_s = next_s
    assert [times[0] for times in asked.values()] == pytest.approx([100.0, 100.25, 100.5, 100.75])
    for times in asked.values():
        assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([1.0] * (len(times) - 1))


def test_nothing_is_concluded_while_the_switch_is_away() -> None:
    asking, events = probes("l3", fall=1)
    asking.tick(0.0)
    asking.pause()
    frames, _ = asking.tick(60.0)
    assert len(frames) == 1
    assert events == []


def test_an_answer_to_somebody_elses_probe_is_not_ours() -> None:
    asking, _ = probes("l3")
    other, _ = probes("l3")
    other.pool.service = asking.pool.service
    frames = [other.tick(0.0)[0][0], *(other.tick(float(n))[0][0] for n in (1, 2))]
    asking.tick(0.0)
    assert not asking.heard(said(answer(frames[2])), 0.1)


def test_who_is_added_is_asked_and_who_is_removed_no_longer() -> None:
    asking, _ = probes("l3", servers=2)
    asking.tick(0.0)
    asking.pool.add(Backend(3, "srv3", "10.0.10.3", "02:00:0a:00:02:03"))  # type: ignore[arg-type]
    asking.pool.remove(asking.pool.server("srv1"))
    targets = {Ether(frame)[IP].dst for tick in range(20, 60) for frame in asking.tick(tick / 10)[0]}
    assert targets == {"10.0.10.2", "10.0.10.3"}


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x08\x00", b"\x08\x06", b"\x08\x00\x45"]))
def test_any_frame_is_heard_without_harm(noise: bytes, kind: bytes) -> None:
    """They come from servers, and a server may be anything."""
    hear(bytes(12) + kind + noise)
