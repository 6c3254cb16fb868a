"""What the tables `algorithms` and `best` say of the rounds, and of predictions that failed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from balancing import ALGORITHMS, LAYERS
from experiments.algorithms import (
    best,
    best_for_people,
    contradictions,
    for_people,
    moral,
    moral_of_best,
    not_as_said,
    rows,
    strain,
)
from experiments.rounds import CASES, CELLS, Cell, Found

SHARES = {"capacities 1:2:4": Counter(srv1=10, srv2=20, srv3=40)}


def found(**p95_ms: float) -> Found:
    """A run in which every request of a cell took as long: 100 ms, but for those named as case_layer_algorithm."""
    run = Found(cpu={case.name: 0.5 for case in CASES}, busy={case.name: 0.6 for case in CASES})
    for case in CASES:
        for layer, algorithm in CELLS:
            key = f"{case.name.split()[0]}_{layer}_{algorithm}".replace("-", "_")
            took_s = [[p95_ms.get(key, 100.0) / 1000] * 20] * 3
            share = SHARES.get(case.name, Counter(srv1=20, srv2=20, srv3=20))
            run.cells[case.name, layer, algorithm] = Cell(took_s, [0.004] * 30, share, units=30)
    return run


def usual(**p95_ms: float) -> Found:
    """As predicted: round robin far behind where servers differ or one turns slow, and behind L7 with long sessions."""
    behind = {f"{case}_{layer}_round_robin": 300.0 for case in ("capacities", "one") for layer in LAYERS}
    return found(**behind | {"heavy_tailed_l4_round_robin": 200.0} | p95_ms)


def test_every_cell_has_a_row_and_evenness_is_judged_by_capacity() -> None:
    table = rows(usual())
    assert len(table) == len(CASES) * len(LAYERS) * len(ALGORITHMS)
    assert {row["jain"] for row in table} == {1.0}
    row: dict[str, Any] = table[0]
    assert (row["rounds"], row["sessions"], row["requests"], row["units"]) == (3, 30, 60, 30)
    assert (row["p50_ms"], row["p99_ms"], row["late_p99_ms"]) == (100.0, 100.0, 4.0)
    assert (row["cpu"], row["machine_busy"]) == (0.5, 0.6)


def test_a_run_as_predicted_is_called_so() -> None:
    run = usual()
    assert not not_as_said(rows(run))
    assert not contradictions(best(run))
    assert "therwise" not in moral(rows(run)) + moral_of_best(best(run))
    assert "L4 200 ms, L7 100 ms" in moral(rows(run))
    assert "capacities 1:2:4 3.00 to 3.00" in moral_of_best(best(run))


@pytest.mark.parametrize(("changed", "says"), [
    ({"equal_l4_round_robin": 140.0}, "equal servers, L4: round-robin was far behind in every round, 1.40 times the "
     "best"),
    ({"capacities_l2_round_robin": 100.0}, "capacities 1:2:4, L2: round-robin was not behind in every round"),
    ({"one_l7_round_robin": 100.0}, "one turns slow, L7: round-robin was not behind in any round"),
])
def test_what_came_out_otherwise_is_said(changed: dict[str, float], says: str) -> None:
    assert contradictions(best(usual(**changed))) == [says]
    assert says in moral_of_best(best(usual(**changed)))


def test_of_a_slow_server_nothing_is_predicted_where_a_unit_is_a_host() -> None:
    assert not contradictions(best(usual(one_l2_round_robin=100.0, one_l3_round_robin=100.0)))


def test_long_sessions_that_l7_does_not_help_and_failures_are_said() -> None:
    run = usual(heavy_tailed_l7_round_robin=250.0)
    run.cells[CASES[0].name, "l2", "random"].failed = 3
    run.cells[CASES[1].name, "l2", "random"].took_s *= 2
    run.cells[CASES[1].name, "l2", "random"].failed = 1  # of more than a hundred: tolerable
    assert not_as_said(rows(run)) == ["3 requests failed in 'equal servers' at L2 with random",
                                      "with heavy-tailed sessions round-robin was no quicker at L7 than at L4"]


def test_tests_that_don_t_see_a_slow_program_at_l7_are_said_and_below_it_they_need_not() -> None:
    run = usual()
    for layer, slow_ms in (("l4", 0.5), ("l7", 12.0)):
        run.tests_ms["one turns slow", layer, "least-response-time"] = [
            {"srv1": slow_ms, "srv2": 0.5, "srv3": 0.5}, {"srv1": slow_ms, "srv2": 0.5, "srv3": 0.5},
            {"srv1": 0.1, "srv2": 0.5, "srv3": 0.5}]
    assert not not_as_said(rows(run))
    assert "(3 times): L4 1.0, L7 24.0" in moral(rows(run))
    run.tests_ms["one turns slow", "l7", "least-response-time"] = [{"srv1": 0.6, "srv2": 0.5, "srv3": 0.5}]
    assert not_as_said(rows(run)) == ["tests at L7 did not see which server had turned slow"]
    run.tests_ms["one turns slow", "l7", "least-response-time"][0]["srv2"] = None
    assert not not_as_said(rows(run)), "not measured"


def test_a_machine_that_was_too_busy_is_not_trusted() -> None:
    run = usual()
    assert "was not what was measured: the lab used at most 50 % of the machine, which was at most 60 % busy" in strain(
        rows(run))
    run.busy[CASES[1].name] = 0.97
    assert strain(rows(run)).startswith("Not to be trusted")
    late = usual()
    late.cells[CASES[0].name, "l2", "random"].late_s = [0.1] * 30
    assert "within 100 ms of their time" in strain(rows(late))
    assert strain(rows(late)).startswith("Not to be trusted")


def test_tables_for_people_hold_the_same_figures() -> None:
    run = usual(heavy_tailed_l4_maglev=500.0)
    (row,) = [row for row in for_people(rows(run)) if (row["case"], row["algorithm"]) == (CASES[2].name, "maglev")]
    assert (row["p95 ms, L4"], row["p95 ms, L7"]) == (500, 100)
    assert {row["winner"] for row in best_for_people(best(run))} == {"no clear winner"}
    clear = best(usual(**{f"equal_l2_{name}".replace("-", "_"): 110.0 for name in ALGORITHMS if name != "maglev"}))
    assert (clear[0]["winner"], best_for_people(clear)[0]["by"]) == ("maglev", "1.10 (1.10 to 1.10)")
