"""The plot of `proxy`: how far each figure is, with what it must reach as 1. Right of the stroke is better, always."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.proxy_words import short
from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, value_bar
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import number

TOP, ROW, BAR = 44, 46, 16  # points
MOST = 3.0  # times what must be reached; a bar beyond ends there


def draw(rows: Rows) -> Figure:
    """A bar for each figure that must reach something, under its name."""
    held = [row for row in rows if row["must"] is not None]
    figure, axes = plot.canvas(TOP + ROW * len(held) + 4)
    scale = Scale(MOST, 0, plot.WIDTH - 8)
    mark(axes, 4, 8, "bad")
    plot.write(axes, 12, 8, "must be reached", size=10, ink="faint")
    mark(axes, 122, 8, "faint")
    plot.write(axes, 130, 8, "is aimed at", size=10, ink="faint")
    for position, row in enumerate(held):
        reached(axes, scale, row, TOP + ROW * position)
    return figure


def name(row: Row) -> str:
    """What the figure is called, without what stands in brackets: there is no room for it."""
    return str(row["figure"]).partition(" (")[0]


def part(row: Row, value: float) -> float:
    """A value as times what must be reached, within the scale; where less is better the other way round."""
    must = number(row, "must")
    times = must / value if row["bound"] == "at most" and value else value / must
    return min(MOST, max(0.0, times))


def reached(axes: Axes, scale: Scale, row: Row, top: float) -> None:
    """The figure's name and its median; the bar to the median, the range, and the marks."""
    y, there = top + 30, row["median"] is not None
    missed = "" if row["met"] else ", not reached" if there else ", not measured"
    value = short(number(row, "median")) if there else str(row["why_not"])[:60]
    plot.write(axes, 0, top + 9, f"{name(row)}: {value}", size=11, ink="bad" if missed and there else "ink",
               bold=bool(missed and there))
    plot.write(axes, plot.WIDTH, top + 9, f"{row['bound']} {number(row, 'must'):g}{missed}", size=10, ink="faint",
               align="right")
    if there:
        value_bar(axes, scale.left, y, scale.length(part(row, number(row, "median"))), BAR, "s1")
        ends = [scale.at(part(row, number(row, end))) for end in ("low", "high")]
        for ink, stroke in (("paper", 3.4), ("ink", 1.4)):  # a rim of paper, so that it is seen on the bar as well
            axes.plot(ends, [y, y], color=colour(ink), linewidth=stroke, marker="|", markersize=7,
                      markeredgewidth=stroke)
    mark(axes, scale.at(1), y, "bad")
    mark(axes, scale.at(part(row, number(row, "aim"))), y, "faint")


def mark(axes: Axes, x: float, y: float, ink: str) -> None:
    """A bold stroke across the bar."""
    for rim, stroke in (("paper", 5.0), (ink, 2.4)):
        axes.plot([x, x], [y - BAR / 2 - 3, y + BAR / 2 + 3], color=colour(rim), linewidth=stroke)
