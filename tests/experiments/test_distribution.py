"""A distribution says what its samples carry, exactly; and its plot puts every nine at the same distance."""

from __future__ import annotations

import doctest
from xml.etree import ElementTree

import pytest

from experiments import distribution
from experiments.distribution import carried, rows, theory_rows
from experiments.report import latency_plot, plot
from experiments.theory import MMc


def test_their_examples() -> None:
    assert doctest.testmod(distribution).failed == doctest.testmod(latency_plot).failed == 0


@pytest.mark.parametrize(("number", "last"), [(2, 50.0), (10, 90.0), (99, 97.5), (100, 99.0), (999, 99.5),
                                              (1000, 99.9)])
def test_a_percentile_needs_its_samples(number: int, last: float) -> None:
    assert carried(number)[-1] == last


def test_percentiles_are_exact() -> None:
    found = {row["percent"]: row["ms"] for row in rows({"a": [n / 1000 for n in range(1, 1001)]})}
    assert (found[50.0], found[99.0], found[99.9]) == (501.0, 991.0, 1000.0)


def table() -> list[dict[str, object]]:
    took_s = [0.001 * n for n in range(1, 1001)]
    return [*rows({"one server": took_s, "eight": took_s[:99]}, "k = 8"),
            *theory_rows("one server", MMc(8, 0.7, 0.1).percentile_s, 1000, "k = 8"), *rows({"eight": [0.2]}, "k = 1"),
            *rows({"one server": [0.01, 0.02, 0.03, 0.04]}, "k = 1")]


def test_measured_and_theory_are_drawn_in_their_panels() -> None:
    with plot.style():
        svg = plot.to_svg(latency_plot.draw(table()), "a", "title", "description")
    ElementTree.fromstring(svg)
    for words in ("one server", "eight", "the same in theory", "k = 8", "k = 1", "p99.9", "p50"):
        assert f">{words}<" in svg


@pytest.mark.parametrize("ms", [0.0, 0.004, 1.0, 5e6])
def test_any_time_fits(ms: float) -> None:
    with plot.style():
        latency_plot.draw([{"panel": "", "series": "a", "kind": "measured", "percent": 50.0, "ms": ms}])
