"""The plots of `packets`: fields that are rewritten, fates of wrong packets, what a flood leaves."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.packets import FIELDS, HELD, fate, kinds_of, layers_of, name_of, passage, who_rewrites
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, layer_name, number

LEFT, TOP, ROW, GAP = 100, 40, 30, 4  # points
FATES = {"passed": "s1", "flooded": "s2", "dropped": "line"}
WAYS = (("request", "there"), ("answer", "back"))
HELD_INKS = dict(zip(HELD, ("s1", "s3", "s2", "line"), strict=True))


def draw_rewritten(rows: Rows) -> Figure:
    """Two lines a layer or gateway, there and back; a box a field."""
    who = who_rewrites(rows)
    figure, axes = plot.canvas(TOP + (2 * ROW + 10) * len(who))
    width = (plot.WIDTH - LEFT) / len(FIELDS)
    for place, name in enumerate(FIELDS):
        above, _, below = name.partition("_")
        plot.write(axes, LEFT + width * (place + 0.5), 9, above, size=10, align="center")
        plot.write(axes, LEFT + width * (place + 0.5), 23, below, size=10, align="center", ink="faint")
    for position, one in enumerate(who):
        top = TOP + (2 * ROW + 10) * position
        plot.write(axes, 0, top + ROW, name_of(one), size=15, bold=True)
        for line, (packet, words) in enumerate(WAYS):
            y = top + ROW * line
            plot.write(axes, LEFT - 10, y + ROW / 2, words, size=10.5, align="right", ink="faint")
            if row := passage(rows, one, packet):
                _fields(axes, row, y, width)
    return figure


def _fields(axes: Axes, row: Row, y: float, width: float) -> None:
    """Filled: rewritten. Red: otherwise than predicted."""
    changed, predicted = (set(str(row[column]).split()) for column in ("rewritten", "predicted"))
    for place, name in enumerate(FIELDS):
        ink = "bad" if (name in changed) is not (name in predicted) else "good" if name in changed else "line"
        plot.box(axes, LEFT + width * place + GAP / 2, y + GAP / 2, width - GAP, ROW - GAP, edge=colour(ink),
                 fill=colour(ink) if name in changed else "none")


def draw_fates(rows: Rows) -> Figure:
    """A line a kind, a column a layer; a dot where somebody answered."""
    kinds, layers, line, left = kinds_of(rows), layers_of(rows), 17, 190
    figure, axes = plot.canvas(TOP + line * len(kinds))
    for place, (word, ink) in enumerate(FATES.items()):
        swatch(axes, 70 * place, 8, colour(ink), word)
    plot.write(axes, 212, 8, "● answered", size=10, ink="faint")
    width = (plot.WIDTH - left) / len(layers)
    for place, layer in enumerate(layers):
        plot.write(axes, left + width * (place + 0.5), 28, layer_name(layer), size=12, bold=True, align="center")
    for row in rows:
        x = left + width * layers.index(str(row["layer"])) + 2
        y = TOP + line * kinds.index(str(row["wrong"]))
        bad = bool(number(row, "exceptions"))
        plot.box(axes, x, y + 2, width - GAP, line - GAP, fill=colour("bad" if bad else FATES[fate(row)]), radius=2)
        if number(row, "answers"):
            dot = "ink" if fate(row) == "dropped" else "on"
            plot.write(axes, x + width / 2 - 2, y + line / 2, "●", size=9, align="center", ink=dot)
    for place, kind in enumerate(kinds):
        plot.write(axes, 0, TOP + line * (place + 0.5), kind, size=10.5)
    return figure


def draw_flood(rows: Rows) -> Figure:
    """A bar for each who remembers, a realisation."""
    bar, each = 15, 17 * len(HELD) + 16
    figure, axes = plot.canvas(TOP + 8 + each * len(rows))
    for place, (column, words) in enumerate(HELD.items()):
        swatch(axes, 195 * (place % 2), 8 + 16 * (place // 2), colour(HELD_INKS[column]), words)
    scale = Scale(max(number(row, column) for row in rows for column in ("syns", *HELD)), LEFT - 20, plot.WIDTH - 46)
    for position, row in enumerate(rows):
        top = TOP + 8 + each * position
        plot.write(axes, 0, top + each / 2 - 8, row["realisation"], size=12, bold=True)
        for place, column in enumerate(HELD):
            value, y = number(row, column), top + 17 * place + bar / 2
            value_bar(axes, scale.left, y, scale.length(value), bar, HELD_INKS[column])
            plot.write(axes, scale.at(value) + 6, y, amount(value), size=10)
    return figure
