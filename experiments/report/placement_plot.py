"""The plots of `placement`: a row for each place."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import Scale, value_bar
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import capital, milliseconds, number, percent

LEFT, RIGHT, ROW, BAR = 128, 62, 34, 14  # points


def draw_latency(rows: Rows) -> Figure:
    """A bar to p50, a stroke to p95."""
    figure, axes = plot.canvas(ROW * len(rows) + 4)
    scale = Scale(max(number(row, "p95_ms") for row in rows), LEFT, plot.WIDTH - RIGHT)
    for place, row in enumerate(rows):
        y = ROW * (place + 0.5)
        plot.write(axes, 0, y, capital(str(row["place"])), size=12)
        value_bar(axes, LEFT, y, scale.length(number(row, "p50_ms")), BAR, "s1")
        middle, end = (scale.at(number(row, column)) for column in ("p50_ms", "p95_ms"))
        axes.plot([middle, end], [y, y], color=colour("ink"), linewidth=1.4, marker="|", markersize=7)
        plot.write(axes, end + 6, y, milliseconds(number(row, "p50_ms")), size=11, bold=True)
    return figure


def draw_lost(rows: Rows) -> Figure:
    """Two bars a place: of all requests, and of those that came late enough."""
    died = [row for row in rows if row["died"]]
    figure, axes = plot.canvas(ROW * 1.3 * len(died) + 4)
    scale = Scale(1.0, LEFT, plot.WIDTH - RIGHT)
    for place, row in enumerate(died):
        y = ROW * 1.3 * (place + 0.5)
        plot.write(axes, 0, y, capital(str(row["place"])), size=12)
        for shift, lost, of, fill in ((-9, "lost", "while_dead", "s2"), (9, "lost_late", "later", "bad")):
            part = number(row, lost) / (number(row, of) or 1)
            value_bar(axes, LEFT, y + shift, scale.length(part), BAR, fill)
            plot.write(axes, scale.at(part) + 6, y + shift, percent(part), size=11, bold=True)
    return figure
