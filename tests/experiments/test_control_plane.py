"""What the two tables say of the load and of a dead controller, and that what they count is real."""

from __future__ import annotations

from typing import Any

import pytest

from experiments import stranded
from experiments.clients import ClientHost
from experiments.control_plane import contradictions, for_people, in_order, measure, moral, row
from experiments.openloop import Call, Visit
from experiments.stranded import REALISATIONS, STAGES, lab_for
from tests.experiments.report import rows as made

VISIT = Visit(0.0, ClientHost("h1"), ("10.0.0.100", 80), ("/",))


def test_only_answered_connections_have_a_time() -> None:
    calls = [Call(VISIT, 1, 0.0, 0.001, took_s, "srv1") for took_s in (0.01, 0.02, 0.03)]
    found = row("hashed", 4, [*calls, Call(VISIT, 1, 0.0, 0.5, 3.0, error="no answer")], 2.0)
    assert (found["connections"], found["answered"], found["answered_per_s"]) == (4, 3, 2)
    assert (found["first_answer_p50_ms"], found["first_answer_p99_ms"], found["late_p99_ms"]) == (20.0, 30.0, 500.0)
    nobody = row("reactive", 4, [Call(VISIT, 1, 0.0, 0.0, 3.0, error="no answer")], 2.0)
    assert (nobody["answered"], nobody["first_answer_p50_ms"]) == (0, None)


def test_rows_come_realisation_by_realisation_as_the_load_grows() -> None:
    found = in_order(list(reversed(made.control_plane())))
    assert found == made.control_plane()
    assert [line["offered/s"] for line in for_people(found)] == [50, 800] * 3


@pytest.mark.parametrize(("number", "cells", "says"), [
    (0, {"packet_ins": 149}, "reactive at 50/s sent 149 packets to the controller, of 150 connections"),
    (2, {"packet_ins": 1}, "hashed at 50/s sent 1 packets to the controller"),
    (1, {"controller_cpu_pct": 1.0}, "reactive's controller was not busier"),
])
def test_a_load_that_came_out_otherwise_is_said(number: int, cells: dict[str, Any], says: str) -> None:
    assert contradictions(made.control_plane()) == []
    table = made.control_plane()
    table[number] |= cells
    (wrong,) = contradictions(table)
    assert says in wrong
    assert wrong in moral(table)


@pytest.mark.parametrize(("number", "cells", "says"), [
    (3, {"new_answered": 1}, "reactive, controller killed: 1 of 40 new connections were answered"),
    (4, {"new_answered": 39}, "hashed, controller killed: 39 of 40 new connections were answered"),
    (7, {"new_answered": 40}, "hashed, and a server dies: 40 of 40 new connections were answered"),
    (11, {"kept": 39}, "tracked, controller again: 39 of 40 open connections went on"),
])
def test_a_stage_that_came_out_otherwise_is_said(number: int, cells: dict[str, Any], says: str) -> None:
    assert stranded.contradictions(made.without_controller()) == []
    table = made.without_controller()
    table[number] |= cells
    assert stranded.contradictions(table) == [says]
    assert says in stranded.moral(table)


@pytest.mark.live
def test_only_reactive_asks_for_each_connection() -> None:
    with lab_for("test") as lab:
        found = list(measure(lab, (20,), 0.5, seed=2))
    assert {one["realisation"] for one in found} == set(REALISATIONS)
    for one in found:
        assert one["connections"] == one["answered"] == 10
        assert (one["packet_ins"] >= 10) if one["realisation"] == "reactive" else (one["packet_ins"] == 0), one


@pytest.mark.live
def test_without_a_controller_only_reactive_answers_nobody() -> None:
    with lab_for("test") as lab:
        found = list(stranded.measure(lab, 24, seed=3))
    assert [(one["stage"], one["realisation"]) for one in found] == [
        (stage, name) for stage in STAGES for name in REALISATIONS]
    assert stranded.contradictions(found) == []
