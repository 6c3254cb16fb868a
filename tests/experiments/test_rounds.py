"""The rounds of `algorithms`: services that don't stand in each other's way, and traffic that is real."""

from __future__ import annotations

import pytest

from balancing import ALGORITHMS, LAYERS, check_services
from experiments.clients import ClientHost
from experiments.openloop import Call, Visit
from experiments.rounds import (
    CASES,
    CELLS,
    COPIED,
    EQUAL,
    FULL,
    HEAVY,
    TURNING,
    UNEQUAL,
    Cell,
    Size,
    lab_for,
    measure,
    services,
)
from experiments.sessions import Traffic
from layerlab import LabError


def call(took_s: float, server: str = "srv1", number: int = 1, error: str = "") -> Call:
    visit = Visit(0.0, ClientHost("h1"), ("10.0.0.100", 80), ("/",))
    return Call(visit, number, 0.0, 0.001, took_s, server, error)


def test_every_algorithm_is_at_every_layer_with_a_port_of_its_own_and_weights_where_servers_differ() -> None:
    found = check_services(services())
    assert {(one.layer, one.algorithm, one.backends[2].weight) for one in found} == {
        (layer, algorithm, weight) for layer in LAYERS for algorithm in ALGORITHMS for weight in (1, 4)}
    copies = [one.name for one in found if "copy" in one.name]
    assert len(copies) == FULL.copies * 5, "two rivals at L4, three at L7"
    ports = [{one.port, *(one.port_of(backend) for backend in one.backends)} for one in found]
    assert len(set.union(*ports)) == len(found) == len(ports), "one port each, the same for clients and on every server"
    assert {one.algorithm for one in found if one.health} == {"least-response-time"}


def test_cases_bring_about_as_many_sessions_and_as_much_work() -> None:
    """Or the machine would be busier with one of them than with another."""
    traffic = [Traffic(case.busy, sum(case.workers), case.service_s, 60.0, 40, case.lengths) for case in CASES]
    assert max(one.sessions for one in traffic) < 1.15 * min(one.sessions for one in traffic)


def test_a_cell_counts_what_was_answered_and_what_was_not() -> None:
    cell = Cell()
    cell.add([call(0.1), call(0.2, "srv2", number=2), call(9.0, "", error="no answer")])
    cell.add([call(0.3)])
    assert (cell.took_s, cell.failed, cell.share) == ([[0.1, 0.2], [0.3]], 1, {"srv1": 2, "srv2": 1})
    assert cell.late_s == [0.001] * 3, "of sessions, not of requests"
    with pytest.raises(LabError, match="no answer"):
        cell.add([call(9.0, "", error="no answer")])


@pytest.mark.live
def test_every_cell_has_real_traffic_and_decides_about_its_layer_s_units() -> None:
    size = Size(rounds=1, seconds=0.9, pace=1.0, copies=1)  # of weighted round robin a whole turn: 7 sessions
    with lab_for(size) as lab:
        found = measure(lab, size, seed=1)
    assert set(found.cells) == {(case.name, *cell) for case in CASES for cell in CELLS}
    for (case, layer, algorithm), cell in found.cells.items():
        sessions, answered, where = len(cell.late_s), cell.share.total(), (case, layer, algorithm, cell)
        assert cell.failed == 0, where
        assert answered == len(cell.took_s[0]) >= sessions > 0, where
        assert set(cell.share) <= {"srv1", "srv2", "srv3"}, where
        least, most = {"l4": (sessions, sessions), "l7": (answered, answered)}.get(layer, (1, sessions))
        assert least <= cell.units <= most, where
    assert set(found.copies) == {(case, *cell) for case, cells in COPIED.items() for cell in cells}
    assert len({len(cell.late_s) for (case, *_), cell in found.copies.items() if case == HEAVY.name}) == 1
    assert set(found.cpu) == set(found.busy) == {case.name for case in CASES}
    turns = found.cells[EQUAL.name, "l4", "round-robin"].share.values()
    assert max(turns) - min(turns) <= 1, "each in turn"
    shares = found.cells[UNEQUAL.name, "l7", "weighted-round-robin"].share
    assert shares == {"srv1": 1, "srv2": 2, "srv3": 4}
    assert len(found.cells[HEAVY.name, "l7", "random"].took_s[0]) > len(found.cells[HEAVY.name, "l7", "random"].late_s)
    assert TURNING.turns_slow
