"""The chart of `disruption`: what part of connections each scheme took from a server that was there."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale
from experiments.report.disruption import as_predicted, moved, of_column, percent
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import number

LEFT, TOP, ROW, GAP = 152, 28, 40, 5  # points


def draw(rows: Rows) -> Figure:
    """Schemes downwards, events to the right."""
    schemes, events = of_column(rows, "scheme"), of_column(rows, "event")
    figure, axes = plot.canvas(TOP + ROW * len(schemes))
    column = (plot.WIDTH - LEFT) / len(events)
    scale = Scale(100, 0, column - GAP)
    for position, event in enumerate(events):
        plot.write(axes, LEFT + column * (position + 0.5), 12, event, size=9, align="center")
    for position, scheme in enumerate(schemes):
        plot.write(axes, 0, TOP + ROW * (position + 0.5), scheme, size=9)
    for row in rows:
        x, y = LEFT + column * events.index(str(row["event"])), TOP + ROW * schemes.index(str(row["scheme"]))
        draw_cell(axes, row, x + GAP / 2, y + GAP / 2, scale)
    return figure


def draw_cell(axes: Axes, row: Row, x: float, y: float, scale: Scale) -> None:
    """A bar of those that were moved, and how many broke; a cross is otherwise than predicted."""
    right = as_predicted(row)
    plot.box(axes, x, y, scale.right, ROW - GAP, fill="none", edge=colour("line"), radius=4)
    if moved(row):
        plot.box(axes, x, y + ROW - GAP - 7, max(scale.length(moved(row)), 0.6), 7, fill=colour("s2"), radius=2)
    words = ("" if right else "✗ ") + percent(moved(row))
    plot.write(axes, x + 6, y + 11, words, size=12, bold=not moved(row), ink="ink" if right else "bad")
    broken = f"{number(row, 'connections_broken'):.0f} broke"
    plot.write(axes, x + 6, y + 23, broken, size=8, ink="faint")
