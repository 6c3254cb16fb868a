"""The charts of `reverse-proxy`: what can be read on each side, what a cache saves, what connections are saved."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import Scale, swatch, value_bar
from experiments.report.palette import colour
from experiments.report.reverse_proxy import cache_name
from experiments.report.section import Rows
from experiments.report.wording import amount, milliseconds, number

LEFT, TOP, BAR = 96, 28, 16  # points
COUNTS = {"requests": "requests", "handshakes": "whole handshakes", "server_connections": "connections to servers"}
INKS = dict(zip(COUNTS, ("line", "s2", "s1"), strict=True))


def draw_wire(rows: Rows) -> Figure:
    """A bar a side: what TCP carried, in TLS records and beside them."""
    figure, axes = plot.canvas(TOP + 56 * len(rows))
    swatch(axes, LEFT, 8, colour("good"), "in TLS records")
    swatch(axes, LEFT + 130, 8, colour("s2"), "anything else")
    scale = Scale(max((number(row, "tcp_bytes") for row in rows), default=1), LEFT, plot.WIDTH - 4)
    for position, row in enumerate(rows):
        y = TOP + 56 * position + 14
        plot.write(axes, 0, y, f"at {row['side']}", size=12, bold=True)
        sealed, whole = number(row, "tls_bytes"), number(row, "tcp_bytes")
        value_bar(axes, LEFT, y, scale.length(whole), 22, "s2")
        if sealed:
            value_bar(axes, LEFT, y, scale.length(sealed), 22, "good")
        words = f"{amount(number(row, 'readable'))} of {amount(number(row, 'packets'))} packets can be read"
        plot.write(axes, LEFT, y + 21, words, size=10, ink="faint")
    return figure


def draw_caching(rows: Rows) -> Figure:
    """A bar a state of the cache: pages that servers made, of all that were asked for."""
    figure, axes = plot.canvas(44 * len(rows) + 4)
    scale = Scale(max((number(row, "requests") for row in rows), default=1), LEFT, plot.WIDTH - 40)
    for position, row in enumerate(rows):
        y, made = 44 * position + 14, number(row, "origin_requests")
        plot.write(axes, 0, y, cache_name(row), size=12, bold=True)
        plot.box(axes, LEFT, y - 11, scale.length(number(row, "requests")), 22, edge=colour("line"))
        value_bar(axes, LEFT, y, scale.length(made), 22, "s1")
        plot.write(axes, scale.right + 6, y, amount(made), size=11)
        words = f"half of the answers within {milliseconds(number(row, 'p50_ms'))}"
        plot.write(axes, LEFT, y + 20, words, size=10, ink="faint")
    return figure


def draw_connections(rows: Rows) -> Figure:
    """Three bars a way to come: requests, handshakes, connections to servers."""
    figure, axes = plot.canvas(TOP + 68 * len(rows))
    for position, (column, words) in enumerate(COUNTS.items()):
        swatch(axes, (0, 86, 208)[position], 8, colour(INKS[column]), words)
    scale = Scale(max((number(row, "requests") for row in rows), default=1), LEFT, plot.WIDTH - 44)
    for position, row in enumerate(rows):
        y = TOP + 68 * position
        plot.write(axes, 0, y + 26, row["way"], size=11, bold=True)
        for place, column in enumerate(COUNTS):
            _bar(axes, scale, y + 9 + (BAR + 2) * place, number(row, column), INKS[column])
    return figure


def _bar(axes: Axes, scale: Scale, y: float, value: float, ink: str) -> None:
    value_bar(axes, LEFT, y, scale.length(value), BAR, ink)
    plot.write(axes, LEFT + scale.length(value) + 6, y, amount(value), size=10)
