"""The plot of `algorithms_speed`: a line an algorithm, from the time with the fewest servers to that with the most."""

from __future__ import annotations

from math import ceil, floor, log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from balancing import ALGORITHMS
from benchmarks.speed_words import sizes
from experiments.envelope import Row
from experiments.report import plot
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number

LEFT, RIGHT, TOP, ROW = 132, plot.WIDTH - 40, 44, 27  # points
DOTS = (2.2, 3.2, 4.2, 5.2)  # radius, from the fewest servers to the most


def draw(rows: Rows) -> Figure:
    """Algorithms downwards, the unequal weights of each; time to the right, in powers of ten."""
    weights = list(dict.fromkeys(row["weights"] for row in rows))[-1]
    shown = [row for row in rows if row["weights"] == weights]
    figure, axes = plot.canvas(TOP + ROW * len(shown) + 4)
    scale = Decades([number(row, f"ns_{servers}") for row in shown for servers in sizes(rows)])
    legend(axes, sizes(rows))
    for power in range(scale.low, scale.high + 1):
        x = scale.at(10**power)
        axes.plot([x, x], [TOP - 6, TOP + ROW * len(shown)], color=colour("line"), linewidth=1)
        plot.write(axes, x, TOP - 14, time(10**power), size=10, ink="faint", align="center")
    for position, row in enumerate(shown):
        line(axes, scale, row, TOP + ROW * (position + 0.5))
    return figure


class Decades:
    """From nanoseconds to a place: powers of ten, evenly apart."""

    def __init__(self, values: list[float]) -> None:
        self.low, self.high = floor(log10(min(values))), ceil(log10(max(values)))
        self.high = max(self.high, self.low + 1)

    def at(self, value: float) -> float:
        """Where on the page this time is."""
        return LEFT + (log10(value) - self.low) / (self.high - self.low) * (RIGHT - LEFT)


def line(axes: Axes, scale: Decades, row: Row, y: float) -> None:
    """One algorithm: a dot for each number of servers, and the last one's time."""
    ours = row["algorithm"] in ALGORITHMS
    times = [number(row, f"ns_{servers}") for servers in sizes([row])]
    places = [scale.at(value) for value in times]
    ink = colour("s1" if ours else "s2")
    plot.write(axes, 0, y, row["algorithm"], size=11, ink="ink" if ours else "faint")
    axes.plot([min(places), max(places)], [y, y], color=ink, linewidth=1.4)
    for place, radius in zip(places, radii(len(places)), strict=True):
        axes.plot([place], [y], color=ink, marker="o", markersize=2 * radius, markeredgewidth=0)
    plot.write(axes, max(places) + 9, y, time(times[-1]), size=10)


def legend(axes: Axes, servers: list[int]) -> None:
    """How large a dot is for how many servers."""
    step = (plot.WIDTH - LEFT) / len(servers)
    plot.write(axes, 0, 9, "servers", size=10, ink="faint")
    for position, (count, radius) in enumerate(zip(servers, radii(len(servers)), strict=True)):
        x = LEFT + step * position
        axes.plot([x], [9], color=colour("faint"), marker="o", markersize=2 * radius, markeredgewidth=0)
        plot.write(axes, x + 9, 9, amount(count), size=10, ink="faint")


def radii(count: int) -> list[float]:
    """The dots' radii, growing."""
    return [DOTS[min(position, len(DOTS) - 1)] for position in range(count)]


def time(ns: float) -> str:
    """
    >>> time(100), time(4200), time(10**5)
    ('100 ns', '4.20 µs', '100 µs')
    """
    return f"{amount(ns)} ns" if ns < 1000 else f"{amount(ns / 1000)} µs"
