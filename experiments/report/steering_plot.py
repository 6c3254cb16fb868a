"""The plot of `steering_course`: a line a way, the slow server's share over time."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import swatch
from experiments.report.palette import server_colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number, percent

LEFT, TOP, HEIGHT, BOTTOM = 40, 64, 150, 24  # points


def draw(rows: Rows) -> Figure:
    """Time to the right, the share upwards, an even share as a mark."""
    figure, axes = plot.canvas(TOP + HEIGHT + BOTTOM)
    ways = [column for column in rows[0] if column != "second"]
    most = max([0.5, *(number(row, way) for row in rows for way in ways)])
    last = max(number(row, "second") for row in rows) or 1

    def at(second: float, share: float) -> tuple[float, float]:
        return LEFT + second / last * (plot.WIDTH - LEFT - 8), TOP + HEIGHT * (1 - share / most)

    for share in (0.0, 1 / 3, most):
        (start, y), (end, _) = at(0, share), at(last, share)
        axes.plot([start, end], [y, y], color=plot.colour("line"), linewidth=1)
        plot.write(axes, LEFT - 6, y, percent(share), size=10, ink="faint", align="right")
    for position, way in enumerate(ways):
        places = [at(number(row, "second"), number(row, way)) for row in rows]
        axes.plot(*zip(*places, strict=True), color=server_colour(position), linewidth=1.8)
        swatch(axes, LEFT, 8 + 17 * position, server_colour(position), way)
    plot.write(axes, plot.WIDTH - 8, TOP + HEIGHT + 14, f"{amount(last)} s", size=10, ink="faint", align="right")
    return figure
