"""What an experiment is: a question, and a function that answers it with tables.

Every experiment and benchmark takes the same options and writes one envelope, so that `./lab run`
needs to know nothing about any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from experiments.envelope import Envelope, Row, check_report, check_writable
from experiments.environment import environment


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

    def command(self, name: str) -> str:
        """What to type to run the experiment `name` with these options again."""
        words = [f"--{option} {value}" for option, value in self.size.items()]
        start = f"./lab {name}" if words else f"./lab run {name}"
        return " ".join([start, *words, *["--quick"] * self.quick, f"--seed {self.seed}", "--report DIR"])


@dataclass(frozen=True)
class Findings:
    """What an experiment found: its tables, where it ran, and whether it came out as predicted."""

    tables: Mapping[str, list[Row]]
    environment: Mapping[str, Any]
    as_predicted: bool


@dataclass(frozen=True)
class Experiment:
    """name: the word on the command line. question: one line. run: prints as it goes, returns what it found."""

    name: str
    question: str
    run: Callable[[Options], Findings]

    def conduct(self, options: Options) -> bool:
        """Run it, write its envelope where the options say, and return whether it came out as predicted."""
        started = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        found = self.run(options)
        envelope = Envelope(self.name, options.seed, environment(started=started, **found.environment), found.tables)
        if options.json:
            envelope.write(options.json)
        if options.report:
            from experiments import report  # matplotlib takes a second to import, and only a report needs it

            envelope.write_report(options.report)
            report.write(envelope, options.report, question=self.question, command=options.command(self.name))
        return found.as_predicted
