"""The sections of `dataplane` and `growth`: they say what the benchmark says, and draw whatever comes."""

from __future__ import annotations

import doctest
from typing import Any
from xml.etree import ElementTree

import pytest

from experiments.report import dataplane, growth, growth_plot, plot
from experiments.report.sections import SECTIONS
from tests.benchmarks import turns


def drawn(name: str, table: list[dict[str, Any]]) -> str:
    with plot.style():
        pictures = [plot.to_svg(one.draw(table), "a", "title", "description") for one in SECTIONS[name].pictures]
    for svg in pictures:
        ElementTree.fromstring(svg)
    return "".join(pictures)


def test_the_readings_are_the_benchmarks_own() -> None:
    found = dataplane.read(turns.dataplane())
    assert found.as_predicted is True
    assert found.verdict == "Of 7 figures 7 reach what they must, 7 what is aimed at."
    assert "hashed new connections/s 0.95 (0.95 to 0.95)" in found.words[0]
    assert dataplane.read(turns.dataplane(hashed_latency=(9, 9, 9))).as_predicted is False
    assert growth.read(turns.growth()).as_predicted is True
    assert growth.read(turns.growth(packet_ins=1)).as_predicted is False


def test_every_figure_is_drawn_once_and_what_is_missed_is_marked() -> None:
    for row in turns.dataplane():
        assert drawn("dataplane", turns.dataplane()).count(f">{row['figure']}: ") == 1
    assert "not reached" not in drawn("dataplane", turns.dataplane())
    missed = drawn("dataplane", turns.dataplane(hashed_throughput=(0.5, 0.5, 0.5)))
    assert missed.count("at least 0.92, not reached") == 1


def test_every_thing_that_grows_has_a_panel_in_each_plot() -> None:
    svg = drawn("growth", turns.growth())
    for grows in ("servers", "services", "connections"):
        assert svg.count(f">{grows}<") == 4
    assert svg.count(">10,000<") == 4
    assert doctest.testmod(growth_plot).failed == 0


@pytest.mark.parametrize("ratio", [0.0, 1e-9, 1e6])
def test_any_ratio_fits(ratio: float) -> None:
    assert drawn("dataplane", turns.dataplane(hashed_connections=(ratio,) * 3))
    assert drawn("growth", turns.growth(ratio=ratio, ratio_low=0.0, ratio_high=ratio, install_ms=ratio, rules=0))


def test_a_part_of_a_table_is_drawn_too() -> None:
    assert drawn("dataplane", turns.dataplane()[:1])
    assert drawn("growth", turns.growth()[:1])
