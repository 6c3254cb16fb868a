"""What `placement` makes of its rounds; and one small run, whose invariants must hold however busy the machine is."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.placement import Size, contradictions, measure, moral, rows
from experiments.placement_lab import CLIENT, NONE, SERVER, TIERS, VICTIMS, PlacedLab
from tests.experiments.claims.placement import calls, rounds


def test_a_run_as_predicted_is_told_so() -> None:
    table = rows(rounds())
    assert [row["place"] for row in table] == [NONE, CLIENT, SERVER, TIERS]
    assert contradictions(table) == []
    assert moral(table).startswith("p50: no proxy 2")


@pytest.mark.parametrize(("words", "told"), [
    ({"well": 0.1}, "failed while all was well"), ({"tiers": 0.2}, "did not notice"),
])
def test_what_is_otherwise_is_told(words, told: str) -> None:
    assert told in " ".join(contradictions(rows(rounds(**words))))


def test_a_dead_proxy_that_serves_is_told() -> None:
    odd = [dataclasses.replace(one, late=dict(one.late) | {SERVER: calls()}) for one in rounds()]
    assert "somebody was served" in " ".join(contradictions(rows(odd)))


@pytest.mark.live
def test_who_shares_a_proxys_fate() -> None:
    with PlacedLab() as lab:
        one, = measure(lab, Size(rounds=1, seconds=0.5), seed=3)
        assert all({call.server for call in calls if call.server} <= {"srv3", "srv4", "srv5"}
                   for kind in (one.well, one.dead) for calls in kind.values())
        assert all(call.error for call in one.dead[SERVER] if call.at_s > 0.5), "the only proxy"
        assert {call.visit.client.name for call in one.dead[CLIENT] if call.error} <= {VICTIMS[CLIENT]}
        served = [call for call in one.dead[TIERS] if not call.error]
        assert len(served) > len(one.dead[TIERS]) / 3, "another proxy of the tier is there"
