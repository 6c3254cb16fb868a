"""The plot of `best`: how far round robin was behind the best, in each case and at each layer."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.algorithms import in_case, words_of
from experiments.report.best import over
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name

LEFT, RIGHT, TOP, HEAD, ROW, BAR = 30, 40, 30, 28, 22, 13  # points
LEAST = 0.5  # where the scale begins at the latest


def draw(rows: Rows) -> Figure:
    """A bar from 1 to the median, a whisker over the rounds; a logarithmic scale, so that twice and half look alike."""
    cases = words_of(rows, "case")
    figure, axes = plot.canvas(TOP + HEAD * len(cases) + ROW * len(rows) + 6)
    place = scale(rows)
    bottom = TOP + HEAD * len(cases) + ROW * len(rows)
    axes.plot([place(1)] * 2, [TOP - 6, bottom], color=colour("faint"), linewidth=1, linestyle=(0, (3, 3)))
    plot.write(axes, place(1), 10, "as quick as the best", size=10, ink="faint",
               align="left" if place(1) < plot.WIDTH / 2 else "right")
    y = float(TOP)
    for case in cases:
        plot.write(axes, 0, y + HEAD / 2, case, size=12, bold=True)
        y += HEAD
        for row in in_case(rows, case):
            draw_row(axes, row, place, y + ROW / 2)
            y += ROW
    return figure


class Log:
    """From a margin to a place on the page."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.step = math.log(low), (plot.WIDTH - LEFT - RIGHT) / (math.log(high) - math.log(low))

    def __call__(self, value: float) -> float:
        """Where this value is; what can't be, at the left end."""
        return LEFT + (max(math.log(value), self.low) - self.low) * self.step if value > 0 else LEFT


def scale(rows: Rows) -> Log:
    """One that has room for all of the rows."""
    values = [value for row in rows for value in over(row, "round_robin_margin") if value > 0]
    return Log(min([LEAST, *values]), max([2.0, *values]))


def draw_row(axes: Axes, row: Row, place: Log, y: float) -> None:
    """One contest: a bar, its whisker, the figure."""
    middle, low, high = over(row, "round_robin_margin")
    clear = low > 1
    plot.write(axes, 0, y, layer_name(row["layer"]), size=12)
    left, right = sorted((place(1), place(middle)))
    plot.box(axes, left, y - BAR / 2, max(right - left, 0.8), BAR, fill=colour("s2" if clear else "s6"), radius=2)
    for ink, stroke in (("paper", 3.4), ("ink", 1.4)):  # a rim of paper, so that it is seen on the bar as well
        axes.plot([place(low), place(high)], [y, y], color=colour(ink), linewidth=stroke, marker="|", markersize=7,
                  markeredgewidth=stroke)
    plot.write(axes, max(place(high), place(middle)) + 6, y, amount(middle), size=11, bold=clear)
