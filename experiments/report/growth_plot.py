"""The plots of `growth`: a panel for each thing that grows, a line for each realisation."""

from __future__ import annotations

from functools import partial
from math import log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.growth_words import series
from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, swatch
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number

COLOURS = {"hashed": "s1", "tracked": "s2"}
TOP, PANEL, BOTTOM, GAP = 54, 110, 38, 22  # points


def draw(rows: Rows, column: str) -> Figure:
    """Panels side by side with one scale of `column` from 0 upwards; to the right the number, in powers of ten."""
    figure, axes = plot.canvas(TOP + PANEL + BOTTOM)
    for position, (realisation, ink) in enumerate(COLOURS.items()):
        swatch(axes, 90 * position, 8, colour(ink), realisation)
    kinds = list(dict.fromkeys(str(row["grows"]) for row in rows))
    most = max((number(row, name) for row in rows for name in (column, f"{column}_high")), default=1)
    height = Scale(most, 0, PANEL)
    width = (plot.WIDTH + GAP) / (len(kinds) or 1) - GAP
    for position, grows in enumerate(kinds):
        panel(axes, rows, column, grows, height, position * (width + GAP), width)
    return figure


def panel(axes: Axes, rows: Rows, column: str, grows: str, height: Scale, left: float, width: float) -> None:
    """One thing that grows: a floor with its numbers, the lines, and above them their last values."""
    floor = TOP + PANEL
    axes.plot([left, left + width], [floor, floor], color=colour("line"), linewidth=1)
    plot.write(axes, left + width / 2, floor + 28, grows, size=10, ink="faint", align="center")
    numbers = sorted({number(row, "number") for row in rows if row["grows"] == grows})
    at = places(numbers, left + 14, left + width - 20)
    for value in numbers:
        plot.write(axes, at[value], floor + 12, amount(value), size=9, ink="faint", align="center")
    for (realisation, ink), right in zip(COLOURS.items(), (width - 52, width), strict=True):
        own = series(rows, realisation, grows)
        line(axes, own, column, at, height, colour(ink))
        if own:
            plot.write(axes, left + right, TOP - 20, amount(number(own[-1], column)), size=10, ink=ink, align="right")


def places(numbers: list[float], left: float, right: float) -> dict[float, float]:
    """Where each number is, by its logarithm.

    >>> places([1, 10, 100], 0, 50)
    {1: 0.0, 10: 25.0, 100: 50.0}
    """
    logs = [log10(max(value, 1)) for value in numbers]
    span = (logs[-1] - logs[0] or 1) if logs else 1
    return {value: left + (place - logs[0]) / span * (right - left)
            for value, place in zip(numbers, logs, strict=True)}


def line(axes: Axes, own: list[Row], column: str, at: dict[float, float], height: Scale, ink: str) -> None:
    """One realisation: a dot a number, and its range where there is one."""
    floor = TOP + PANEL
    x = [at[number(row, "number")] for row in own]
    y = [floor - height.length(number(row, column)) for row in own]
    axes.plot(x, y, color=ink, linewidth=1.6, marker="o", markersize=5, markeredgewidth=0)
    for place, row in zip(x, own, strict=True):
        if f"{column}_low" in row:
            ends = [floor - height.length(number(row, f"{column}_{end}")) for end in ("low", "high")]
            axes.plot([place, place], ends, color=ink, linewidth=1)


draw_ratio, draw_install, draw_rules, draw_flows = (
    partial(draw, column=column) for column in ("ratio", "install_ms", "rules", "datapath_flows"))
