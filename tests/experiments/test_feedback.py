"""What `feedback` makes of its calls; the algorithm that it takes at its word; and one small run."""

from __future__ import annotations

import pytest

from balancing import Pool, Service
from experiments.clients import ClientHost
from experiments.feedback import contradictions, course, latency, moral, rounds, rows
from experiments.feedback_lab import (
    CHANGED,
    FRESH,
    PERIOD_S,
    REPLICAS,
    SLOW,
    STALE,
    STEADY,
    WARM_S,
    WAYS,
    WEIGHTS,
    WORKERS,
    Found,
    Size,
    lab_for,
    measure,
    of_phase,
    shares,
    swing,
)
from experiments.openloop import Call, Visit
from experiments.quickest import Quickest
from experiments.report.sections import SECTIONS
from experiments.services import service

HERE, SECONDS = ClientHost("h1"), 4.0
EVEN = [SLOW, "srv2", SLOW, "srv1", SLOW, "srv2", SLOW]  # as weights 1:2:4 have it


def call(at_s: float, took_s: float = 0.1, server: str = SLOW) -> Call:
    return Call(Visit(at_s, HERE, ("10.0.0.100", 80), ("/",)), 1, at_s, 0.001, took_s, server, "" if server else "late")


def calls(steady_s: float, changed_s: float, servers: list[str]) -> list[Call]:
    """140 calls in each phase, the servers by turns."""
    return [call(SECONDS * (phase + n / 140), took_s, servers[n % len(servers)])
            for phase, took_s in enumerate((steady_s, changed_s)) for n in range(140)]


HERD = [SLOW] * 10 + ["srv1"] * 10


def made(fresh_s: tuple[float, float] = (0.3, 0.8), fresh: list[str] = HERD) -> Found:
    one = {way.name: calls(0.12, 0.5, EVEN) for way in WAYS}
    one[WEIGHTS.name] = calls(0.1, 1.5, EVEN)
    one[FRESH.name] = calls(*fresh_s, fresh)
    one[STALE.name] = calls(2.0, 2.5, [SLOW] * 35 + ["srv1"] * 35)
    return Found(SECONDS, [one] * 6, 0.2, 0.4)


def test_a_phase_leaves_out_its_edges_and_keeps_who_gave_up() -> None:
    found = [call(0.0), call(WARM_S), call(SECONDS - 0.01), call(SECONDS), call(SECONDS + 1, 3.0, "")]
    assert [one.at_s for one in of_phase(found, STEADY, SECONDS)] == [WARM_S]
    assert [one.at_s for one in of_phase(found, CHANGED, SECONDS)] == [SECONDS, SECONDS + 1]


def test_a_herd_swings_and_turns_do_not() -> None:
    turns, herd = (calls(0.1, 0.1, servers) for servers in (EVEN, [SLOW] * 35 + ["srv1"] * 35))
    assert shares(herd, 0.0, 2 * PERIOD_S) == [1.0, 1.0]
    assert swing(turns, 0.0, SECONDS) < 0.5
    assert swing(herd, 0.0, SECONDS) > 2


def test_who_stays_away_for_good_swings_too() -> None:
    assert swing(calls(0.1, 0.1, ["srv1"]), 0.0, SECONDS) > 2


def test_the_quickest_takes_all_until_a_test_says_otherwise() -> None:
    made_: Service = service("l7", servers=3)
    pool = Pool(made_)
    pool.algorithm = Quickest(pool)
    one, two, three = pool.servers.values()
    for number, (server, took_s) in enumerate(((one, 0.02), (two, 0.01), (three, 0.03))):
        pool.passed(server, float(number), took_s)
    assert {pool.algorithm.choose(None) for _ in range(9)} == {two}  # type: ignore[arg-type]
    pool.passed(two, 1000.0, 0.5)
    assert {pool.algorithm.choose(None) for _ in range(9)} == {one}  # type: ignore[arg-type]


def test_tables_and_sections_take_what_was_measured() -> None:
    tables = {"feedback": rows(made()), "feedback_course": course(made()), "feedback_latency": latency(made())}
    for name, table in tables.items():
        assert table
        assert SECTIONS[name].read(table).verdict
        for picture in SECTIONS[name].pictures:
            assert picture.draw(table)
    assert [row["slow"] for row in tables["feedback_course"]].index(True) == SECONDS / PERIOD_S
    by_weight = [row["share"] for row in tables["feedback"] if row["way"] == WEIGHTS.name]
    assert by_weight == pytest.approx([4 / 7] * 2, abs=0.01)


@pytest.mark.parametrize(("found", "words"), [
    (made((0.05, 0.8)), "steady, tests alone were no worse"), (made((0.3, 1.9)), "no better than wrong weights"),
    (made((0.3, 2.6)), "stale tests were no worse"), (made(fresh=EVEN), "made no herd"),
])
def test_a_run_that_came_out_otherwise_says_so(found: Found, words: str) -> None:
    assert contradictions(rows(made())) == []
    assert words in " ".join(contradictions(rows(found)))
    assert moral(rows(found)).startswith("Otherwise than predicted")


def test_a_repetition_comes_to_what_claims_are_judged_by() -> None:
    one = rounds(made())[0]
    assert (one.p95_ms[WEIGHTS, STEADY], one.p95_ms[FRESH, CHANGED]) == (100.0, 800.0)
    assert one.swing[WEIGHTS] < one.swing[FRESH]


@pytest.mark.live
def test_every_way_gets_the_same_sessions_and_weights_are_kept() -> None:
    with lab_for() as lab:
        found = measure(lab, Size(rounds=1, seconds=1.0), seed=3)
    assert len(found.calls) == REPLICAS
    for one in found.calls:
        assert set(one) == {way.name for way in WAYS}
        assert len({tuple(sorted(call.at_s for call in calls)) for calls in one.values()}) == 1
        served = [call.server for call in one[WEIGHTS.name]]
        turns = len(served) / sum(WORKERS)
        for number, workers in enumerate(WORKERS, start=1):
            off = abs(served.count(f"srv{number}") - turns * workers)
            assert off <= workers + served.count(""), "of so many turns one round at most, and those who gave up"
