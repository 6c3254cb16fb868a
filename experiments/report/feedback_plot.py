"""The plots of `feedback`: p95 and swing side by side, and the course of the largest server's share."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.envelope import Row
from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.palette import colour, server_colour
from experiments.report.section import Rows
from experiments.report.wording import amount, number, percent

HEAD, ROW, NAME, MIDDLE = 40, 34, 118, 262   # points
STRIP, GAP, LEFT = 46, 24, 34
INKS = {"steady": "s6", "changed": "s2"}


def draw(rows: Rows) -> Figure:
    """To the left how soon, to the right how far shares swing: a row a way, a bar a phase."""
    ways = list(dict.fromkeys(str(row["way"]) for row in rows))
    figure, axes = plot.canvas(HEAD + ROW * len(ways) + 6)
    for place, (phase, ink) in enumerate(INKS.items()):
        swatch(axes, 90 * place, 8, colour(ink), phase)
    columns = (("p95_ms", "p95, ms", NAME, MIDDLE - 46), ("swing", "swing", MIDDLE, plot.WIDTH - 34))
    for column, title, left, right in columns:
        plot.write(axes, left, 27, title, size=10, ink="faint")
        scale = Scale(max((number(row, column) for row in rows), default=1), left, right)
        for row in rows:
            y = HEAD + ROW * ways.index(str(row["way"])) + (9 if row["phase"] == "steady" else 22)
            _bar(axes, row, column, scale, y)
    for place, way in enumerate(ways):
        plot.write(axes, 0, HEAD + ROW * (place + 0.45), way, size=11)
    return figure


def _bar(axes: Axes, row: Row, column: str, scale: Scale, y: float) -> None:
    value = number(row, column)
    value_bar(axes, scale.left, y, scale.length(value), 10, INKS.get(str(row["phase"]), "s1"))
    plot.write(axes, scale.at(value) + 5, y, amount(value), size=9)


def draw_course(rows: Rows) -> Figure:
    """A strip for each way: the share from period to period; the change is a mark through all of them."""
    ways = [column for column in rows[0] if column not in ("second", "slow")]
    figure, axes = plot.canvas(len(ways) * (STRIP + GAP) + 20)
    last = max(number(row, "second") for row in rows) or 1.0

    def x(second: float) -> float:
        return LEFT + second / last * (plot.WIDTH - LEFT - 8)

    for place, way in enumerate(ways):
        _strip(axes, [(x(number(row, "second")), number(row, way)) for row in rows], way,
               place * (STRIP + GAP) + GAP, server_colour(place), x(0))
    slow = [number(row, "second") for row in rows if row["slow"]]
    before = [number(row, "second") for row in rows if not row["slow"]]
    if slow and before:
        axes.plot([x(before[-1])] * 2, [GAP - 6, len(ways) * (STRIP + GAP)], color=colour("faint"), linewidth=1,
                  linestyle=(0, (3, 3)))
    plot.write(axes, plot.WIDTH - 8, len(ways) * (STRIP + GAP) + 10, f"{amount(last)} s", size=10, ink="faint",
               align="right")
    return figure


def _strip(axes: Axes, points: list[tuple[float, float]], way: str, top: float, ink: str, left: float) -> None:
    plot.write(axes, LEFT, top - 10, way, size=10, bold=True)
    for share in (0.0, 1.0):
        y = top + STRIP * (1 - share)
        axes.plot([left, points[-1][0]], [y, y], color=colour("line"), linewidth=0.8)
        plot.write(axes, LEFT - 5, y, percent(share), size=9, ink="faint", align="right")
    axes.step([left, *(place for place, _ in points)], [top + STRIP * (1 - share) for share in
                                                        (points[0][1], *(share for _, share in points))],
              where="pre", color=ink, linewidth=1.6)
