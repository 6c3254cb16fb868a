"""Verdicts follow from intervals, either way."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import fmean

import pytest

from experiments.verdicts import CONSTRUCTED, Claim, Interval, Rule, of_part, of_ratios, of_rounds

ABOVE, BELOW = Rule("a / b", ">", 1), Rule("a / b", "<", 1)
HIGH, LOW, ACROSS = (Interval(figure, figure - 0.2, figure + 0.2, "4 rounds") for figure in (1.5, 0.5, 1.1))


@pytest.mark.parametrize(("rule", "found", "verdict"), [
    (ABOVE, HIGH, "holds"), (ABOVE, LOW, "doesn't hold"), (ABOVE, ACROSS, "undecided"),
    (BELOW, HIGH, "doesn't hold"), (BELOW, LOW, "holds"), (BELOW, ACROSS, "undecided"),
    (ABOVE, Interval(1, 1, 1, "2 rounds"), "doesn't hold"), (BELOW, Interval(1, 1, 1, "2 rounds"), "doesn't hold"),
])
def test_all_of_the_interval_must_lie_on_the_right_side(rule: Rule, found: Interval, verdict: str) -> None:
    assert Claim(8, "it is so", rule).judge(found).verdict == verdict


@pytest.mark.parametrize(("found", "beyond", "verdict"), [
    (HIGH, HIGH, "holds"), (HIGH, LOW, "holds only if it rains"), (LOW, HIGH, "doesn't hold"),
    (LOW, LOW, "doesn't hold"), (HIGH, ACROSS, "undecided"), (ACROSS, LOW, "undecided"),
])
def test_a_condition_is_tried_within_and_beyond(found: Interval, beyond: Interval, verdict: str) -> None:
    made = Claim(0, "it is so", ABOVE, only_if="it rains").judge(found, beyond)
    assert made.verdict == verdict
    assert f"else {beyond.figure:g}" in made.rule


def test_what_was_put_in_is_labelled_and_can_still_fail() -> None:
    claim = Claim(1, "the price is so", ABOVE, by_construction=True)
    assert claim.judge(HIGH).verdict == CONSTRUCTED
    assert claim.judge(LOW).verdict == "doesn't hold"


def test_the_row_says_everything() -> None:
    assert Claim(8, "it is so", ABOVE).judge(HIGH).row() == {
        "claim": "8. it is so", "verdict": "holds", "figure": 1.5, "low": 1.3, "high": 1.7,
        "rule": "a / b > 1, of 4 rounds with 95 % confidence"}
    assert Claim(0, "it is so", ABOVE).judge(HIGH).row()["claim"] == "it is so"


def test_nine_and_a_half_of_ten_intervals_hold_the_truth() -> None:
    dice, held, runs = random.Random(5), 0, 2000
    for _ in range(runs):
        found = of_rounds(dice.gauss(3.0, 1.0) for _ in range(5))
        held += found.low <= 3.0 <= found.high
    assert 0.93 < held / runs < 0.97  # four standard deviations of a binomial at 0.95


def test_a_ratio_and_its_inverse_say_the_same() -> None:
    pairs = [(3.0, 1.0), (5.0, 2.0), (8.0, 2.5)]
    one, other = of_ratios(pairs), of_ratios((b, a) for a, b in pairs)
    assert one.figure * other.figure == pytest.approx(1, abs=0.002)
    assert one.low * other.high == pytest.approx(1, abs=0.002)


@pytest.mark.parametrize("count", [0, 1, 30, 59, 60])
def test_a_part_stays_a_part(count: int) -> None:
    found = of_part(count, 60)
    assert 0 <= found.low <= found.figure <= found.high <= 1
    assert found.low < found.high  # even all of 60 is not all that there could be


@pytest.mark.parametrize(("refused", "words"), [
    (lambda: of_rounds([1.0]), "1 round; expected two"),
    (lambda: of_ratios([(1, 2)]), "1 round; expected two"),
    (lambda: of_part(0, 0), "0 of 0 cases"),
    (lambda: of_part(3, 2), "3 of 2 cases"),
    (lambda: Rule("a", "=", 1), "expected '<' or '>'"),
    (lambda: Claim(14, "it is so", ABOVE), "1 to 13"),
    (lambda: Claim(8, "it is so", ABOVE).judge(HIGH, HIGH), "beyond it"),
    (lambda: Claim(8, "it is so", ABOVE, only_if="it rains").judge(HIGH), "None beyond it"),
])
def test_what_decides_nothing_is_refused(refused: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        refused()


def test_the_mean_is_the_mean() -> None:
    assert of_rounds([1, 2, 6]).figure == fmean([1, 2, 6])
