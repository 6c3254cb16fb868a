"""The plot of a latency distribution: percentiles to the right, each nine as wide as the one before; time upwards.

    ms                                        columns: panel, series, kind (measured, theory), percent, ms
     |                              ____/     (experiments/distribution.py makes such rows)
     |         ______________-----''
     |_____----
     └────────┬─────────┬─────────┬──────
             p50       p90       p99   p99.9

The axis is HdrHistogram's: a percentile p is at log10(1 / (1 - p)), so that a tail takes as much room as its nines. (G.
Tene, "How NOT to Measure Latency", 2013.) Both axes are logarithmic: a straight line upwards is an exponential's tail
that bends, and two lines that keep their distance differ by a factor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import swatch
from experiments.report.palette import colour, server_colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number

LEFT, RIGHT, HEAD, PANEL, FOOT, ENTRY = 56, 14, 26, 150, 26, 16  # points
MARKS = (50.0, 90.0, 99.0, 99.9, 99.99)
DASHES = (0, (3, 2))


def nines(percent: float) -> float:
    """Where a percentile is: how many nines it has.

    >>> [round(nines(percent), 2) for percent in (0, 50, 90, 99, 99.9)]
    [0.0, 0.3, 1.0, 2.0, 3.0]
    """
    return abs(math.log10(1 - min(percent, 99.9999) / 100))


def draw(rows: Rows) -> Figure:
    """A panel for each that rows name, one below the other, and above them whose line is whose."""
    panels, series = (list(dict.fromkeys(str(row[column]) for row in rows)) for column in ("panel", "series"))
    top = 6 + ENTRY * ((len(series) + 1) // 2 + any(row["kind"] == "theory" for row in rows))
    figure, axes = plot.canvas(top + (HEAD + PANEL + FOOT) * max(len(panels), 1))
    inks = {name: server_colour(place) for place, name in enumerate(series)}
    _legend(axes, inks, rows)
    for place, panel in enumerate(panels):
        draw_panel(axes, [row for row in rows if row["panel"] == panel], panel, inks,
                   top + (HEAD + PANEL + FOOT) * place + HEAD)
    return figure


def _legend(axes: Axes, inks: dict[str, str], rows: Rows) -> None:
    for place, (name, ink) in enumerate(inks.items()):
        swatch(axes, place % 2 * plot.WIDTH / 2, 8 + ENTRY * (place // 2), ink, name)
    if any(row["kind"] == "theory" for row in rows):
        y = 8 + ENTRY * ((len(inks) + 1) // 2)
        axes.plot([0, 10], [y, y], color=colour("ink"), linewidth=1.4, linestyle=DASHES)
        plot.write(axes, 15, y, "the same in theory", size=10, ink="faint")


def draw_panel(axes: Axes, rows: Rows, title: str, inks: dict[str, str], top: float) -> None:
    """One set of axes, `top` points down, with every line of these rows."""
    times = [max(number(row, "ms"), 1e-3) for row in rows]
    steps = ticks(min(times), max(times))
    low, span = math.log(min(steps)), math.log(max(steps) / min(steps))
    furthest = max(nines(number(row, "percent")) for row in rows)

    def at(percent: float, ms: float) -> tuple[float, float]:
        return (LEFT + nines(percent) / furthest * (plot.WIDTH - LEFT - RIGHT),
                top + PANEL * (1 - (math.log(max(ms, 1e-3)) - low) / span))

    plot.write(axes, 0, top - 15, title, size=12, bold=True)
    _grid(axes, steps, furthest, at(0, min(steps))[1], [at(0, step)[1] for step in steps])
    for name, ink in inks.items():
        for kind, dash in (("measured", "-"), ("theory", DASHES)):
            own = [at(number(row, "percent"), number(row, "ms")) for row in rows
                   if (row["series"], row["kind"]) == (name, kind)]
            if own:
                axes.plot(*zip(*own, strict=True), color=ink, linewidth=1.8 if kind == "measured" else 1.2,
                          linestyle=dash)


def _grid(axes: Axes, steps: Sequence[float], furthest: float, floor: float, heights: Sequence[float]) -> None:
    for step, y in zip(steps, heights, strict=True):
        axes.plot([LEFT, plot.WIDTH - RIGHT], [y, y], color=colour("line"), linewidth=0.8)
        plot.write(axes, LEFT - 6, y, f"{amount(step)} ms", size=9, ink="faint", align="right")
    for percent in MARKS:
        if nines(percent) <= furthest + 1e-9:
            x = LEFT + nines(percent) / furthest * (plot.WIDTH - LEFT - RIGHT)
            axes.plot([x, x], [floor, floor + 4], color=colour("faint"), linewidth=1)
            plot.write(axes, x, floor + 13, f"p{percent:g}", size=9, ink="faint", align="center")


def ticks(least: float, most: float) -> list[float]:
    """Marks of a logarithmic axis: 1, 2 and 5 times powers of ten, from at most `least` to at least `most`.

    >>> ticks(3, 60)
    [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]
    """
    marks = [factor * 10.0 ** power for power in range(-4, 8) for factor in (1, 2, 5)]
    first = max(place for place, mark in enumerate(marks) if mark <= least)
    last = min(place for place, mark in enumerate(marks) if mark >= most and place > first)
    return marks[first:last + 1]
