"""The triangle: the lab's picture. A bar in each cell, and in it a part for each server.

                own MACs     behind      behind      one client,
                             a router    a NAT       one connection
    L2          ▆▆▆ ▆▆▆ ▆▆▆  ▆▆▆▆▆▆▆▆▆   ▆▆▆▆▆▆▆▆▆   ▆▆▆▆▆▆▆▆▆
    source MAC  3/3, 12 units

Where spreading is predicted the paper is tinted: that makes the steps. A cell that came out otherwise
has a ring and a cross.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from balancing import LAYERS
from experiments.cell import SITUATIONS, Cell
from experiments.report import plot
from experiments.report.bars import servers_legend, share_bar
from experiments.report.ladder import cells_of
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import counted, layer_name

LEFT, TOP, ROW, BAR = 70, 40, 58, 22  # points
HEADS = {"flat": ("each its", "own MAC"), "routed": ("behind", "a router"), "nat": ("behind", "a NAT"),
         "pooled": ("one client,", "one connection")}  # fmt: skip


def draw(rows: Rows) -> Figure:
    """All the cells that there are, layers downwards and situations to the right."""
    cells = cells_of(rows)
    layers = [layer for layer in LAYERS if any(cell.layer == layer for cell in cells)]
    situations = [name for name in SITUATIONS if any(cell.situation == name for cell in cells)]
    figure, axes = plot.canvas(TOP + ROW * len(layers) + 30)
    column = (plot.WIDTH - LEFT) / len(situations)
    for cell in sorted(cells, key=lambda cell: not cell.as_predicted):  # rings last, above their neighbours
        row = layers.index(cell.layer)
        draw_cell(axes, cell, LEFT + column * situations.index(cell.situation), TOP + ROW * row, column)
    for number, name in enumerate(situations):
        head_situation(axes, name, LEFT + column * (number + 0.5))
    for number, layer in enumerate(layers):
        head_layer(axes, layer, TOP + ROW * (number + 0.5))
    legend(axes, cells[0], TOP + ROW * len(layers) + 18)
    return figure


def draw_cell(axes: Axes, cell: Cell, x: float, y: float, width: float) -> None:
    """One cell: tinted if spreading is predicted, ringed if it came out otherwise."""
    if cell.predicted:
        plot.box(axes, x, y, width, ROW, fill=colour("tint"), edge=colour("tint"), radius=0)
    share_bar(axes, cell.share, x + 6, y + 10, width - 12, BAR)
    words = f"{cell.servers_used}/{len(cell.share)}, {counted(cell.units, 'unit')}"
    size = min(10, 1.7 * width / len(words))
    ink = "faint" if cell.as_predicted else "bad"
    plot.write(axes, x + width / 2, y + 43, words, size=size, align="center", ink=ink)
    if not cell.as_predicted:
        plot.box(axes, x + 2, y + 3, width - 4, ROW - 6, edge=colour("bad"))
        plot.box(axes, x + width - 14, y - 3, 15, 15, fill=colour("bad"), radius=7.5)
        plot.write(axes, x + width - 6.5, y + 4.5, "✗", size=10, align="center", ink="on", bold=True)


def head_situation(axes: Axes, name: str, x: float) -> None:
    """The head of a column, in two lines."""
    for line, words in enumerate(HEADS.get(name, (name, ""))):
        plot.write(axes, x, 10 + 14 * line, words, size=10.5, align="center")


def head_layer(axes: Axes, layer: str, y: float) -> None:
    """The head of a row: the layer, and what it moves as one."""
    plot.write(axes, 0, y - 9, layer_name(layer), size=15, bold=True)
    plot.write(axes, 0, y + 9, LAYERS[layer].unit_name, size=10.5, ink="faint")


def legend(axes: Axes, cell: Cell, y: float) -> None:
    """What the tint means, and whose colour is whose."""
    plot.box(axes, 0, y - 6, 12, 12, fill=colour("tint"), edge=colour("line"), radius=1)
    plot.write(axes, 18, y, "predicted: spread", size=10, ink="faint")
    servers_legend(axes, list(cell.share), 150, y)
