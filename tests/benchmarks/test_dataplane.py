"""The figures of the data plane: what is made of given numbers; and run small, in a lab. Never a time of its own."""

from __future__ import annotations

import doctest
import json
from math import inf, nan

import pytest

from benchmarks import dataplane, dataplane_words, figures, paths
from benchmarks import growth as growing
from benchmarks.catalog import BENCHMARKS
from benchmarks.dataplane_words import contradictions, flattered, for_people, moral
from benchmarks.figures import FIGURES
from benchmarks.growth_words import contradictions as growth_contradictions
from benchmarks.growth_words import moral as growth_moral
from benchmarks.growth_words import series
from benchmarks.paths import Sample, by_cpu
from tests.benchmarks import turns

WANTED = {
    "hashed new connections/s": (0.85, 0.95),
    "tracked new connections/s": (0.68, 0.85),
    "reactive new connections/s (Ryu)": (0.11, 0.20),
    "hashed throughput of long flows": (0.92, 0.98),
    "tracked throughput of long flows": (0.90, 0.97),
    "hashed connect latency p50, one at a time": (1.3, 1.1),
    "tracked connect latency p50, one at a time": (1.4, 1.2),
}


def test_the_figures_are_the_ones_that_are_asked_for() -> None:
    assert {figure.label: (figure.must, figure.aim) for figure in FIGURES} == WANTED
    assert all(figure.at_most == ("latency" in figure.label) for figure in FIGURES)
    assert all(figure.label.startswith(figure.pipeline) for figure in FIGURES)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.label)
def test_a_limit_is_reached_at_the_limit_and_missed_beyond(figure: figures.Figure) -> None:
    better, worse = (0.99, 1.01) if figure.at_most else (1.01, 0.99)
    for limit in (figure.must, figure.aim):
        assert figure.met(limit, limit)
        assert figure.met(limit * better, limit)
        assert not figure.met(limit * worse, limit)
        assert not figure.met(nan, limit), "what is no number reaches nothing"
    assert figure.met(figure.aim, figure.must), "what is aimed at is more than what must be"
    assert figure.met(0.0, figure.must) is figure.at_most
    assert figure.met(inf, figure.must) is not figure.at_most


def test_a_ratio_is_taken_within_a_round_and_the_median_decides() -> None:
    """A machine that is half as fast in one round changes no ratio."""
    table = turns.dataplane(hashed_connections=(0.80, 0.86, 0.99))
    row = table[0]
    assert [row[column] for column in ("figure", "median", "low", "high", "rounds", "must", "aim", "met", "aim_met")] \
        == ["hashed new connections/s", 0.86, 0.8, 0.99, 3, 0.85, 0.95, True, False]
    assert row["plain"] == 900, "the median of 1000, 500 and 900"
    assert [found["figure"] for found in table] == list(WANTED)
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert not turns.dataplane(hashed_connections=(0.80, 0.84, 0.99))[0]["met"]


def test_latency_is_better_the_less_it_is() -> None:
    row = turns.dataplane(tracked_latency=(1.1, 1.39, 9.0))[-1]
    assert (row["median"], row["met"], row["aim_met"], row["bound"]) == (1.39, True, False, "at most")
    assert not turns.dataplane(tracked_latency=(1.1, 1.41, 9.0))[-1]["met"]


def test_what_the_switch_had_is_said() -> None:
    row = turns.dataplane(hashed_connections=(0.9, 0.9, 0.9))[0]
    assert (row["plain_switch_share"], row["switch_share"]) == (0.4, 0.5)
    assert row["by_cpu"] == pytest.approx((900 / 300) / (2000 / 400), abs=1e-3)
    assert "hashed new connections/s 40% and 50%, by its CPU alone 0.60" in flattered([row])
    assert flattered([row | {"by_cpu": None}]) == ""
    assert moral(turns.dataplane())


@pytest.mark.parametrize(("own", "plain"), [
    (Sample(1, 5), Sample(1, 5)), (Sample(1, 5, {"switch": 0.0}), Sample(1, 5, {"switch": 9.0})),
    (Sample(1, 5, {"switch": 9.0}), Sample(1, 0, {"switch": 9.0})), (Sample(1, 5, {"load": 9.0}), Sample(1, 5)),
])
def test_where_too_little_was_counted_there_is_no_figure(own: Sample, plain: Sample) -> None:
    assert by_cpu(own, plain) is None


def test_samples_add_up() -> None:
    both = Sample(1, 10, {"switch": 5.0}) + Sample(3, 10, {"switch": 1.0, "load": 2.0})
    assert both == Sample(4, 20, {"switch": 6.0, "load": 2.0})
    assert both.per_second == 5
    assert both.switch_share == 0.75
    assert Sample(1, 1).switch_share is None


def test_a_run_as_predicted_says_so_and_any_other_says_what_was_missed() -> None:
    table = turns.dataplane()
    assert contradictions(table) == []
    assert moral(table).startswith("Of 7 figures 7 reach what they must, 7 what is aimed at.")
    assert [row["reached"] for row in for_people(table)] == ["aim"] * 7
    missed = turns.dataplane(asked=12, tracked_throughput=(0.5, 0.6, 0.7))
    assert contradictions(missed) == [
        "tracked throughput of long flows was 0.60 (0.50 to 0.70), where at least 0.90 is a must",
        "hashed sent 12 packets to the controller"]
    assert moral(missed).startswith("Otherwise than predicted: tracked throughput")
    assert "Of 7 figures 6 reach what they must" in moral(missed)
    assert [row["reached"] for row in for_people(missed)][4] == "no"


def test_growth_as_predicted_and_otherwise() -> None:
    table = turns.growth()
    assert growth_contradictions(table) == []
    assert growth_moral(table).startswith("Rules grew with servers and services, not with live connections")
    assert "hashed with 100 and 10,000 connections: 10 and 10 rules, installed in 30 and 1020 ms" in growth_moral(table)
    assert "tracked with 3 servers: 10 rules, installed in 20 ms, 0.90 of" in growth_moral(table[:2])
    assert [row["number"] for row in series(table[::-1], "hashed", "servers")] == [3, 10, 30, 100]
    assert growth_contradictions(turns.growth(rules=11, packet_ins=5)) == [
        "tracked with 10,000 connections sent 5 packets to the controller",
        "tracked had 10 rules with 100 connections and 11 with 10,000"]


def test_a_hundred_servers_on_ten_hosts_have_an_address_each() -> None:
    one, *others = growing.services("tracked", 100, 2)
    assert len(others) == 1
    assert len({backend.ip for backend in one.backends}) == len({backend.name for backend in one.backends}) == 100
    assert len({backend.mac for backend in one.backends}) == growing.HOSTS
    assert {backend.name.partition("-")[0] for backend in one.backends} == {f"srv{n}" for n in range(1, 11)}


def test_the_examples_hold() -> None:
    for module in (figures, paths, dataplane_words, growing):
        assert doctest.testmod(module).failed == 0
    assert BENCHMARKS["dataplane"].parts() == (dataplane.part, growing.part)


@pytest.mark.live
def test_a_small_run_has_every_figure_and_asks_nobody() -> None:
    size = dataplane.Size(clients=4, rounds=1, seconds=1.0, connects=10, flows=2, warm_s=1.0)
    with dataplane.lab_for(size) as lab:
        table = dataplane.rows(dataplane.measure(lab, size, seed=1), dataplane.packet_ins(lab))
    assert [row["figure"] for row in table] == list(WANTED)
    for row in table:
        assert row["rounds"] == 1
        assert 0 < row["low"] <= row["median"] <= row["high"]
        assert row["own"] > 0
        assert row["plain"] > 0
        assert bool(row["packet_ins"]) == row["figure"].startswith("reactive")
    assert json.loads(json.dumps(table, allow_nan=False)) == table


@pytest.mark.live
def test_a_small_growth_has_every_row_and_counts_what_the_switch_holds() -> None:
    size = growing.Size((12,), (2,), (20,), clients=4, rounds=1, seconds=1.0)
    with growing.lab_for(size) as lab:
        table = growing.measure(lab, size, seed=1)
    assert [(row["grows"], row["number"], row["realisation"]) for row in table] == list(growing.cases(size))
    for row in table:
        one = 1 if row["grows"] != "services" else 2
        servers = 12 if row["grows"] == "servers" else 3
        assert (row["groups"], row["buckets"]) == (one, 256 * one)
        assert row["rules"] >= 2 * servers * one, "what is done for each, and its answers"
        assert row["datapath_flows"] > 0
        assert row["install_ms"] > 0
        assert row["ratio"] > 0
        assert row["packet_ins"] == 0
