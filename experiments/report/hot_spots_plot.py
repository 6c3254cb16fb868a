"""The plot of `hot_spots`: the fullest server, measured and by theory, on one scale."""

from __future__ import annotations

import math
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.hot_spots import HOT
from experiments.report import plot
from experiments.report.hot_spots import in_situation, of_column
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number

LEFT, RIGHT, TOP, HEAD, ROW = 140, 36, 46, 28, 19  # points
Place = Callable[[float], float]


def draw(rows: Rows) -> Figure:
    """A dot for the mean, a stroke over the rounds, a diamond for theory; a logarithmic scale from the fair share."""
    situations = of_column(rows, "situation")
    bottom = TOP + HEAD * len(situations) + ROW * len(rows)
    figure, axes = plot.canvas(bottom + 6)
    place = scale(rows)
    legend(axes)
    mark(axes, place(1), bottom, "fair share")
    mark(axes, place(HOT), bottom, "hot", dashed=True)
    y = float(TOP)
    for situation in situations:
        plot.write(axes, 0, y + HEAD / 2, situation, size=12, bold=True)
        y += HEAD
        for row in in_situation(rows, situation):
            draw_row(axes, row, place, y + ROW / 2)
            y += ROW
    return figure


def scale(rows: Rows) -> Place:
    """From a multiple of the fair share to a place on the page."""
    most = max([2.0, *(number(row, column) for row in rows for column in ("fullest_high", "theory"))])
    return lambda value: LEFT + math.log(max(value, 1.0)) / math.log(most) * (plot.WIDTH - LEFT - RIGHT)


def legend(axes: Axes) -> None:
    """What the marks mean."""
    axes.plot([4], [12], color=colour("s1"), marker="o", markersize=6)
    plot.write(axes, 12, 12, "measured", size=10, ink="faint")
    axes.plot([84], [12], color=colour("s2"), marker="D", markersize=6, fillstyle="none", markeredgewidth=1.5)
    plot.write(axes, 94, 12, "theory", size=10, ink="faint")


def mark(axes: Axes, x: float, bottom: float, words: str, *, dashed: bool = False) -> None:
    """A line from top to bottom."""
    axes.plot([x, x], [TOP - 4, bottom], color=colour("line"), linewidth=1, linestyle=(0, (3, 3)) if dashed else "-")
    plot.write(axes, x, TOP - 12, words, size=10, ink="faint", align="left" if dashed else "right")


def draw_row(axes: Axes, row: Row, place: Place, y: float) -> None:
    """One algorithm in one situation."""
    mean, low, high = (number(row, column) for column in ("fullest", "fullest_low", "fullest_high"))
    hot = mean >= HOT
    plot.write(axes, 0, y, row["algorithm"], size=10)
    axes.plot([place(low), place(high)], [y, y], color=colour("s1"), linewidth=2)
    axes.plot([place(mean)], [y], color=colour("s1"), marker="o", markersize=6)
    right = max(place(high), place(mean))
    if row["theory"] is not None:
        said = place(number(row, "theory"))
        axes.plot([said], [y], color=colour("s2"), marker="D", markersize=8, fillstyle="none", markeredgewidth=1.5)
        right = max(right, said)
    plot.write(axes, right + 8, y, amount(mean), size=10, bold=hot)
