"""The section of `algorithms_speed`: it says what the benchmark says, and draws every algorithm once."""

from __future__ import annotations

import doctest

import pytest

from experiments.report import algorithms_speed, algorithms_speed_plot, plot
from experiments.report.sections import SECTIONS
from tests.benchmarks.tables import given


def svg(**others: float) -> str:
    with plot.style():
        return plot.to_svg(algorithms_speed_plot.draw(given(2.0, **others)), "a", "title", "description")


def test_the_reading_is_the_benchmarks_own() -> None:
    found = algorithms_speed.read(given(2.0, maglev=3.0))
    assert found.as_predicted is True
    assert "to 3.0 (maglev" in found.verdict
    assert any("1/50" in words for words in found.words)
    assert algorithms_speed.read(given(2.0, maglev=30.0)).as_predicted is False


def test_every_algorithm_is_drawn_once() -> None:
    drawn = svg()
    for row in given(2.0)[::2]:
        assert drawn.count(f">{row['algorithm']}<") == 1
    assert drawn.count("1 µs<") == 1
    assert "150 µs" in drawn, "the scan's last"


@pytest.mark.parametrize("scan", [1.5, 300.0, 1e6])
def test_any_times_fit(scan: float) -> None:
    assert svg(scan=scan)


def test_it_is_registered() -> None:
    assert SECTIONS["algorithms_speed"].read is algorithms_speed.read
    assert doctest.testmod(algorithms_speed_plot).failed == 0
