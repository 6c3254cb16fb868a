"""The plots of `cost`: ratios with their ranges, and who spends CPU."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.cost import KINDS, WORKERS, balanced, cpu
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name, milliseconds, number

KIND_COLOURS = dict(zip(KINDS, ("s1", "s2"), strict=True))
WORKER_COLOURS = dict(zip(WORKERS, ("s1", "s5", "s4"), strict=True))
LEFT, TOP = 54, 46  # points
GROUP, BAR = 52, 17
ROOM_FOR_VALUE = 40


def draw_ratios(rows: Rows) -> Figure:
    """Two bars a layer; a whisker from the lowest to the highest round."""
    layers = balanced(rows)
    figure, axes = plot.canvas(TOP + GROUP * len(layers) + 8)
    highest = max((number(row, f"{kind}_ratio_high") for row in layers for kind in KINDS), default=1)
    scale = Scale(max(1.0, highest), LEFT, plot.WIDTH - 6)
    for column, (kind, words) in enumerate(KINDS.items()):
        swatch(axes, LEFT + 126 * column, 8, colour(KIND_COLOURS[kind]), words)
    reference(axes, scale.at(1), TOP + GROUP * len(layers), "plain switching = 1")
    for position, row in enumerate(layers):
        middle = TOP + GROUP * (position + 0.5)
        plot.write(axes, 0, middle, layer_name(row["layer"]), size=15, bold=True)
        for kind, offset in zip(KINDS, (-BAR / 2 - 1, BAR / 2 + 1), strict=True):
            ratio(axes, scale, row, kind, middle + offset)
    return figure


def reference(axes: Axes, x: float, bottom: float, words: str) -> None:
    """A dashed line that all bars are measured against."""
    axes.plot([x, x], [TOP - 6, bottom], color=colour("faint"), linewidth=1, linestyle=(0, (3, 3)))
    plot.write(axes, x, TOP - 15, words, size=10, ink="faint", align="right" if x > plot.WIDTH / 2 else "left")


def ratio(axes: Axes, scale: Scale, row: Row, kind: str, y: float) -> None:
    """A bar to the median, its range, and the figure."""
    low, middle, high = (number(row, f"{kind}_ratio{end}") for end in ("_low", "", "_high"))
    value_bar(axes, scale.left, y, scale.at(middle) - scale.left, BAR, KIND_COLOURS[kind])
    ends = [scale.at(low), scale.at(high)]
    for ink, stroke in (("paper", 3.4), ("ink", 1.4)):  # a rim of paper, so that it is seen on the bar as well
        axes.plot(ends, [y, y], color=colour(ink), linewidth=stroke, marker="|", markersize=7, markeredgewidth=stroke)
    inside = scale.at(low) - scale.left > ROOM_FOR_VALUE
    x = scale.left + 6 if inside else max(*ends, scale.at(middle)) + 6
    plot.write(axes, x, y, amount(middle), size=11, ink="on" if inside else "ink", bold=inside)


def draw_cpu(rows: Rows) -> Figure:
    """A stacked bar a layer: who spent how much."""
    figure, axes = plot.canvas(28 + 34 * len(rows))
    scale = Scale(max((sum(cpu(row).values()) for row in rows), default=1), LEFT, plot.WIDTH - 56)
    for column, worker in enumerate(WORKERS):
        swatch(axes, LEFT + 96 * column, 8, colour(WORKER_COLOURS[worker]), worker)
    for position, row in enumerate(rows):
        middle = 28 + 34 * (position + 0.5)
        plot.write(axes, 0, middle, layer_name(row["layer"]).partition(" ")[0], size=14, bold=True)
        stack(axes, scale, cpu(row), middle)
    return figure


def stack(axes: Axes, scale: Scale, spent: dict[str, float], y: float) -> None:
    """The workers' parts end to end, and the sum."""
    x = scale.left
    for worker, time_ms in spent.items():
        if width := scale.length(time_ms):
            value_bar(axes, x, y, width - 1, 22, WORKER_COLOURS[worker])
        x += width
    plot.write(axes, x + 6, y, milliseconds(sum(spent.values())), size=11)
