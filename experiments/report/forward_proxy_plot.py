"""The charts of `forward-proxy`: what a cache saves, page times with and without, and what a greedy one takes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.palette import colour
from experiments.report.section import Rows
from experiments.report.wording import amount, milliseconds, number, percent

LEFT, TOP, BAR = 108, 28, 16  # points
PERCENTS = {"p50": "s1", "p95": "s2"}


def draw_saved(rows: Rows) -> Figure:
    """Two bars a way, as parts of all: requests that reached an origin, bytes that crossed the edge."""
    figure, axes = plot.canvas(TOP + 56 * len(rows))
    swatch(axes, LEFT, 8, colour("s1"), "requests at origins")
    swatch(axes, LEFT + 128, 8, colour("s2"), "bytes over the edge")
    scale, most = Scale(1, LEFT, plot.WIDTH - 52), max((number(row, "edge_kbytes") for row in rows), default=1)
    for position, row in enumerate(rows):
        y = TOP + 56 * position + 12
        plot.write(axes, 0, y + 9, row["way"], size=11, bold=True)
        parts = (number(row, "origin_requests") / (number(row, "requests") or 1), number(row, "edge_kbytes") / most)
        words = (amount(number(row, "origin_requests")), f"{amount(number(row, 'edge_kbytes'))} kB")
        for place, (part, ink) in enumerate(zip(parts, ("s1", "s2"), strict=True)):
            value_bar(axes, LEFT, y + (BAR + 2) * place, scale.length(part), BAR, ink)
            plot.write(axes, LEFT + scale.length(part) + 6, y + (BAR + 2) * place, words[place], size=10)
    return figure


def draw_times(rows: Rows) -> Figure:
    """Two bars a row: the page time that half, and 95 of 100, kept to; the rounds' range as a stroke."""
    figure, axes = plot.canvas(TOP + 56 * len(rows))
    swatch(axes, LEFT, 8, colour("s1"), "half of the pages")
    swatch(axes, LEFT + 128, 8, colour("s2"), "95 of 100")
    scale = Scale(max((number(row, "p95_ms_high") for row in rows), default=1), LEFT, plot.WIDTH - 62)
    for position, row in enumerate(rows):
        y = TOP + 56 * position + 12
        name, _, condition = str(row.get("way") or row.get("class")).partition(", ")
        plot.write(axes, 0, y + (3 if condition else 9), name, size=11, bold=True)
        plot.write(axes, 0, y + 18, condition, size=10, ink="faint")
        for place, (percent_, ink) in enumerate(PERCENTS.items()):
            _time(axes, scale, y + (BAR + 2) * place, row, percent_, ink)
    return figure


def _time(axes: Axes, scale: Scale, y: float, row: Row, name: str, ink: str) -> None:
    value, low, high = (number(row, f"{name}_ms{end}") for end in ("", "_low", "_high"))
    value_bar(axes, LEFT, y, scale.length(value), BAR, ink)
    axes.plot([scale.at(low), scale.at(high)], [y, y], color=colour("ink"), linewidth=1)
    plot.write(axes, max(scale.at(high), scale.at(value)) + 6, y, milliseconds(value), size=10)


def draw_shares(rows: Rows) -> Figure:
    """A bar a row: all bytes that clients got, and of these the greedy one's."""
    rows = [row for row in rows if number(row, "greedy_share")]
    figure, axes = plot.canvas(44 * len(rows) + 4)
    scale = Scale(1, LEFT, plot.WIDTH - 40)
    for position, row in enumerate(rows):
        y, share = 44 * position + 14, number(row, "greedy_share")
        plot.write(axes, 0, y, str(row["class"]).partition(", ")[2] or "free", size=11, bold=True)
        plot.box(axes, LEFT, y - 11, scale.length(1), 22, edge=colour("line"))
        value_bar(axes, LEFT, y, scale.length(share), 22, "s2")
        plot.write(axes, scale.right + 6, y, percent(share), size=11)
        words = f"Jain’s index of all {amount(number(row, 'jain'))}; an even part is {percent(0.1)}"
        plot.write(axes, LEFT, y + 20, words, size=10, ink="faint")
    return figure
