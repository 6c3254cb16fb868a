"""The grid of `distinguish`: a yes or a no for each layer and each way to tell requests apart."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.distinguish import able, as_predicted, criteria_of, layers_of
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name, number

LEFT, TOP, ROW, GAP = 138, 28, 46, 5  # points


def draw(rows: Rows) -> Figure:
    """Ways to tell apart downwards, layers to the right."""
    layers, criteria = layers_of(rows), criteria_of(rows)
    figure, axes = plot.canvas(TOP + ROW * len(criteria))
    column = (plot.WIDTH - LEFT) / len(layers)
    for position, layer in enumerate(layers):
        plot.write(axes, LEFT + column * (position + 0.5), 12, layer_name(layer), size=14, bold=True, align="center")
    for position, by in enumerate(criteria):
        head(axes, by, TOP + ROW * (position + 0.5))
    for row in rows:
        x, y = LEFT + column * layers.index(str(row["layer"])), TOP + ROW * criteria.index(str(row["by"]))
        draw_cell(axes, row, x + GAP / 2, y + GAP / 2, column - GAP)
    return figure


def head(axes: Axes, by: str, y: float) -> None:
    """What a row tells apart by: after a comma, in a second line."""
    first, _, second = by.partition(", ")
    plot.write(axes, 0, y - 8 * bool(second), f"by {first}", size=12)
    plot.write(axes, 0, y + 8, second, size=10.5, ink="faint")


def draw_cell(axes: Axes, row: Row, x: float, y: float, width: float) -> None:
    """Filled is yes, an outline is no; red and a cross is otherwise than predicted."""
    yes, right = able(row), as_predicted(row)
    ink = ("good" if yes else "line") if right else "bad"
    plot.box(axes, x, y, width, ROW - GAP, fill=colour(ink) if yes else "none", edge=colour(ink), radius=4)
    words = ("" if right else "✗ ") + ("yes" if yes else "no")
    text = "on" if yes else "faint" if right else "bad"
    plot.write(axes, x + width / 2, y + 14, words, size=13, bold=yes or not right, align="center", ink=text)
    count = f"{amount(number(row, 'as_wished'))} of {amount(number(row, 'requests'))}"
    plot.write(axes, x + width / 2, y + 30, count, size=10, align="center", ink=text)
