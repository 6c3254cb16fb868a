"""The chart of `failover`: who noticed which fault, and what was lost."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale
from experiments.report.failover import as_predicted, faults_of, layers_of, lost_part, noticed
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name, number, percent

LEFT, TOP, ROW, GAP, LOSS = 84, 28, 62, 5, 5  # points


def draw(rows: Rows) -> Figure:
    """Faults downwards, layers to the right."""
    layers, faults = layers_of(rows), faults_of(rows)
    figure, axes = plot.canvas(TOP + ROW * len(faults))
    column = (plot.WIDTH - LEFT) / len(layers)
    scale = Scale(max(map(lost_part, rows)), 0, column - GAP - 12)
    for position, layer in enumerate(layers):
        plot.write(axes, LEFT + column * (position + 0.5), 12, layer_name(layer), size=14, bold=True, align="center")
    for position, fault in enumerate(faults):
        plot.write(axes, 0, TOP + ROW * (position + 0.5), fault, size=12)
    for row in rows:
        x, y = LEFT + column * layers.index(str(row["layer"])), TOP + ROW * faults.index(str(row["fault"]))
        draw_cell(axes, row, x + GAP / 2, y + GAP / 2, column - GAP, scale)
    return figure


def draw_cell(axes: Axes, row: Row, x: float, y: float, width: float, scale: Scale) -> None:
    """Filled where it was noticed, an outline where not; red and a cross is otherwise than predicted."""
    saw, right = noticed(row), as_predicted(row)
    ink = ("good" if saw else "line") if right else "bad"
    plot.box(axes, x, y, width, ROW - GAP, fill=colour(ink) if saw else "none", edge=colour(ink), radius=4)
    words = ("" if right else "✗ ") + (f"{amount(number(row, 'noticed_s'))} s" if saw else "not noticed")
    text = "on" if saw else "faint" if right else "bad"
    plot.write(axes, x + width / 2, y + 15, words, size=13 if saw else 11, bold=saw or not right, align="center",
               ink=text)
    plot.write(axes, x + width / 2, y + 33, f"{percent(lost_part(row))} lost", size=10, align="center", ink=text)
    plot.box(axes, x + 6, y + 44, max(scale.length(lost_part(row)), 0.6), LOSS, fill=colour(text), radius=2)
