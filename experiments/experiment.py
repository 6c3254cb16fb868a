"""What an experiment is: one question or several, each answered by a part with a table of its own.

    Experiment ──run──► Part(table, rows, moral, ...) for each of its questions ──► terminal, envelope

Every experiment and benchmark takes the same options and writes one envelope, so `./lab run` needs to
know nothing about any of them. A part's function gets the options and a display, inside a capsule.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console, RenderableType

from experiments.display import Display
from experiments.envelope import Envelope, Row, check_report, check_writable
from experiments.environment import environment
from experiments.tables import CellStyle, print_table
from experiments.verdicts import HOLDS, Verdict


@dataclass(frozen=True)
class Options:
    """What every experiment is started with.

    json, report: where the envelope goes, beside the terminal.
    size: what the experiment makes of further options, such as {"clients": 24}.
    """

    quick: bool = False
    seed: int = 1
    json: Path | None = None
    report: Path | None = None
    size: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise LabError if a result could not be written: before the experiment, not after."""
        if self.json:
            check_writable(self.json)
        if self.report:
            check_report(self.report)

    def command(self, name: str, start: str = "run") -> str:
        """What to type to run the experiment `name` with these options again. start: run, or bench."""
        words = [f"--{option} {value}" for option, value in self.size.items()]
        typed = f"./lab {name}" if words else f"./lab {start} {name}"
        return " ".join([typed, *words, *["--quick"] * self.quick, f"--seed {self.seed}", "--report DIR"])


@dataclass(frozen=True)
class Part:
    """What one question came to.

    table, rows:  the name and the rows of its table, as machines read it.
    moral:        what is to be seen, in a sentence or two, from the run's own figures.
    as_predicted: whether it came out as the file's prediction says.
    picture:      for a terminal, before the table. shown: the table as people read it, where that differs.
    style:        the ink of each cell of the table that is shown.
    verdicts:     what came of the claims that it tries.
    """

    table: str
    rows: Sequence[Row]
    moral: str
    as_predicted: bool = True
    picture: RenderableType = ""
    shown: Sequence[Row] = ()
    style: CellStyle | None = None
    verdicts: Sequence[Verdict] = ()

    def print(self) -> None:
        """Print it on stdout."""
        console = Console(highlight=False)
        if self.picture and console.is_terminal:
            console.print(self.picture)
        print_table(self.table, self.shown or self.rows, style=self.style)
        console.print(self.moral, style="" if self.as_predicted else "bold red")


@dataclass(frozen=True)
class Experiment:
    """name: the word on the command line. question: one line. parts: what answers it, in order.

    check:   raises LabError for options that it can't be run with, before anything is built.
    command: what is typed before its name: run, or bench. Its files are called after both.
    lab:     whether it needs a network.
    lecture: which of the lecture's claims it tries (lecture.py), by number.
    within:  the experiment that it is a part of, if it is.
    """

    name: str
    question: str
    parts: Callable[[], Sequence[Callable[[Options, Display], Part]]]
    check: Callable[[Options], object] = lambda options: None
    command: str = "run"
    lab: bool = True
    lecture: tuple[int, ...] = ()
    within: str = ""

    def conduct(self, options: Options) -> bool:
        """Run it, print and write what it found, and return whether all of it came out as predicted.

        One that needs a network runs in a capsule.
        """
        from topologies import capsule

        options.check()
        self.check(options)
        parts, started = self.parts(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        if self.lab:
            capsule.enter()
        with Display() as display:
            found = [part(options, display) for part in parts]
        for part in found:
            part.print()
        verdicts = [verdict.row() for part in found for verdict in part.verdicts]
        print_verdicts(verdicts)
        facts = {"datapath": capsule.datapath()} if self.lab else {}
        where = environment(started=started, size="quick" if options.quick else "full", **facts)
        name = self.name if self.command == "run" else f"{self.command}-{self.name}"
        tables = {part.table: part.rows for part in found} | {"verdicts": verdicts}
        self._write(options, Envelope(name, options.seed, where, tables))
        return all(part.as_predicted for part in found)

    def _write(self, options: Options, envelope: Envelope) -> None:
        if options.json:
            envelope.write(options.json)
        if options.report:
            from experiments import report  # matplotlib takes a second to import, and only a report needs it

            envelope.write_report(options.report)
            page = report.write(envelope, options.report, question=self.question,
                                command=options.command(self.name, self.command))
            print(f"written: {page}, and what it shows as JSON and CSV beside it", file=sys.stderr)


def print_verdicts(rows: Sequence[Row]) -> None:
    """Print the table `verdicts`, if there are any."""
    if rows:
        print_table("verdicts", rows, style=_ink)


def _ink(row: Row, column: str) -> str:
    """Of the table `verdicts`: green where a claim holds."""
    return "green" if column == "verdict" and row[column] == HOLDS else ""
