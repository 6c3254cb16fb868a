"""The plots of `crowd`: how it spread, and what the switch had to remember."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import Scale, servers_legend, share_bar, swatch, value_bar
from experiments.report.crowd import MEMORY
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name, number, share_of

LEFT, TOP = 44, 26  # points
MEMORY_COLOURS = dict(zip(MEMORY, ("s1", "s5"), strict=True))


def draw_shares(rows: Rows) -> Figure:
    """A bar a layer, a part for each server."""
    figure, axes = plot.canvas(TOP + 40 * len(rows))
    servers_legend(axes, list(dict.fromkeys(server for row in rows for server in share_of(row))), LEFT, 8)
    for position, row in enumerate(rows):
        middle = TOP + 40 * (position + 0.5)
        plot.write(axes, 0, middle, layer_name(row["layer"]), size=15, bold=True)
        share_bar(axes, share_of(row), LEFT, middle - 13, plot.WIDTH - LEFT, 26)
    return figure


def draw_memory(rows: Rows) -> Figure:
    """Two bars a layer: entries in the switch, and packets to the controller."""
    figure, axes = plot.canvas(TOP + 52 * len(rows))
    most = max((number(row, column) for row in rows for column in MEMORY), default=1)
    scale = Scale(most, LEFT, plot.WIDTH - 50)
    for position, (column, words) in enumerate(MEMORY.items()):
        swatch(axes, LEFT + 176 * position, 8, colour(MEMORY_COLOURS[column]), words)
    for position, row in enumerate(rows):
        middle = TOP + 52 * (position + 0.5)
        plot.write(axes, 0, middle, layer_name(row["layer"]), size=15, bold=True)
        for column, y in zip(MEMORY, (middle - 9.5, middle + 9.5), strict=True):
            length = scale.length(number(row, column))
            value_bar(axes, LEFT, y, length, 17, MEMORY_COLOURS[column])
            plot.write(axes, LEFT + length + 6, y, amount(number(row, column)), size=11)
    return figure
