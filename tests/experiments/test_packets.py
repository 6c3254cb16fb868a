"""What is on each wire, for real; and that it can come out otherwise."""

from __future__ import annotations

import random
import subprocess

import pytest

from balancing import LAYERS
from experiments import flood, hops, malformed
from experiments.closer import closer
from experiments.flood import Size
from experiments.frames import Seen
from experiments.hops import Passage, exchange
from experiments.packets_lab import PacketLab

NEAR = Seen("tcp", "02:00:0a:00:01:c8", "02:1b:0a:00:00:65", "10.0.1.200", "10.0.0.101", 4711, 80, 77, 5)


def test_what_differs_between_two_links_was_rewritten() -> None:
    far = Seen("tcp", NEAR.eth_src, "02:00:0a:00:02:01", NEAR.ip_src, "10.0.11.1", 4711, 80, 77, 5)
    assert Passage("l3", "SYN", NEAR, far, "srv1").rewritten == "eth_dst ip_dst"
    assert Passage("l3", "SYN", NEAR, NEAR, "srv1").rewritten == "nothing"
    assert Passage("l3", "SYN", NEAR).rewritten == "lost"
    assert Passage("l7", "SYN", NEAR).rewritten == "ends at the proxy"


def test_the_kinds_are_told_apart() -> None:
    kinds = {flags: [name for name, kind in hops.KINDS.items() if kind(Seen("tcp", "", "", flags=flags), "mark")]
             for flags in ("S", "SA", "A", "RA")}
    assert kinds == {"S": ["SYN"], "SA": ["SYN/ACK"], "A": ["ACK"], "RA": []}


def test_fates_in_words() -> None:
    row = malformed.Row("l4", "TTL 1", 2, 1, 1, 1, 0)
    assert malformed._words(row) == "passed 1 of 2, answered"
    assert malformed._words(malformed.Row("l4", "TTL 1", 1, 0, 0, 0, 1)) == "dropped, EXCEPTION"
    assert malformed._words(malformed.Row("l4", "TTL 1", 1, 1, 3, 0, 0)) == "flooded"


def test_what_bears_an_address_of_a_flood_is_counted() -> None:
    lines = ["nw_src=10.96.1.4,nw_dst=10.0.0.102", "nw_src=10.96.1.40,nw_dst=10.0.0.102", ""]
    assert flood.naming(lines, {"10.96.1.4", "10.96.1.5"}) == 1


@pytest.mark.live
def test_every_layer_rewrites_what_its_row_says_and_a_broken_rule_shows() -> None:
    dice = random.Random(7)
    with PacketLab() as lab:
        for layer in LAYERS:
            found = exchange(lab, layer, dice)
            assert all(one.as_predicted for one in found), hops.for_people(found)
            close = closer(lab.of_vip(layer), found)
            assert {"rule unit", "rule arp"} <= {row["where"] for row in close} or layer == "l7"
            assert any(row["where"] == "client's link" and row["text"].startswith("SYN:") for row in close)
        one = lab.service("l3")
        first = one.backends[0]
        subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "add-flow", "s1", f"priority=999,tcp,nw_dst={one.vip},actions="
                        f"mod_nw_dst:{first.ip},mod_dl_dst:{first.mac},dec_ttl,NORMAL"], check=True)
        broken = {passage.packet: passage for passage in exchange(lab, "l3", dice)}
        assert broken["SYN"].rewritten == "eth_dst ip_dst ttl"
        assert not broken["SYN"].as_predicted


@pytest.mark.live
def test_a_gateway_is_a_hop_of_its_own() -> None:
    with PacketLab(topology="nat") as lab:
        found = exchange(lab, "l4", random.Random(7))
    assert all(one.as_predicted for one in found), hops.for_people(found)
    assert hops.counts(found) == {"nat1": (7, 7), "l4": (7, 7)}
    request = [(row["wire"], row["ttl"]) for row in hops.rows(found) if row["packet"] == "request"]
    assert [ttl for _, ttl in request] == [77, 76, 76, 76]


@pytest.mark.live
def test_what_is_wrong_harms_nobody_and_a_flood_is_remembered_as_predicted() -> None:
    with PacketLab() as lab:
        rows, calls = malformed.measure(lab, lambda words: None)
        assert len(rows) == len(LAYERS) * len(malformed.WRONG)
        assert not any(row.exceptions for row in rows)
        assert not [call for call in calls if call.error]
        fate = {(row.wrong, row.layer): row for row in rows}
        assert all(fate["TTL 1", layer].answers for layer in LAYERS)
        assert fate["in fragments, all of them", "l4"].answers == 0
        lab.untap()
        turns = flood.measure(lab, Size(rounds=1, syns=60, calm_s=0.2), 7, lambda words: None)
        held = {turn.realisation: turn.left for turn in turns}
        assert {word: (left.flows, left.tracked, left.decided) for word, left in held.items()} == {
            "reactive": (60, 0, 60), "hashed": (0, 0, 0), "tracked": (0, 60, 0)}
        assert not [call for turn in turns for call in turn.meanwhile if call.error]
