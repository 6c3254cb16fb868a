"""The page itself: an envelope in, HTML out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import jinja2

from experiments.cell import SITUATIONS
from experiments.envelope import Envelope
from experiments.report import network, palette, plot
from experiments.report.section import Picture, Reading, Rows
from experiments.report.sections import section_of
from experiments.report.sheet import Sheet, sheet
from experiments.report.wording import share_of
from topologies import TOPOLOGIES

CLIENTS, SERVERS = 12, 3  # of a drawing, where the rows say nothing else
POOLED = ("flat", 1)      # the situation that is no topology of its own: which it uses, with how many clients


@dataclass(frozen=True)
class Figure:
    """A picture, ready for the page. svg: markup, already safe."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Part:
    """All that the page says about one table. name: the table's; id: the page's."""

    name: str
    id: str
    question: str
    reading: Reading
    figures: tuple[Figure, ...] = ()
    sheet: Sheet | None = None


@dataclass(frozen=True)
class Network:
    """One client situation, drawn."""

    id: str
    name: str
    summary: str
    drawing: network.Drawing


def page(envelope: Envelope, *, question: str, command: str) -> str:
    """The whole page."""
    parts = [part(name, f"t{number}", rows) for number, (name, rows) in enumerate(envelope.tables.items(), start=1)]
    template = environment().get_template("page.html")
    return template.render(envelope=envelope, question=question, command=command, parts=parts,
                           networks=list(networks(envelope)), variables=palette.variables, width=network.WIDTH)


def environment() -> jinja2.Environment:
    """Templates that escape, and that refuse what nobody gave them."""
    return jinja2.Environment(loader=jinja2.PackageLoader("experiments.report"), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)


def part(name: str, id_: str, rows: Rows) -> Part:
    """One table with its reading and pictures."""
    section = section_of(name)
    if not rows:
        return Part(name, id_, section.question, Reading("This table has no rows."))
    figures = (figure(picture, f"{id_}-f{number}", rows) for number, picture in enumerate(section.pictures, start=1))
    return Part(name, id_, section.question, section.read(rows), tuple(figures), sheet(rows))


def figure(picture: Picture, name: str, rows: Rows) -> Figure:
    """Draw one picture. For those who can't see it, the table beside it has the figures."""
    with plot.style():
        svg = plot.to_svg(picture.draw(rows), name, picture.title, f"{picture.caption} The table has the figures.")
    return Figure(picture.title, picture.caption, svg)


def networks(envelope: Envelope, ids: str = "", more: Sequence[str] = ()) -> Iterator[Network]:
    """The client situations that the rows name, each drawn with as many servers as there were.

    ids: what the page's other networks don't begin with. more: situations beside those.
    """
    servers = max((len(share_of(row)) for rows in envelope.tables.values() for row in rows), default=0) or SERVERS
    for number, name in enumerate(dict.fromkeys((*situations(envelope), *more)), start=1):
        topology, clients = (name, CLIENTS) if name in TOPOLOGIES else POOLED
        drawing = network.draw(TOPOLOGIES[topology](clients=clients, servers=servers))
        yield Network(f"{ids}n{number}", name, SITUATIONS.get(name) or TOPOLOGIES[topology].summary, drawing)


def situations(envelope: Envelope) -> list[str]:
    """What the environment and the rows name as topology or situation, as far as it is known here."""
    sources: list[Mapping[str, object]] = [envelope.environment, *(row for rows in envelope.tables.values()
                                                                   for row in rows)]
    named = [str(source[column]) for source in sources for column in ("topology", "situation") if column in source]
    return [name for name in dict.fromkeys(named) if name in TOPOLOGIES or name in SITUATIONS]
