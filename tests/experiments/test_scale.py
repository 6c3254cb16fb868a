"""What `scale` makes of its calls; and one small run, whose invariants must hold however busy the machine is."""

from __future__ import annotations

import doctest

import pytest

from experiments import distribution, prices, scale_claims
from experiments.clients import ClientHost
from experiments.openloop import Call, Visit
from experiments.report.sections import SECTIONS
from experiments.scale import contradictions, latency, limits, moral, power, rounds, rows
from experiments.scale_claims import LIMITED, verdicts
from experiments.scale_lab import (
    BLIND,
    FLOOD_S,
    FLOODED,
    HINDERED,
    KS,
    LIMITS,
    LOOKING,
    MOST,
    STEADY,
    TRIED,
    UP,
    UTILISATION,
    WARM_S,
    Cell,
    Found,
    Size,
    Turn,
    counted,
    delivered,
    lab_for,
    measure,
    on_paper,
    service_of,
    slowness,
    theory,
)

HERE, SECONDS = ClientHost("h1"), 6.0
SPREAD = {UP: 1, HINDERED: 1, BLIND: 2, LOOKING: 4}  # over how many servers
TOOK_S = {UP: 0.1, HINDERED: 0.4, BLIND: 0.2, LOOKING: 0.15}


def call(at_s: float, took_s: float, server: str = "srv1", asks_s: float = 0.05, error: str = "") -> Call:
    visit = Visit(at_s, HERE, ("10.0.0.100", 80), (f"/?sleep={asks_s}",))
    return Call(visit, 1, at_s, 0.001, took_s, "" if error else server, error)


def made(**times: float) -> Found:
    """A run in which every way takes so long, and does in a flood what it was told to be."""
    found = Found(cpu=0.2, busy=0.4, seconds=SECONDS)
    for _ in range(3):
        calls = {cell: [call(0.01 * n, times.get(cell.way, TOOK_S[cell.way]), f"srv{n % SPREAD[cell.way] + 1}")
                        for n in range(400)] for cell in STEADY}
        for cell in FLOODED:
            gap_s = FLOOD_S * slowness(cell) / cell.k
            calls[cell] = [call(n * gap_s, FLOOD_S) for n in range(int(SECONDS / gap_s))]
        found.calls.append(calls)
        found.turns.append([Turn(way, k, 300, 0.5, {"switch": 50.0, "controller": 10.0, "proxy": 0.0, "srv1": 30.0,
                                                    "load": 40.0}) for way, k in LIMITS])
    return found


def test_their_examples() -> None:
    assert doctest.testmod(prices).failed == doctest.testmod(scale_claims).failed == 0


def test_what_is_delivered_is_told_from_what_is_asked() -> None:
    queue = [call(0.05 * n, 0.1 * (n + 1) - 0.05 * n) for n in range(40)]  # asked 20 a second, answers 10
    assert delivered(queue, 2.0) == pytest.approx(10.0)
    assert delivered([call(0.6, 0.1, error="no")] * 5, 2.0) == delivered([], 2.0) == 0.0


def test_only_answers_to_calls_after_the_warm_up_count() -> None:
    early, good, refused = call(WARM_S / 2, 0.1), call(WARM_S, 0.1), call(1.0, 0.1, error="refused")
    assert counted([early, good, refused]) == [good]


def test_a_queue_on_paper_is_first_come_first_served_at_each_server() -> None:
    """Three at once of 0.1 s each: before one worker 0.1, 0.2, 0.3; before two the third waits for the first."""
    three = [call(0.0, 9.0, asks_s=0.1) for _ in range(3)]
    assert list(on_paper(Cell(UP, 1), three).values()) == pytest.approx([0.1, 0.2, 0.3])
    assert list(on_paper(Cell(UP, 2), three).values()) == pytest.approx([0.1, 0.1, 0.2])
    elsewhere = [*three[:2], call(0.0, 9.0, "srv2", asks_s=0.1)]
    assert list(on_paper(Cell(BLIND, 2), elsewhere).values()) == pytest.approx([0.1, 0.2, 0.1])
    hindered = Cell(HINDERED, 2)
    assert list(on_paper(hindered, three[:1]).values()) == pytest.approx([0.1 * slowness(hindered)])
    assert list(on_paper(Cell(UP, 1), [call(0.0, 9.0), call(5.0, 9.0)]).values()) == pytest.approx([0.05, 0.05])


def test_equal_load_is_equal_and_who_hinders_is_told_to() -> None:
    assert [slowness(Cell(UP, k)) for k in KS] == [1.0] * len(KS)
    assert slowness(Cell(HINDERED, MOST)) > 1 / UTILISATION, "so much that at equal load it is asked for too much"
    assert theory(Cell(BLIND, MOST)) == theory(Cell(UP, 1))
    assert theory(Cell(HINDERED, 2)) is None


def test_tables_and_sections_take_what_was_measured() -> None:
    found = made()
    tables = {"scale": rows(found), "scale_power": power(found), "prices": prices.rows(),
              "balancer_limit": limits(found.turns), "scale_latency": latency(found)}
    for name, table in tables.items():
        assert table
        assert SECTIONS[name].read(table).verdict
        for picture in SECTIONS[name].pictures:
            assert picture.draw(table)
    assert [row["workers"] for row in tables["scale"] if row["way"] == UP] == list(KS)
    done = {(row["way"], row["workers"]): (row["power"], row["told"]) for row in tables["scale_power"]}
    assert all(power == pytest.approx(told, rel=0.05) for power, told in done.values())
    assert {row["kind"] for row in tables["scale_latency"]} == {distribution.MEASURED, distribution.THEORY}
    assert {row["way"] for row in tables["balancer_limit"]} == set(LIMITED)
    first = tables["balancer_limit"][0]
    assert (first["connections_per_s"], first["dearest"], first["a_core_of_it_per_s"]) == (600, "switch", 6000)


def test_a_run_that_came_out_otherwise_says_so() -> None:
    assert contradictions(rows(made())) == []
    found = rows(made(**{UP: 0.5}))
    assert len(contradictions(found)) == 1
    assert moral(found).startswith("Otherwise than predicted")


def test_rounds_come_to_what_claims_are_judged_by() -> None:
    one = rounds(made())[0]
    assert one.power[HINDERED] == pytest.approx(MOST / slowness(Cell(HINDERED, MOST)), rel=0.05)
    assert {way: ms for (way, k), ms in one.p95_ms.items() if k == 2} == {
        way: 1000 * took_s for way, took_s in TOOK_S.items()}
    assert one.choices_ms[LOOKING, MOST] < one.choices_ms[BLIND, MOST]
    assert len(verdicts(rounds(made()))) == 11


@pytest.mark.live
def test_every_cell_is_answered_and_every_server_of_a_balancer_serves() -> None:
    with lab_for() as lab:
        found = measure(lab, Size(rounds=1, seconds=1.5, turn_s=0.1), seed=5)
    calls = found.calls[0]
    assert set(calls) == set(TRIED)
    for cell, made_ in calls.items():
        assert not [one for one in made_ if one.error], cell
        if cell.flooded:
            assert len({one.server for one in made_}) == (cell.k if cell.way in (BLIND, LOOKING) else 1), cell
        if not cell.flooded:
            paper = on_paper(cell, made_)
            assert len(paper) == len(made_)
            assert sum(service_of(one) for one in made_) * slowness(cell) <= sum(paper.values())
            assert sum(one.took_s for one in made_) > sum(service_of(one) for one in made_)
    assert {(one.way, one.k) for one in found.turns[0]} == set(LIMITS)
