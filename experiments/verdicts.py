"""Verdicts: what is claimed, what was measured, and the rule by which the one follows from the other. Pure.

    rounds ──► Interval(figure, low, high) ──Rule(quantity, sign, bound)──► holds | doesn't hold | undecided
                                                                            holds only if … | by construction

                doesn't hold       undecided          holds          of a rule `> bound`
                 ├───┼───┤  ┆    ├───┼┆───┤    ┆  ├───┼───┤
                            ┆         ┆        ┆
                          bound     bound    bound

Rules kept here:

1. A single run decides nothing: an interval is of interleaved rounds, or of a number of single cases. All of it must
   lie on the right side of the bound.
2. The rule is stated before anything is measured, and can come out either way.
3. What merely restates what was put in says so: "by construction".

Source: W. S. Gosset, "The Probable Error of a Mean", Biometrika 6, 1908 (Student's t); E. B. Wilson, "Probable
Inference, the Law of Succession, and Statistical Inference", JASA 22, 1927 (a part of a whole).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from statistics import NormalDist, fmean, stdev

from experiments.lecture import LECTURE

HOLDS, DOES_NOT, ONLY_IF, UNDECIDED, CONSTRUCTED = (
    "holds", "doesn't hold", "holds only if", "undecided", "by construction")
CONFIDENCE = 0.95

# Student's t, two-sided 95 %, by degrees of freedom from 1 on; beyond these the last one, which is a little too wide.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
      2.110, 2.101, 2.093, 2.086)
_ROW = re.compile(r"(?P<quantity>.*) (?P<sign>[<>]) (?P<bound>\S+), of .* with 95 % confidence")
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Interval:
    """A figure, and between which two values it lies with 95 % confidence. of: what it was taken from, in words."""

    figure: float
    low: float
    high: float
    of: str


def of_rounds(samples: Iterable[float]) -> Interval:
    """The mean of what each round came to, by Student's t. Raises ValueError for fewer than two rounds.

    >>> of_rounds([2.0, 2.2, 2.1, 1.9])
    Interval(figure=2.05, low=1.845, high=2.255, of='4 rounds')
    """
    mean, half, number = _student(list(samples))
    return Interval(round(mean, 3), round(mean - half, 3), round(mean + half, 3), f"{number} rounds")


def of_ratios(pairs: Iterable[tuple[float, float]]) -> Interval:
    """How many times the second each round's first was: the geometric mean, by Student's t of the logarithms.

    pairs: two positive numbers a round. Raises ValueError for fewer than two rounds, or what has no logarithm.

    >>> of_ratios([(4, 2), (6, 3), (9, 4)])
    Interval(figure=2.08, low=1.757, high=2.463, of='3 rounds')
    """
    mean, half, number = _student([math.log(one / other) for one, other in pairs])
    figure, low, high = (round(math.exp(value), 3) for value in (mean, mean - half, mean + half))
    return Interval(figure, low, high, f"{number} rounds")


def of_part(count: int, total: int) -> Interval:
    """A part of `total` cases, by Wilson's score. Raises ValueError if there are none.

    >>> of_part(60, 60)
    Interval(figure=1.0, low=0.94, high=1.0, of='60 cases')
    """
    if not 0 <= count <= total or not total:
        raise ValueError(f"{count} of {total} cases; expected one case or more")
    part, weight = count / total, _Z * _Z / total
    middle = (part + weight / 2) / (1 + weight)
    half = _Z * math.sqrt(part * (1 - part) / total + weight / (4 * total)) / (1 + weight)
    return Interval(round(part, 3), round(max(0.0, middle - half), 3), round(min(1.0, middle + half), 3),
                    f"{total} cases")


def _student(samples: Sequence[float]) -> tuple[float, float, int]:
    """The mean, half of the interval's width, and the number of samples."""
    if len(samples) < 2:
        raise ValueError(f"{len(samples)} round; expected two or more, for a single run decides nothing")
    t = _T[min(len(samples) - 1, len(_T)) - 1]
    return fmean(samples), t * stdev(samples) / math.sqrt(len(samples)), len(samples)


@dataclass(frozen=True)
class Rule:
    """When a claim holds: all of the interval of `quantity` lies above `bound`, or below it. sign: ">" or "<"."""

    quantity: str
    sign: str
    bound: float

    def __post_init__(self) -> None:
        if self.sign not in ("<", ">"):
            raise ValueError(f"a rule's sign is {self.sign!r}; expected '<' or '>'")

    def side(self, found: Interval) -> bool | None:
        """Whether an interval lies on the right side, or the wrong one; None where the bound is inside of it."""
        right, wrong = (found.low > self.bound, found.high <= self.bound) if self.sign == ">" else (
            found.high < self.bound, found.low >= self.bound)
        return True if right else False if wrong else None

    def __str__(self) -> str:
        return f"{self.quantity} {self.sign} {self.bound:g}"


@dataclass(frozen=True)
class Claim:
    """One thing that is claimed.

    number:          of the lecture (lecture.py); 0 for what the lab itself predicts.
    says:            the claim, or the part of it that is tried here, as a sentence.
    only_if:         a condition, where it is tried within it and beyond it.
    by_construction: the figure restates what was put in.
    """

    number: int
    says: str
    rule: Rule
    only_if: str = ""
    by_construction: bool = False

    def __post_init__(self) -> None:
        if self.number and self.number not in LECTURE:
            raise ValueError(f"claim {self.number}; expected one of the lecture's, 1 to {max(LECTURE)}, or 0")

    def judge(self, found: Interval, beyond: Interval | None = None) -> Verdict:
        """The verdict. beyond: of a claim with `only_if`, what was found where the condition is not met."""
        if bool(self.only_if) is not (beyond is not None):
            raise ValueError(f"{self.says!r} has the condition {self.only_if!r}, and {beyond} beyond it")
        here, there = self.rule.side(found), True if beyond is None else self.rule.side(beyond)
        if here is False:
            verdict = DOES_NOT
        elif here is None or there is None:
            verdict = UNDECIDED
        elif not there:
            verdict = f"{ONLY_IF} {self.only_if}"
        else:
            verdict = CONSTRUCTED if self.by_construction else HOLDS
        also = f"; else {beyond.figure:g} ({beyond.low:g} to {beyond.high:g})" if beyond else ""
        return Verdict(self, verdict, found, f"{self.rule}, of {found.of} with 95 % confidence{also}")


@dataclass(frozen=True)
class Verdict:
    """What came of a claim. rule: by what, in words."""

    claim: Claim
    verdict: str
    found: Interval
    rule: str

    def row(self) -> dict[str, object]:
        """The row of the table `verdicts`."""
        number = f"{self.claim.number}. " if self.claim.number else ""
        return {"claim": f"{number}{self.claim.says}", "verdict": self.verdict, "figure": self.found.figure,
                "low": self.found.low, "high": self.found.high, "rule": self.rule}

    def __str__(self) -> str:
        return f"{self.claim.says}: {self.verdict}, {self.found.figure:g} ({self.found.low:g} to {self.found.high:g})"


@dataclass(frozen=True)
class Read:
    """A row of the table `verdicts`, read back. number: of the lecture, or 0."""

    number: int
    says: str
    verdict: str
    found: Interval
    rule: Rule


def read(row: Mapping[str, object]) -> Read:
    """What a row says. Raises ValueError for one that `Verdict.row` has not written."""
    said = _ROW.match(str(row.get("rule")))
    values = [row.get(column) for column in ("figure", "low", "high")]
    if said is None or not all(isinstance(value, Real) for value in values):
        raise ValueError(f"{dict(row)} is no row of the table `verdicts`")
    number, dot, says = str(row.get("claim")).partition(". ")
    numbered = bool(dot) and number.isdigit() and int(number) in LECTURE
    figure, low, high = (float(str(value)) for value in values)
    return Read(int(number) if numbered else 0, says if numbered else str(row.get("claim")), str(row.get("verdict")),
                Interval(figure, low, high, ""), Rule(said["quantity"], said["sign"], float(said["bound"])))
