"""`./lab run --all`: every experiment, one after another, each in a process and a capsule of its own.

    experiment ──► envelope ──┐
    experiment ──► envelope ──┼──► run.json, a list ──► the report (report/whole.py)
    ...                       ┘

Rules kept here:

1. One at a time: what measures the machine must have it to itself.
2. One that fails stops no other; the run's exit code tells of it.
3. What is known is written after each, so who interrupts a run has what there was.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.catalog import EXPERIMENTS
from experiments.envelope import Envelope, check_report, write_whole
from experiments.experiment import Experiment, Options, print_verdicts
from experiments.runs import RUN, read_run
from experiments.tables import print_table

# It ends with this one, also if this one is killed (prctl(2): PR_SET_PDEATHSIG).
TIED = ("setpriv", "--pdeathsig", "TERM")
ENDS = {0: "as predicted", 1: "otherwise than predicted"}


@dataclass(frozen=True)
class Conducted:
    """One experiment of the run. code: its exit code. envelope: what it found; None if it failed."""

    name: str
    seconds: float
    code: int
    envelope: Envelope | None

    def row(self) -> dict[str, object]:
        """For people, at the end."""
        return {"experiment": self.name, "seconds": round(self.seconds), "came out": ENDS.get(self.code, "failed")}


def everything() -> list[Experiment]:
    """Every experiment that is no part of another one."""
    return [one for one in EXPERIMENTS.values() if not one.within]


def run_all(options: Options, which: Sequence[Experiment] = ()) -> int:
    """Run them, write what they found, and return the exit code: 0, 1 if one came out otherwise, 2 if one failed.

    which: instead of all. Raises LabError, before anything runs, if a result could not be written.
    """
    options.check()
    began_s, done = time.monotonic(), list[Conducted]()
    for number, one in enumerate(which := which or everything(), start=1):
        print(f"lab: {number} of {len(which)}, {one.name}: {one.question}", file=sys.stderr, flush=True)
        done.append(_conduct(one, options))
        found = [one.envelope for one in done if one.envelope]
        if options.json:
            write_run(options.json, found)
    print_table("all", [one.row() for one in done])
    print_verdicts([row for one in found for row in one.tables["verdicts"]])
    if options.report and found:
        write_report(options.report, found)
    print(f"lab: {len(done)} experiments in {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    return max(min(one.code, 2) for one in done)


def _conduct(one: Experiment, options: Options) -> Conducted:
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="layer-lab-") as folder:
        found = Path(folder, RUN)
        words = ["run", one.name, "--seed", str(options.seed), "--json", str(found), *["--quick"] * options.quick]
        code = subprocess.call([*TIED, sys.executable, "-P", "-m", "experiments", *words])
        envelope = read_run(found)[0] if found.exists() else None
    return Conducted(one.name, time.monotonic() - began_s, code if envelope else 2, envelope)


def write_run(path: Path, found: Iterable[Envelope]) -> None:
    """Write the list of envelopes. Raises LabError if that can't be done."""
    forms = [json.loads(one.to_json()) for one in found]
    write_whole(path, json.dumps(forms, indent=2, ensure_ascii=False) + "\n")


def write_report(folder: Path, found: Sequence[Envelope]) -> None:
    """Write the report on a run, and all that it leads to, into `folder`. Raises LabError if that can't be done."""
    from experiments import report  # matplotlib takes a second to import, and only a report needs it

    check_report(folder)
    write_run(folder / RUN, found)
    for envelope in found:
        envelope.write_report(folder)
    page = report.write_whole_run(found, folder)
    print(f"written: {page}, and what it shows as JSON and CSV beside it", file=sys.stderr)
