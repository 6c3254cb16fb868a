"""The report: one HTML page on a run, beside its raw JSON and CSV.

    envelope ─┬─► networks   drawn from the topologies that the rows name
              ├─► sections   each table's reading and pictures: pure functions of its rows
              └─► tables     as they are
                      └──► templates/page.html ──► NAME.html

Rules kept here:

1. The page needs nothing but itself: style and pictures are inside, there is no script, and nothing is fetched.
2. What is said is said from the run's own rows. The same envelope gives the same bytes.
3. What came from the run is text: the template escapes it.
4. Import this package where a report is written and nowhere else: it imports matplotlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.envelope import Envelope, write_whole
from experiments.report.beside import beside
from experiments.report.page import page
from experiments.report.whole import whole

__all__ = ["beside", "page", "whole", "write", "write_beside", "write_whole_run"]


def write(envelope: Envelope, folder: Path, *, question: str, command: str) -> Path:
    """Write NAME.html into `folder`, beside what Envelope.write_report wrote, and return its path.

    question: what the experiment asks. command: what to type to run it again.
    Raises LabError if the file can't be written.
    """
    path = folder / f"{envelope.name}.html"
    write_whole(path, page(envelope, question=question, command=command))
    return path


def write_whole_run(run: Sequence[Envelope], folder: Path) -> Path:
    """Write the report on a run of several experiments, report.html, into `folder` and return its path."""
    path = folder / "report.html"
    write_whole(path, whole(run))
    return path


def write_beside(one: Sequence[Envelope], other: Sequence[Envelope], folder: Path, *, names: tuple[str, str]) -> Path:
    """Write two runs side by side, beside.html, into `folder` and return its path."""
    path = folder / "beside.html"
    write_whole(path, beside(one, other, names))
    return path
