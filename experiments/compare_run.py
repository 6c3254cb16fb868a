"""`./lab compare` on the terminal: the triangle fills in as the cells are measured, then the table."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from experiments import compare, triangle
from experiments.compare import Cell, Size
from experiments.experiment import Findings, Options
from experiments.lab import Lab
from experiments.tables import print_table
from topologies import capsule


def run(options: Options) -> Findings:
    """Measure the ladder, showing it as it grows. Raises LabError as `compare.ladder` does."""
    size = dataclasses.replace(compare.QUICK if options.quick else compare.FULL, **options.size)
    for topology in compare.TOPOLOGIES_USED:
        compare.lab_for(topology, size)  # raises for a size that can't be built, before anything is
    capsule.enter()
    cells, datapath = _measure(size, options.seed)
    _show(cells)
    return Findings({"ladder": list(compare.rows(cells))}, {"datapath": datapath},
                    all(cell.as_predicted for cell in cells))


def _measure(size: Size, seed: int) -> tuple[list[Cell], str]:
    cells: list[Cell] = []
    datapaths: list[str] = []

    def met(lab: Lab) -> None:
        datapaths.append(lab.datapath)

    with _Display() as display:
        for cell in compare.ladder(size, seed, say=display.say, on_lab=met):
            cells.append(cell)
            display.add(cell)
    return cells, datapaths[0]


def _show(cells: list[Cell]) -> None:
    """The result, on stdout."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(triangle.draw(cells))
    print_table("ladder", compare.rows(cells), style=lambda row, column: _ink(row["layer"], row["situation"], cells))
    console.print(compare.moral(cells))


def _ink(layer: object, situation: object, cells: list[Cell]) -> str:
    """Green for what was spread as predicted, plain for one server as predicted, red for the rest."""
    (cell,) = [cell for cell in cells if (cell.layer, cell.situation) == (layer, situation)]
    return ("green" if cell.spread else "") if cell.as_predicted else "bold red"


class _Display(contextlib.AbstractContextManager["_Display"]):
    """Progress, on stderr: a live triangle on a terminal, a line a step elsewhere."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.started_s = time.monotonic()
        self.cells: list[Cell] = []
        self.words = ""
        self.live = Live(self, console=self.console, transient=True, refresh_per_second=8)

    def __enter__(self) -> _Display:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def __rich_console__(self, *ignored: object) -> Iterator[Group]:
        status = f"{self._elapsed_s():3.0f} s  {len(self.cells)} of {len(compare.ORDER)} cells  {self.words}"
        yield Group(triangle.draw(self.cells), Text(status, "dim"))

    def say(self, words: str) -> None:
        """What is going on now."""
        self.words = words
        if not self.console.is_terminal:
            print(f"{self._elapsed_s():5.1f} s  {words}", file=sys.stderr, flush=True)

    def add(self, cell: Cell) -> None:
        """One more cell is known."""
        self.cells.append(cell)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.started_s
