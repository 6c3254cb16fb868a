"""The table `verdicts`: what came of the claims, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, listed
from experiments.verdicts import CONSTRUCTED, DOES_NOT, HOLDS, ONLY_IF, UNDECIDED, Read, read

MARKS = {HOLDS: "✓", DOES_NOT: "✗", ONLY_IF: "◐", UNDECIDED: "?", CONSTRUCTED: "="}
INKS = {HOLDS: "good", DOES_NOT: "bad", ONLY_IF: "accent"}


def reading(rows: Rows) -> Reading:
    """How many came out which way, and a sentence on each."""
    found = [read(row) for row in rows]
    return Reading(f"{tally(found)}.", points=tuple((capital(one.says), sentence(one)) for one in found))


def tally(found: Sequence[Read]) -> str:
    """
    >>> from experiments.verdicts import Interval, Rule
    >>> one = Read(8, "it is so", "holds", Interval(1.5, 1.3, 1.7, ""), Rule("a / b", ">", 1))
    >>> tally([one, one])
    '2 hold'
    """
    kinds = Counter(kind(one.verdict) for one in found)
    several = {HOLDS: "hold", DOES_NOT: "don’t hold", ONLY_IF: "hold under a condition"}
    one = {ONLY_IF: "holds under a condition", DOES_NOT: "doesn’t hold"}
    return listed(f"{count} {(several if count > 1 else one).get(word, word)}" for word in MARKS
                  if (count := kinds[word]))


def kind(verdict: str) -> str:
    """The word that a verdict begins with, one of MARKS."""
    return ONLY_IF if verdict.startswith(ONLY_IF) else verdict if verdict in MARKS else UNDECIDED


def sentence(one: Read) -> str:
    """The verdict on one claim, with its figure and its rule."""
    low, high = amount(one.found.low), amount(one.found.high)
    return (f"{one.verdict}. It holds if {one.rule.quantity} is {'above' if one.rule.sign == '>' else 'below'} "
            f"{amount(one.rule.bound)}; found was {amount(one.found.figure)} ({low} to {high}).")


def headline(rows: Rows) -> str:
    """
    >>> headline([])
    'no claims were tried'
    """
    return f"of {counted(len(rows), 'claim')} {tally([read(row) for row in rows])}" if rows else "no claims were tried"
