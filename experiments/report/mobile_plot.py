"""The plot of `mobile`: which part of sessions was kept, by what they are kept by."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.mobile import kept, wrong
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import number, percent

LEFT, TOP, EACH, BAR = 108, 30, 52, 17  # points
WHO = {"stayed": ("line", "client stayed"), "moved": ("s1", "client moved")}


def draw(rows: Rows) -> Figure:
    """Two bars a row, and a mark where theory has the second."""
    figure, axes = plot.canvas(TOP + EACH * len(rows))
    for place, (ink, words) in enumerate(WHO.values()):
        swatch(axes, LEFT + 100 * place, 8, colour(ink), words)
    plot.write(axes, LEFT + 206, 8, "┃ expected", size=10, ink="accent")
    scale = Scale(1.0, LEFT, plot.WIDTH - 44)
    for position, row in enumerate(rows):
        top = TOP + EACH * position
        plot.write(axes, 0, top + EACH / 2 - 6, row["affinity"], size=11.5, bold=True)
        for place, (who, (ink, _)) in enumerate(WHO.items()):
            y, part = top + 10 + (BAR + 2) * place, kept(row, who)
            value_bar(axes, LEFT, y, scale.length(part), BAR, "bad" if who == "moved" and wrong(row) else ink)
            plot.write(axes, scale.right + 6, y, percent(part), size=11)
        mark = scale.at(number(row, "moved_expected"))
        axes.plot([mark, mark], [top + 19, top + 39], color=colour("accent"), linewidth=3)
    return figure
