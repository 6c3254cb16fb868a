"""Lines over a number that doubles: what plots of growth have in common. Solid is measured, dashed is stated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import swatch
from experiments.report.palette import colour
from experiments.report.wording import amount

LEFT, RIGHT, PANEL, FOOT, ENTRY, GAP = 40, 14, 160, 40, 16, 14  # points
DASHES = (0, (3, 2))


@dataclass(frozen=True)
class Curve:
    """One line. points: (number, value); dashed: what theory or a table says, beside what was measured."""

    name: str
    points: Sequence[tuple[float, float]]
    ink: str
    dashed: bool = False


def draw(curves: Sequence[Curve], below: str, above: str, dashes: str) -> Figure:
    """All of them on one pair of axes. below: what the numbers are; above: what values are; dashes: what those say."""
    names = list(dict.fromkeys((curve.name, curve.ink) for curve in curves))
    dashed = any(curve.dashed for curve in curves)
    top = 8 + ENTRY * ((len(names) + 1) // 2 + dashed) + GAP
    figure, axes = plot.canvas(top + PANEL + FOOT)
    for place, (name, ink) in enumerate(names):
        swatch(axes, place % 2 * plot.WIDTH / 2, 8 + ENTRY * (place // 2), colour(ink), name)
    if dashed:
        y = 8 + ENTRY * ((len(names) + 1) // 2)
        axes.plot([0, 10], [y, y], color=colour("ink"), linewidth=1.4, linestyle=DASHES)
        plot.write(axes, 15, y, dashes, size=10, ink="faint")
    _panel(axes, curves, top, below, above)
    return figure


def _panel(axes: Axes, curves: Sequence[Curve], top: float, below: str, above: str) -> None:
    numbers = sorted({number for curve in curves for number, _ in curve.points})
    most = max((value for curve in curves for _, value in curve.points), default=1.0) or 1.0
    span = math.log(numbers[-1] / numbers[0]) or 1.0

    def at(number: float, value: float) -> tuple[float, float]:
        return (LEFT + math.log(number / numbers[0]) / span * (plot.WIDTH - LEFT - RIGHT),
                top + PANEL * (1 - value / most))

    for value in (0.0, most / 2, most):
        (left, y), (right, _) = at(numbers[0], value), at(numbers[-1], value)
        axes.plot([left, max(right, left + 1)], [y, y], color=colour("line"), linewidth=0.8)
        plot.write(axes, LEFT - 6, y, amount(value), size=9, ink="faint", align="right")
    for number in numbers:
        plot.write(axes, at(number, 0)[0], top + PANEL + 12, amount(number), size=9, ink="faint", align="center")
    plot.write(axes, plot.WIDTH - RIGHT, top + PANEL + 28, below, size=10, ink="faint", align="right")
    plot.write(axes, LEFT, top + PANEL + 28, above, size=10, ink="faint")
    for curve in curves:
        places = [at(*point) for point in curve.points]
        axes.plot(*zip(*places, strict=True), color=colour(curve.ink), linewidth=1.2 if curve.dashed else 1.8,
                  linestyle=DASHES if curve.dashed else "-", marker="" if curve.dashed else "o", markersize=4)
