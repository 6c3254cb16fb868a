"""What `steering` makes of its calls; and one small run, whose invariants must hold however busy the machine is."""

from __future__ import annotations

import pytest

from experiments.clients import ClientHost
from experiments.openloop import Call, Visit
from experiments.steering import (
    COPIES,
    PERIOD_S,
    SLOW,
    WAYS,
    Size,
    contradictions,
    course,
    lab_for,
    measure,
    moral,
    name_of,
    rows,
    swings,
)

SECONDS = 12.0


def calls(shares: list[float], took_s: float = 0.2, each: int = 20) -> list[Call]:
    """So many calls a period, of which the slow server has these parts."""
    visit = Visit(0.0, ClientHost("h1"), ("10.0.0.100", 80), ("/",))
    return [Call(visit, 1, PERIOD_S * period + 0.01 * number, 0.0, took_s,
                 SLOW if number < round(share * each) else "srv2")
            for period, share in enumerate(shares) for number in range(each)]


def table(*ways: list[Call]) -> list[dict[str, object]]:
    found = {way: [one] for way, one in zip(WAYS, ways, strict=True)}
    return rows(found, SECONDS, dict(zip(WAYS, (240, 0, 0), strict=True)))


def test_only_the_second_half_counts() -> None:
    exact, steered, blind = table(calls([0.2] * 6), calls([0.9, 0.7, 0.5, 0.2, 0.2, 0.2]), calls([0.35] * 6, 2.0))
    assert (exact["share"], steered["share"], blind["share"]) == (0.2, 0.2, 0.35)
    assert (exact["swing"], blind["p95_ms"], exact["packet_ins"]) == (0.0, 2000.0, 240)
    assert contradictions([exact, steered, blind]) == []


@pytest.mark.parametrize(("steered", "words"), [
    ([0.5] * 6, "0.30 off the exact one's"),
    ([0.2, 0.2, 0.2, 0.6, 0.0, 0.1], "swings"),
])
def test_a_loop_that_does_not_settle_is_told(steered: list[float], words: str) -> None:
    found = table(calls([0.2] * 6), calls(steered), calls([0.35] * 6, 2.0))
    assert words in " ".join(contradictions(found))
    assert moral(found).startswith("Otherwise than predicted")


def test_slots_that_help_nobody_are_told() -> None:
    found = table(calls([0.2] * 6), calls([0.2] * 6, 3.0), calls([0.35] * 6, 2.0))
    assert "no sooner" in " ".join(contradictions(found))


def test_the_course_has_a_row_a_period() -> None:
    found = course({way: [calls([0.5, 0.25, 0.0, 0.0, 0.0, 1.0])] for way in WAYS}, SECONDS)
    assert [row["second"] for row in found] == [2, 4, 6, 8, 10, 12]
    assert [row["tracked round-robin"] for row in found] == [0.5, 0.25, 0.0, 0.0, 0.0, 1.0]


def test_a_swing_is_one_where_chance_alone_makes_it() -> None:
    """The shares of 100 connections at even odds have a standard deviation of 0.05; three of them, two degrees."""
    assert swings(calls([0.5] * 3 + [0.45, 0.5, 0.55], each=100), SECONDS) == pytest.approx([1.5, 0, 1.5])


@pytest.mark.live
def test_everybody_is_answered_and_only_reactive_asks() -> None:
    with lab_for() as lab:
        found = measure(lab, Size(seconds=4.0), seed=3)
        assert set(found) == set(WAYS)
        for way, copies in found.items():
            assert len(copies) == COPIES
            for copy, answered in enumerate(copies):
                assert not [call for call in answered if call.error]
                asked = len(lab.events("PacketIn", name_of(way, copy)))
                assert (asked >= len(answered)) if way[0] == "reactive" else asked == 0
