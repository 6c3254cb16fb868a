"""The plot of `control_plane`: whose CPU grows with the load."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.control_plane import of, realisations
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number

LEFT, TOP, ROW, BAR, HEAD = 84, 26, 30, 11, 22  # points
WORKERS = {"switch": "s1", "controller": "s5"}  # whose CPU, and its colour


def draw(rows: Rows) -> Figure:
    """Two bars a step, realisation by realisation, as the load grows."""
    names = realisations(rows)
    figure, axes = plot.canvas(TOP + HEAD * len(names) + ROW * len(rows))
    scale = Scale(max((number(row, f"{worker}_cpu_pct") for row in rows for worker in WORKERS), default=1), LEFT,
                  plot.WIDTH - 50)
    for place, (worker, ink) in enumerate(WORKERS.items()):
        swatch(axes, LEFT + 96 * place, 8, colour(ink), worker)
    y = float(TOP)
    for name in names:
        plot.write(axes, 0, y + HEAD / 2, name, size=13, bold=True)
        y += HEAD
        for row in of(rows, name):
            plot.write(axes, 0, y + ROW / 2, f"{amount(number(row, 'offered_per_s'))}/s", size=10)
            for offset, (worker, ink) in zip((-BAR / 2 - 1, BAR / 2 + 1), WORKERS.items(), strict=True):
                value = number(row, f"{worker}_cpu_pct")
                value_bar(axes, LEFT, y + ROW / 2 + offset, scale.length(value), BAR, ink)
                plot.write(axes, LEFT + scale.length(value) + 6, y + ROW / 2 + offset, amount(value), size=9)
            y += ROW
    return figure
