"""The section of `proxy`: it says what the benchmark says, and draws whatever comes."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.peers import PEERS
from benchmarks.peers_install import Found
from experiments.report import plot, proxy, proxy_plot
from experiments.report.sections import SECTIONS
from tests.benchmarks.proxy_turns import HERE, given


def drawn(table: list[dict[str, Any]]) -> str:
    with plot.style():
        svg, = (plot.to_svg(one.draw(table), "a", "title", "description") for one in SECTIONS["proxy"].pictures)
    ElementTree.fromstring(svg)
    return svg


def test_the_reading_is_the_benchmarks_own() -> None:
    fine = given(keep_alive=(31.0,) * 3)
    assert proxy.read(fine).as_predicted is True
    assert proxy.read(fine).verdict.startswith("Of 9 figures 9 reach what they must")
    assert proxy.read(given(latency=(9, 9, 9))).as_predicted is False


def test_every_figure_that_must_reach_something_is_drawn_once_and_what_is_missed_is_marked() -> None:
    table = given(keep_alive=(31.0,) * 3)
    for row in table:
        assert drawn(table).count(f">{proxy_plot.name(row)}: ") == (row["must"] is not None)
    assert "not reached" not in drawn(table)
    assert drawn(given(keep_alive=(31.0,) * 3, bodies=(0.5, 0.5, 0.5))).count("at least 1, not reached") == 1


def test_what_was_not_measured_is_said() -> None:
    table = given({**HERE, "mitmproxy": Found(PEERS["mitmproxy"], why_not="not installed: x")})
    assert drawn(table).count("at least 20, not measured") == 1


@pytest.mark.parametrize("ratio", [0.0, 1e-9, 1e6])
def test_any_ratio_fits(ratio: float) -> None:
    assert drawn(given(keep_alive=(ratio,) * 3, latency=(ratio,) * 3))
