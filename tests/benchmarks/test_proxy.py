"""The figures of the proxy: what is made of given numbers; and run small, in a capsule. Never a time of its own."""

from __future__ import annotations

import doctest
import json
import os
import time
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import proxy, proxy_figures, proxy_idle, proxy_stage, proxy_words
from benchmarks.catalog import BENCHMARKS
from benchmarks.peers import LOAD, OURS, PEERS
from benchmarks.peers_install import Found, install, is_here
from benchmarks.proxy import Turn, rows
from benchmarks.proxy_figures import FIGURES, WHATS, Figure
from benchmarks.proxy_stage import Cores, Load, Sample, Stage
from benchmarks.proxy_words import busy, contradictions, disturbed, for_people, moral
from layerlab import LabError
from tests.benchmarks.proxy_turns import HERE, given
from topologies import capsule

WANTED = {
    "keep-alive 1 KiB against nginx (all of the above on, access log too)": (0.55, 0.8),
    "keep-alive 1 KiB against proxy.py": (8, 10),
    "keep-alive 1 KiB against mitmproxy": (20, 30),
    "keep-alive 1 KiB against aiohttp": (3, 4),
    "TLS keep-alive against nginx": (0.55, 0.75),
    "cache hit against nginx": (1.3, 2),
    "1 MiB bodies against nginx": (1.0, 1.5),
    "p99 at half of its maximum rate against nginx": (2, 1.2),
    "KiB per idle keep-alive connection, at 10,000": (None, 8),
}


def of(table: list[dict[str, Any]], label: str) -> dict[str, Any]:
    return next(row for row in table if row["figure"] == label)


def test_the_figures_are_the_ones_that_are_asked_for() -> None:
    assert {figure.label: (figure.must, figure.aim) for figure in FIGURES if figure.aim is not None} == WANTED
    assert {figure.label for figure in FIGURES if figure.at_most and figure.aim} == {
        "p99 at half of its maximum rate against nginx", "KiB per idle keep-alive connection, at 10,000"}
    for figure in FIGURES:
        assert figure.what in WHATS
        assert figure.against in HERE
        assert set(figure.names) == {OURS, figure.against}
    assert len({figure.label for figure in FIGURES}) == len(FIGURES)


@pytest.mark.parametrize("figure", [one for one in FIGURES if one.must], ids=lambda figure: figure.label)
def test_a_limit_is_reached_at_the_limit_and_missed_beyond(figure: Figure) -> None:
    better, worse = (0.99, 1.01) if figure.at_most else (1.01, 0.99)
    for limit in (figure.must, figure.aim):
        assert limit is not None
        assert figure.met(limit, limit)
        assert figure.met(limit * better, limit)
        assert not figure.met(limit * worse, limit)
        assert not figure.met(nan, limit)
        assert not figure.met(None, limit), "what was not measured reaches nothing"
    assert figure.met(figure.aim, figure.must), "what is aimed at is more than what must be"
    assert figure.met(inf, figure.must) is not figure.at_most


def test_what_is_only_reported_is_reached_by_being_there() -> None:
    figure = next(one for one in FIGURES if one.what == "idle")
    assert figure.bound == "report"
    assert figure.met(100.0, figure.must)
    assert not figure.met(100.0, figure.aim)
    assert not figure.met(None, figure.must)


def test_a_ratio_is_taken_within_a_round_and_the_median_decides() -> None:
    """A machine that is half as fast in one round changes no ratio."""
    row = given(keep_alive=(0.50, 0.56, 0.90))[0]
    assert [row[column] for column in ("median", "low", "high", "rounds", "met", "aim_met", "busy", "peer_busy")] \
        == [0.56, 0.5, 0.9, 3, True, False, 1.0, 0.8]
    assert row["peer"] == 900, "the median of 1000, 500 and 900"
    assert not given(keep_alive=(0.50, 0.54, 0.90))[0]["met"]


def test_the_idle_figure_is_no_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    row = of(given(idle=(0.009, 0.009, 0.01)), "KiB per idle keep-alive connection, at 10,000")
    assert (row["median"], row["peer"], row["met"], row["aim_met"]) == (9.0, None, True, False)


def test_a_peer_that_is_not_here_has_rows_that_say_why_and_no_number() -> None:
    why_not = "not installed: no network"
    table = given({**HERE, "mitmproxy": Found(PEERS["mitmproxy"], why_not=why_not)})
    assert [row["figure"] for row in table] == [figure.label for figure in FIGURES], "no row is left out"
    row = of(table, "keep-alive 1 KiB against mitmproxy")
    assert row["why_not"] == why_not
    assert [row[column] for column in ("median", "low", "high", "own", "peer", "met", "aim_met")] == [None] * 7
    assert set(row) == set(table[0])
    assert "Not measured: keep-alive 1 KiB against mitmproxy (not installed: no network)." in moral(table)
    assert next(one for one in for_people(table) if "mitmproxy" in one["figure"])["median"] == why_not
    assert json.loads(json.dumps(table, allow_nan=False)) == table


def test_what_is_not_here_is_not_waited_for() -> None:
    found = {**HERE, "nginx": Found(PEERS["nginx"], why_not="not installed: x")}
    needed = proxy.wanted(FIGURES, found)
    assert set(needed["keep-alive"]) == {OURS, *PEERS} - {"nginx"}
    assert needed["bodies"] == [OURS]


def test_files_that_may_not_be_open_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "most_open", lambda: 1024)
    assert "idle" not in proxy.wanted(FIGURES, HERE)
    assert proxy.obstacle("idle") == "this system lets a program have only 1,024 files open"
    assert proxy.obstacle("keep-alive") == ""


def test_a_run_as_predicted_says_so_and_any_other_says_what_was_missed() -> None:
    fine = given(keep_alive=(31.0,) * 3, idle=(0.004,) * 3, latency=(1.1,) * 3)
    assert contradictions(fine) == []
    assert moral(fine).startswith("Of 9 figures 9 reach what they must, 9 what is aimed at.")
    assert [row["reached"] for row in for_people(fine)] == ["aim"] * 9 + [""] * (len(fine) - 9)
    missed = given(keep_alive=(31.0,) * 3, latency=(2.5, 2.5, 2.6))
    assert contradictions(missed) == ["p99 at half of its maximum rate against nginx was 2.50 (2.50 to 2.60), where at "
                                      "most 2 is a must"]
    assert moral(missed).startswith("Otherwise than predicted: p99")


def test_who_was_not_busy_is_said() -> None:
    assert "nginx 80%" in busy(given())
    assert busy([row | {"peer_busy": 0.99} for row in given()]) == ""


def test_a_machine_that_was_not_ours_alone_is_said() -> None:
    assert disturbed([0.0, 0.01, 0.9]) == "", "one turn is what the median is for"
    assert "for 40% of a turn (median; up to 90%)" in disturbed([0.1, 0.4, 0.9])


def test_a_process_has_used_what_it_says_itself() -> None:
    before_s, own_s = proxy_stage.cpu_s(os.getpid()), time.process_time()
    sum(range(1_000_000))
    own_s = time.process_time() - own_s  # read in between the others, so never more
    used_s = proxy_stage.cpu_s(os.getpid()) - before_s
    assert 0 < own_s < used_s + 1e-6
    with pytest.raises(OSError, match="Invalid argument"):
        proxy_stage.cpu_s(2**22 + 1)  # above any pid (proc(5), pid_max)


def test_a_sample_is_counted_by_cpu_time() -> None:
    sample = Sample(Load(3000, 2.0), 0.5)
    assert (sample.per_cpu_second, sample.per_second, sample.busy) == (6000, 1500, 0.25)


@pytest.mark.parametrize(("said", "load"), [
    ("  98034 requests in 3.10s, 109.76MB read\n", Load(98034, 3.1)),
    ("  7 requests in 1.02m, 1MB read\n  Non-2xx or 3xx responses: 5\n", Load(7, 61.2, bad=5)),
    ("  Socket errors: connect 1, read 2, write 3, timeout 4\n  9 requests in 2.00s, 1KB read\n",
     Load(9, 2.0, broken=10)),
])
def test_what_wrk_says_is_read(said: str, load: Load) -> None:
    found = proxy_stage.read(said)
    assert (found.requests, found.bad, found.broken) == (load.requests, load.bad, load.broken)
    assert found.seconds == pytest.approx(load.seconds)


def test_anything_else_that_wrk_says_is_an_error() -> None:
    with pytest.raises(LabError, match="unable to connect"):
        proxy_stage.read("unable to connect to 127.0.0.1:8080 Connection refused\n")


def test_with_one_core_the_proxy_is_not_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for usable, cores in {(0,): Cores(0, (0,)), (0, 1): Cores(1, (0,)), (2, 3, 5): Cores(5, (2, 3))}.items():
        monkeypatch.setattr("os.sched_getaffinity", lambda pid, usable=usable: set(usable))
        assert proxy_stage.cores() == cores
        assert proxy_stage.cores().alone is (len(usable) > 1)


def test_the_examples_hold() -> None:
    for module in (proxy_figures, proxy_idle, proxy_stage, proxy_words):
        assert doctest.testmod(module).failed == 0
    assert BENCHMARKS["proxy"].parts() == (proxy.part,)


@pytest.fixture
def found() -> dict[str, Found]:
    """nginx and wrk, where they are here: a test installs nothing."""
    there = install([peer for peer in (PEERS["nginx"], LOAD) if is_here(peer)])
    if len(there) < 2:
        pytest.skip("nginx and wrk are not here")
    return {**{name: Found(peer, why_not="not installed: left out") for name, peer in PEERS.items()}, **there}


def test_a_peer_that_fails_says_so_and_ours_is_a_figure_missed() -> None:
    turns = [Turn("bodies", OURS, 1.0), Turn("bodies", "nginx", nan, error="nginx failed: x"),
             Turn("tls", OURS, nan, error="lab-proxy failed: y"), Turn("tls", "nginx", 1.0)]
    table = rows(turns, HERE)
    theirs, ours = of(table, "1 MiB bodies against nginx"), of(table, "TLS keep-alive against nginx")
    assert (theirs["why_not"], theirs["median"], theirs["met"]) == ("nginx failed: x", None, None)
    assert (ours["why_not"], ours["median"], ours["met"]) == ("lab-proxy failed: y", None, False)
    assert contradictions(table) == ["TLS keep-alive against nginx: lab-proxy failed: y"]
    assert "1 MiB bodies against nginx (nginx failed: x)" in moral(table)
    assert json.loads(json.dumps(table, allow_nan=False)) == table


def test_what_has_failed_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fail(stage: Stage, what: str, name: str, size: proxy.Size) -> Turn:
        tried.append((what, name))
        if (what, name) == ("tls", "nginx"):
            raise LabError("it has ended", "it to run")
        return Turn(what, name, 1.0)

    monkeypatch.setattr(proxy, "TURNS", dict.fromkeys(WHATS, fail))
    stage = SimpleNamespace(found=HERE)
    turns = proxy.measure(stage, proxy.Size(rounds=3), seed=1)  # type: ignore[arg-type]
    assert len(turns) == len(tried)
    assert tried.count(("tls", "nginx")) == 1
    assert tried.count(("tls", OURS)) == tried.count(("bodies", "nginx")) == 3


@pytest.mark.live
def test_a_small_run_has_every_figure(found: dict[str, Found], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_idle, "CONNECTIONS", 250)
    with Stage(capsule.LAB / "proxy", found) as stage:
        table = rows(proxy.measure(stage, proxy.Size(rounds=1, seconds=1), seed=1), stage.found)
    assert [row["figure"] for row in table] == [figure.label for figure in FIGURES]
    for figure, row in zip(FIGURES, table, strict=True):
        if found[figure.against].why_not if figure.against != OURS else False:
            assert (row["median"], row["why_not"]) == (None, "not installed: left out")
        elif figure.what != "idle":  # so few take nothing of nginx
            assert row["why_not"] == ""
            assert 0 < row["low"] <= row["median"] <= row["high"]
    assert json.loads(json.dumps(table, allow_nan=False)) == table


@pytest.mark.live
def test_a_proxys_cpu_time_is_its_workers_too(found: dict[str, Found]) -> None:
    with Stage(capsule.LAB / "proxy", found) as stage, stage.proxy("nginx") as running:
        assert len(running.pids()) == 2, "nginx has a master, which does nothing, and a worker"
        before_s = running.cpu_s()
        sample = running.under_load("/", 4, 1)
        assert sample.load.requests > 100
        assert sample.cpu_s > 0
        assert running.cpu_s() >= before_s + sample.cpu_s

