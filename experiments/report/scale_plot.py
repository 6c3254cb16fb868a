"""The plots of `scale`: response time and power by workers, prices by cores, and what a balancer passes."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import Scale, value_bar
from experiments.report.curves import Curve
from experiments.report.curves import draw as draw_curves
from experiments.report.section import Rows
from experiments.report.wording import amount, number

ROW, LEFT, RIGHT = 24, 96, 44  # points


def _curves(rows: Rows, by: str, column: str, group: str, dashed: bool = False) -> list[Curve]:
    """A line for each word in the column `group`."""
    names = list(dict.fromkeys(str(row[group]) for row in rows))
    return [Curve(name, points, f"s{place + 1}", dashed) for place, name in enumerate(names)
            if (points := [(number(row, by), number(row, column)) for row in rows
                           if row[group] == name and row.get(column) is not None])]


def draw_response(rows: Rows) -> Figure:
    """p95 at equal load; theory where it has a percentile."""
    return draw_curves([*_curves(rows, "workers", "p95_ms", "way"),
                        *_curves(rows, "workers", "theory_p95_ms", "way", dashed=True)],
                       "workers", "p95, ms", "the same in theory")


def draw_power(rows: Rows) -> Figure:
    """What was done when flooded, and what each was told to be."""
    return draw_curves([*_curves(rows, "workers", "power", "way"),
                        *_curves(rows, "workers", "told", "way", dashed=True)],
                       "workers", "does the work of", "as it was told to be")


def draw_prices(rows: Rows) -> Figure:
    """A core's price by the number of cores."""
    return draw_curves(_curves(rows, "cores", "times_the_smallest", "list"), "cores",
                       "price a core, as times the smallest's", "")


def draw_limits(rows: Rows) -> Figure:
    """A bar for each way and number of servers: new connections a second."""
    figure, axes = plot.canvas(ROW * len(rows) + 6)
    scale = Scale(max((number(row, "high") for row in rows), default=1), LEFT, plot.WIDTH - RIGHT)
    for place, row in enumerate(rows):
        y = ROW * (place + 0.5)
        plot.write(axes, 0, y, f"{row['way']}, {row['servers']}", size=11)
        value_bar(axes, LEFT, y, scale.length(number(row, "connections_per_s")), 12,
                  "s1" if number(row, "servers") > 1 else "s6")
        for ink, stroke in (("paper", 3.4), ("ink", 1.4)):
            axes.plot([scale.at(number(row, "low")), scale.at(number(row, "high"))], [y, y], color=plot.colour(ink),
                      linewidth=stroke, marker="|", markersize=6, markeredgewidth=stroke)
        plot.write(axes, scale.at(number(row, "high")) + 6, y, amount(number(row, "connections_per_s")), size=10)
    return figure
