"""The plots of `algorithms`: a grid for each case, algorithms downwards and layers to the right."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.algorithms import in_case, p95, words_of
from experiments.report.bars import servers_legend, share_bar
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name, share_of

LEFT, HEAD, ROW, GAP = 128, 44, 19, 14  # points
BAR = 11
ROOM_FOR_VALUE = 34
LONGEST_NAME = 24  # letters

DrawCell = Callable[[Axes, Row, float, float, float], object]  # axes, row, x, middle, width


def draw_latency(rows: Rows) -> Figure:
    """A bar as long as p95, each case on a scale of its own; green for the quickest of its layer."""
    figure, axes = plot.canvas(height(rows))
    for case, top in tops(rows, 0).items():
        own = in_case(rows, case)
        most = max(map(p95, own)) or 1
        quickest = {layer: min(p95(row) for row in own if row["layer"] == layer) for layer in words_of(own, "layer")}

        def draw_cell(axes: Axes, row: Row, x: float, y: float, width: float, most: float = most,
                      quickest: dict[str, float] = quickest) -> None:
            best = p95(row) == quickest[str(row["layer"])]
            length = max(0.8, p95(row) / most * (width - ROOM_FOR_VALUE))
            plot.box(axes, x, y - BAR / 2, length, BAR, fill=colour("good" if best else "s1"), radius=2)
            plot.write(axes, x + length + 3, y, amount(round(p95(row))), size=9, bold=best)

        grid(axes, own, f"{case}: p95 in ms", top, draw_cell)
    return figure


def draw_shares(rows: Rows) -> Figure:
    """A bar is all requests of a cell, a part of it one server's."""
    legend = 26
    figure, axes = plot.canvas(height(rows) + legend)
    servers_legend(axes, list(dict.fromkeys(server for row in rows for server in share_of(row))) or ["srv1"], LEFT, 8)
    for case, top in tops(rows, legend).items():
        grid(axes, in_case(rows, case), case, top,
             lambda axes, row, x, y, width: share_bar(axes, share_of(row), x, y - 7, width - 8, 14))
    return figure


def height(rows: Rows) -> float:
    """Of the grids of all cases."""
    return sum(_tall(in_case(rows, case)) for case in words_of(rows, "case"))


def tops(rows: Rows, first: float) -> dict[str, float]:
    """Where the grid of each case begins."""
    found, y = {}, first
    for case in words_of(rows, "case"):
        found[case] = y
        y += _tall(in_case(rows, case))
    return found


def _tall(rows: Rows) -> float:
    return HEAD + ROW * len(words_of(rows, "algorithm")) + GAP


def grid(axes: Axes, rows: Rows, title: str, top: float, draw_cell: DrawCell) -> None:
    """One case: its title, the layers' names, a line for each algorithm."""
    layers, algorithms = words_of(rows, "layer"), words_of(rows, "algorithm")
    column = (plot.WIDTH - LEFT) / len(layers)
    plot.write(axes, 0, top + 10, title, size=12, bold=True)
    for position, layer in enumerate(layers):
        plot.write(axes, LEFT + column * position, top + 32, layer_name(layer), size=12, bold=True)
    for position, algorithm in enumerate(algorithms):
        name = algorithm if len(algorithm) <= LONGEST_NAME else algorithm[: LONGEST_NAME - 1] + "…"
        plot.write(axes, 0, top + HEAD + ROW * (position + 0.5), name, size=10.5)
    for row in rows:
        x = LEFT + column * layers.index(str(row["layer"]))
        draw_cell(axes, row, x, top + HEAD + ROW * (algorithms.index(str(row["algorithm"])) + 0.5), column)
