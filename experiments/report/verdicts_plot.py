"""The plot of `verdicts`: where the figure of each claim lies, beside the bound of its rule.

    the claim in words
              doesn't hold ┆ ├──●──┤ holds          1.84 times (1.6 to 2.1)
                         bound

Each claim has a scale of its own, as its figure has a unit of its own. Right of the line is always where it holds.
"""

from __future__ import annotations

import math
import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.verdicts import INKS, MARKS, kind
from experiments.report.wording import amount, capital
from experiments.verdicts import Read, Rule, read

LINE, SCALE, GAP, HEAD = 15, 24, 8, 22    # points
LEFT, RIGHT, ROOM = 8, 250, 14            # of the scale; what stands right of it are figures
LETTERS = 66                              # that a line of words holds
LEAST = math.log(1.25)                    # how far a scale goes from its bound at least


def draw(rows: Rows) -> Figure:
    """One strip a claim: its words, then the scale."""
    found = [read(row) for row in rows]
    words = [textwrap.wrap(f"{MARKS[kind(one.verdict)]} {capital(one.says)}", LETTERS) for one in found]
    figure, axes = plot.canvas(HEAD + sum(LINE * len(lines) + SCALE + GAP for lines in words))
    middle = (LEFT + RIGHT) / 2
    plot.write(axes, middle - 6, 8, "doesn’t hold ◂", size=10, ink="faint", align="right")
    plot.write(axes, middle + 6, 8, "▸ holds", size=10, ink="faint")
    y = float(HEAD)
    for one, lines in zip(found, words, strict=True):
        for line in lines:
            plot.write(axes, 0, y + LINE / 2, line, size=11)
            y += LINE
        strip(axes, one, y + SCALE / 2)
        y += SCALE + GAP
    return figure


def strip(axes: Axes, one: Read, y: float) -> None:
    """The interval of one claim on its scale, and in figures."""
    middle, half = (LEFT + RIGHT) / 2, (RIGHT - LEFT) / 2
    ends = [beside(one.rule, value) for value in (one.found.low, one.found.figure, one.found.high)]
    most = max(LEAST, *(abs(end) for end in ends if math.isfinite(end)))
    low, figure, high = (middle + half * max(-1.0, min(1.0, end / most)) for end in ends)
    ink = colour(INKS.get(kind(one.verdict), "faint"))
    axes.plot([LEFT, RIGHT], [y, y], color=colour("line"), linewidth=1)
    axes.plot([middle, middle], [y - 9, y + 9], color=colour("faint"), linewidth=1.2, linestyle=(0, (3, 2)))
    axes.plot([low, high], [y, y], color=ink, linewidth=4, solid_capstyle="round")
    axes.plot([figure], [y], marker="o", markersize=8, color=ink)
    span = f"{amount(one.found.figure)} ({amount(one.found.low)} to {amount(one.found.high)})"
    plot.write(axes, RIGHT + ROOM, y, span, size=10, bold=True)


def beside(rule: Rule, value: float) -> float:
    """How far a value is from the bound, positive where the claim holds: as times, or where that can't be, as parts."""
    towards = 1 if rule.sign == ">" else -1
    if rule.bound > 0 and value > 0:
        return towards * math.log(value / rule.bound)
    return towards * (value - rule.bound) / (abs(rule.bound) or 1)
