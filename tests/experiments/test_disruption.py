"""What the table `disruption` says of the events, and that what it counts is real."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from experiments.changes import SCHEMES, STATES, VICTIM, Outcome, Size, State, buckets, labs, measure, share_error
from experiments.disruption import bounds, contradictions, for_people, in_order, maglevs_own_pct, moral, row

EVENTS = [state.event for state in STATES if state.event]
LEAVES = STATES[1]


def outcome(scheme: str = "tracked", state: State = LEAVES, **changed: Any) -> Outcome:
    """40 connections and 5-tuples of each server; by default who can be kept is kept."""
    before = [f"srv{n}" for n in (1, 2, 3, 4) for _ in range(40)]
    after = ["" if state.gone and name == VICTIM else name for name in before]
    again = [name or f"srv{(1, 3, 4)[number % 3]}" for number, name in enumerate(after)]
    asks = 200 if scheme == "reactive" else 0
    return dataclasses.replace(Outcome(scheme, state, before, after, before, again, asks, 0, 12, 0), **changed)


def test_who_dies_with_his_server_was_not_moved() -> None:
    found = row(outcome())
    assert (found["connections"], found["connections_broken"], found["with_their_server"]) == (160, 40, 40)
    assert found["moved_needlessly_pct"] == found["reopened_elsewhere_pct"] == 0.0


def test_whose_server_is_there_was() -> None:
    one = outcome()
    found = row(outcome(after=["", "", *one.after[2:]]))
    assert (found["connections_broken"], found["moved_needlessly_pct"]) == (42, 1.7)  # 2 of 120
    drained = row(outcome(state=State("drained", draining=True), after=one.after))
    assert (drained["with_their_server"], drained["moved_needlessly_pct"]) == (0, 25.0)


def test_5_tuples_count_beyond_the_fewest() -> None:
    """Two that change places come on top of what has to move."""
    one = outcome()
    again = [one.again[-1], *one.again[1:-1], one.again[0]]
    assert row(outcome(again=again))["reopened_elsewhere_pct"] == 1.7  # 2 of 120
    silent = row(outcome(again=["", *one.again[1:]]))
    assert (silent["reopened_elsewhere_pct"], silent["unanswered"]) == (0.0, 1)


def test_shares_are_held_against_the_weights() -> None:
    assert share_error(["srv1"] * 3 + ["srv2"], {"srv1": 1, "srv2": 1}) == 0.25
    assert share_error(["srv1"] * 3 + ["srv2", ""], {"srv1": 3, "srv2": 1, "srv3": 0}) == 0.0
    assert STATES[-1].weights() == {"srv1": 1, "srv2": 3, "srv3": 1, "srv4": 1}


@pytest.mark.parametrize("event", EVENTS)
def test_maglevs_own_table_moves_little_more_than_it_must(event: str) -> None:
    fewest = {"leaves": 0, "comes back": 25, "drained": 25, "re-weighted": 25}[event]
    assert fewest - 1 <= maglevs_own_pct(event) <= fewest + 8


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_predicted_can_be(scheme: str) -> None:
    for event in EVENTS:
        low, high = bounds(scheme, event)
        assert 0 <= low <= high <= 100


@pytest.mark.parametrize(("one", "says"), [
    (outcome(after=["", *outcome().after[1:]]), "tracked, leaves: 0.8 % were moved needlessly, not 0.0 %"),
    (outcome("modulo hash"), "modulo hash, leaves: only 0.0 % were moved needlessly, not 20 % or more"),
    (outcome(after=["srv3", *outcome().after[1:]]), "1 connections were answered by another server"),
    (outcome("reactive", packet_ins=0), "reactive, leaves: 0 packets to the controller"),
    (outcome(packet_ins=2), "tracked, leaves: 2 packets to the controller"),
    (outcome(again=["", *outcome().again[1:]]), "1 new connections had no answer"),
    (outcome(false_alarms=1), "1 servers were taken for dead and weren't"),
])
def test_what_came_out_otherwise_is_said(one: Outcome, says: str) -> None:
    assert any(says in words for words in contradictions([row(one)]))
    assert says in moral([row(one)])


def test_a_run_as_predicted_is_called_so() -> None:
    table = [row(one) for one in in_order([outcome("reactive"), outcome("tracked")])]
    assert [line["scheme"] for line in for_people(table)] == ["tracked", "reactive"]
    assert contradictions(table) == []
    assert moral(table).endswith("tracked 0 %; reactive 0 %.")


@pytest.mark.live
def test_each_scheme_does_what_can_be_said_of_it_for_certain() -> None:
    """Who remembers moves nobody; who watches his ports moves nobody else; no connection ever changes its server."""
    size, found = Size(connections=24, tuples=40), list[Outcome]()
    for lab in labs():
        with lab:
            found += measure(lab, size, seed=5)
            assert buckets(2) == (4 if lab.services[1].name.startswith("select") else 256)
    table = {(one["scheme"], one["event"]): one for one in map(row, found)}
    assert set(table) == {(scheme, event) for scheme in SCHEMES for event in EVENTS}
    for (scheme, event), one in table.items():
        assert one["answered_by_another"] == one["unanswered"] == 0, one
        assert bool(one["packet_ins"]) == (scheme == "reactive"), one
        assert bool(one["tracked"]) == (scheme == "tracked"), one
        if scheme in ("tracked", "reactive") or (scheme, event) == ("select group, dead watch port", "leaves"):
            assert one["moved_needlessly_pct"] == 0, one
    for scheme in SCHEMES:
        again = next(one for one in found if (one.scheme, one.state.event) == (scheme, "leaves")).again
        assert VICTIM not in again, "nobody is sent to a server that is out of reach"
