"""A figure's verdict: read off the values of its rounds, and it can come out either way."""

from __future__ import annotations

from math import inf, nan

import pytest

from benchmarks import dataplane, proxy, proxy_figures
from benchmarks.figures import FIGURES
from benchmarks.peers import OURS
from benchmarks.proxy import Turn
from experiments.verdicts import DOES_NOT, HOLDS, UNDECIDED
from tests.benchmarks import turns


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.label)
def test_a_figure_is_reached_or_missed_by_all_of_its_interval(figure) -> None:
    better, worse = (0.7, 1.4) if figure.at_most else (1.4, 0.7)
    for factor, verdict in ((better, HOLDS), (worse, DOES_NOT)):
        rounds = [figure.must * factor * noise for noise in (0.99, 1.0, 1.01)]
        found, = figure.judge(rounds)
        assert (found.verdict, found.found.of) == (verdict, "3 rounds")
        assert [one.verdict for one in dataplane.verdicts(turns.turns(figure, *rounds))] == [verdict]
    undecided, = figure.judge([figure.must * 0.5, figure.must * 1.5])
    assert undecided.verdict == UNDECIDED
    assert undecided.row()["claim"] == f"{figure.label}: {figure.bound} {figure.must:g}"


@pytest.mark.parametrize("rounds", [(), (1.0,), (1.0, inf), (1.0, nan)])
def test_what_no_interval_can_be_of_has_no_verdict(rounds: tuple[float, ...]) -> None:
    assert FIGURES[0].judge(rounds) == []


def test_a_figure_without_a_bound_has_no_verdict() -> None:
    for figure in proxy_figures.FIGURES:
        assert bool(figure.judge((5.0, 5.1))) is (figure.must is not None)


@pytest.mark.parametrize("error", ["", "it fell"])
def test_a_figure_of_the_proxy_is_judged_unless_something_failed(error: str) -> None:
    figure = next(one for one in proxy_figures.FIGURES if one.must and not one.at_most and one.against != OURS)
    made = [Turn(figure.what, name, value, error=error) for name, value in (
        (OURS, 10 * figure.must), (figure.against, 1.0), (OURS, 11 * figure.must), (figure.against, 1.0))]
    assert [one.verdict for one in proxy.verdicts(made, [figure])] == ([] if error else [HOLDS])
