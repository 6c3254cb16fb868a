"""Two runs side by side: another algorithm, another machine, another student.

    run A ─┬─ what differs in where they ran
    run B ─┼─ each claim's verdict and interval; marked where the verdicts differ, or the intervals don't meet
           └─ each table's pictures
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.envelope import Envelope
from experiments.report import palette
from experiments.report.page import Figure, environment, figure
from experiments.report.section import Rows
from experiments.report.sections import SECTIONS
from experiments.report.verdicts import MARKS, kind
from experiments.report.wording import amount, counted
from experiments.verdicts import Read, read

NOTHING = "–"


@dataclass(frozen=True)
class Compared:
    """One claim in both runs. apart: the verdicts differ; moved: the intervals don't meet."""

    claim: str
    sides: tuple[str, str]
    apart: bool
    moved: bool


@dataclass(frozen=True)
class Pair:
    """One picture, of either run."""

    experiment: str
    title: str
    caption: str
    figures: tuple[Figure, Figure]


def beside(one: Sequence[Envelope], other: Sequence[Envelope], names: tuple[str, str]) -> str:
    """The page on two runs. names: what they are called on it."""
    claims = list(compared(one, other))
    differing = [(name, *values) for name, values in facts(one[0], other[0]) if values[0] != values[1]]
    return environment().get_template("beside.html").render(
        names=names, facts=differing, claims=claims, pairs=list(pairs(one, other)), verdict=moral(claims),
        variables=palette.variables)


def facts(one: Envelope, other: Envelope) -> Iterator[tuple[str, tuple[object, object]]]:
    """Where both ran, fact by fact."""
    yield "seed", (one.seed, other.seed)
    for name in dict.fromkeys((*one.environment, *other.environment)):
        yield name, (one.environment.get(name, NOTHING), other.environment.get(name, NOTHING))


def compared(one: Sequence[Envelope], other: Sequence[Envelope]) -> Iterator[Compared]:
    """Every claim that either has tried."""
    left, right = claims_of(one), claims_of(other)
    for claim in dict.fromkeys((*left, *right)):
        a, b = left.get(claim), right.get(claim)
        apart = a is not None and b is not None and kind(a.verdict) != kind(b.verdict)
        moved = a is not None and b is not None and (a.found.high < b.found.low or b.found.high < a.found.low)
        yield Compared(claim, (side(a), side(b)), apart, moved)


def claims_of(run: Sequence[Envelope]) -> dict[str, Read]:
    """A run's verdicts, by the claim as its row has it."""
    return {str(row["claim"]): read(row) for envelope in run for row in envelope.tables.get("verdicts", ())}


def side(found: Read | None) -> str:
    """What one run says of a claim."""
    if found is None:
        return NOTHING
    low, figure, high = map(amount, (found.found.low, found.found.figure, found.found.high))
    return f"{MARKS[kind(found.verdict)]} {found.verdict}: {figure} ({low} to {high})"


def moral(claims: Sequence[Compared]) -> str:
    """What is to be seen, in a sentence."""
    both = [one for one in claims if NOTHING not in one.sides]
    return (f"{counted(len(both), 'claim')} in both: {sum(one.apart for one in both)} with another verdict, "
            f"{sum(one.moved for one in both)} with intervals that don’t meet.")


def pairs(one: Sequence[Envelope], other: Sequence[Envelope]) -> Iterator[Pair]:
    """Every picture of every table that both have."""
    right = {envelope.name: envelope for envelope in other}
    for envelope in one:
        theirs = right[envelope.name].tables if envelope.name in right else {}
        for number, (table, rows) in enumerate(envelope.tables.items()):
            if rows and theirs.get(table) and table in SECTIONS:
                yield from _pairs(envelope.name, f"{envelope.name}-{number}", table, (rows, theirs[table]))


def _pairs(experiment: str, id_: str, table: str, sides: tuple[Rows, Rows]) -> Iterator[Pair]:
    for number, picture in enumerate(SECTIONS[table].pictures):
        left, right = (figure(picture, f"{id_}-{number}{letter}", rows)
                       for letter, rows in zip("ab", sides, strict=True))
        yield Pair(experiment, picture.title, picture.caption, (left, right))
