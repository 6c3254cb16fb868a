"""The whole report: a chapter for every claim of the lecture, then every experiment with its tables.

    envelopes ──► verdicts, by the claim's number ──► chapters ──┐
              └─► sections, as on a page of its own (page.py) ───┴──► templates/whole.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from experiments.catalog import EXPERIMENTS
from experiments.envelope import Envelope, Row
from experiments.experiment import Options
from experiments.lecture import LECTURE
from experiments.report import network, palette
from experiments.report.chapters import LOOKS
from experiments.report.page import Figure, Network, Part, environment, figure, networks, part
from experiments.report.section import Reading
from experiments.report.sections import SECTIONS
from experiments.report.verdicts import MARKS, headline, kind, reading, tally
from experiments.report.wording import capital
from experiments.verdicts import CONSTRUCTED, ONLY_IF, read

VERDICTS, CLOSER = "verdicts", "closer"
SCALES = SECTIONS[VERDICTS].pictures[0]


@dataclass(frozen=True)
class Source:
    """An experiment that a chapter draws on."""

    id: str
    name: str
    question: str
    command: str


@dataclass(frozen=True)
class Chapter:
    """One claim. told: its verdicts as sentences; scales: as a picture. closer: flow rules and packets."""

    number: int
    claim: str
    tally: str
    mark: str
    told: Reading
    scales: Figure
    parts: tuple[Part, ...]
    networks: tuple[Network, ...]
    sources: tuple[Source, ...]
    closer: tuple[Row, ...]


@dataclass(frozen=True)
class Experimented:
    """One experiment, with all of its tables."""

    source: Source
    envelope: Envelope
    headline: str
    parts: tuple[Part, ...]


def whole(envelopes: Sequence[Envelope]) -> str:
    """The page on a run of several experiments."""
    template = environment().get_template("whole.html")
    chapters = tuple(chapter(number, envelopes) for number in LECTURE if verdicts_of(number, envelopes))
    return template.render(
        chapters=chapters, missing=[(number, capital(words)) for number, words in LECTURE.items()
                                    if number not in {one.number for one in chapters}],
        experiments=[experimented(number, one) for number, one in enumerate(envelopes)], first=envelopes[0],
        variables=palette.variables, width=network.WIDTH)


def verdicts_of(number: int, envelopes: Sequence[Envelope]) -> list[Row]:
    """The rows of all verdicts on one claim of the lecture."""
    return [row for envelope in envelopes for row in envelope.tables.get(VERDICTS, ()) if read(row).number == number]


def chapter(number: int, envelopes: Sequence[Envelope]) -> Chapter:
    """Everything that there is on one claim."""
    rows = verdicts_of(number, envelopes)
    drawn_on = {place: one for place, one in enumerate(envelopes) if verdicts_of(number, [one])}
    look, id_ = LOOKS[number], f"c{number}"
    return Chapter(
        number, capital(LECTURE[number]), tally([read(row) for row in rows]),
        mark(rows), reading(rows), figure(SCALES, f"{id_}-s", rows),
        tuple(pictured(look.tables, drawn_on.values(), id_)),
        tuple(drawn(drawn_on.values(), id_, look.topologies)),
        tuple(source(place, one) for place, one in drawn_on.items()),
        tuple(row for one in envelopes for row in one.tables.get(CLOSER, ()) if row.get("layer") in look.layers))


def mark(rows: Sequence[Row]) -> str:
    """One mark for several verdicts: their own if they have one in common; what is so by construction takes nothing."""
    kinds = {kind(read(row).verdict) for row in rows}
    kinds = kinds - {CONSTRUCTED} or kinds
    return MARKS[kinds.pop() if len(kinds) == 1 else ONLY_IF]


def pictured(tables: Sequence[str], envelopes: Collection[Envelope], id_: str) -> Iterator[Part]:
    """The tables that a chapter shows, as pictures."""
    found = {name: rows for one in envelopes for name, rows in one.tables.items()}
    for place, name in enumerate(name for name in tables if found.get(name) and name in SECTIONS):
        yield part(name, f"{id_}-t{place}", found[name])


def drawn(envelopes: Collection[Envelope], id_: str, more: Sequence[str]) -> Iterator[Network]:
    """The networks of a chapter's experiments, each once."""
    seen: dict[str, Network] = {}
    for place, envelope in enumerate(envelopes):
        for one in networks(envelope, f"{id_}-e{place}-", more):
            seen.setdefault(one.name, one)
    yield from seen.values()


def source(place: int, envelope: Envelope) -> Source:
    """Where it stands on the page, and how it is run again."""
    known = EXPERIMENTS.get(envelope.name)
    options = Options(quick=envelope.environment.get("size") == "quick", seed=envelope.seed)
    return Source(f"e{place}", envelope.name, capital(known.question) if known else "",
                  options.command(envelope.name) if known else "")


def experimented(place: int, envelope: Envelope) -> Experimented:
    """All of one experiment's tables, the verdicts last."""
    parts = tuple(part(name, f"e{place}-t{number}", rows) for number, (name, rows) in enumerate(envelope.tables.items())
                  if rows)
    return Experimented(source(place, envelope), envelope, headline(envelope.tables.get(VERDICTS, ())), parts)
