"""The plot of `dataplane`: ratios with their ranges, and a mark where each must be."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number

COLOURS = {"hashed": "s1", "tracked": "s2", "reactive": "s4"}
TOP, ROW, BAR = 44, 46, 16  # points


def draw(rows: Rows) -> Figure:
    """A bar a figure, under its name."""
    figure, axes = plot.canvas(TOP + ROW * len(rows) + 4)
    highest = max((max(number(row, "high"), number(row, "must")) for row in rows), default=1)
    scale = Scale(max(1.0, highest), 0, plot.WIDTH - 8)
    for column, (pipeline, ink) in enumerate(COLOURS.items()):
        swatch(axes, 76 * column, 8, colour(ink), pipeline)
    mark(axes, 242, 8)
    plot.write(axes, 250, 8, "must be reached", size=10, ink="faint")
    x = scale.at(1)
    for position in range(len(rows)):  # not through the names
        ends = [TOP + ROW * position + 19, TOP + ROW * (position + 1) - 5]
        axes.plot([x, x], ends, color=colour("faint"), linewidth=1, linestyle=(0, (3, 3)))
    plot.write(axes, x, TOP - 14, "plain switching = 1", size=10, ink="faint",
               align="right" if x > plot.WIDTH / 2 else "left")
    for position, row in enumerate(rows):
        ratio(axes, scale, row, TOP + ROW * position)
    return figure


def ratio(axes: Axes, scale: Scale, row: Row, top: float) -> None:
    """The figure's name and its median; the bar to the median, the range, and the mark."""
    y = top + 30
    missed = "" if row["met"] else ", not reached"
    plot.write(axes, 0, top + 9, f"{row['figure']}: {amount(number(row, 'median'))}", size=11,
               ink="bad" if missed else "ink", bold=bool(missed))
    plot.write(axes, plot.WIDTH, top + 9, f"{row['bound']} {amount(number(row, 'must'))}{missed}", size=10,
               ink="faint", align="right")
    pipeline = str(row["figure"]).partition(" ")[0]
    value_bar(axes, scale.left, y, scale.length(number(row, "median")), BAR, COLOURS.get(pipeline, "s6"))
    ends = [scale.at(number(row, "low")), scale.at(number(row, "high"))]
    for ink, stroke in (("paper", 3.4), ("ink", 1.4)):  # a rim of paper, so that it is seen on the bar as well
        axes.plot(ends, [y, y], color=colour(ink), linewidth=stroke, marker="|", markersize=7, markeredgewidth=stroke)
    mark(axes, scale.at(number(row, "must")), y)


def mark(axes: Axes, x: float, y: float) -> None:
    """Where a ratio must be: a bold stroke across the bar."""
    for ink, stroke in (("paper", 5.0), ("bad", 2.4)):
        axes.plot([x, x], [y - BAR / 2 - 3, y + BAR / 2 + 3], color=colour(ink), linewidth=stroke)
