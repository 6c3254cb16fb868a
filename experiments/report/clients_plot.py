"""The plot of `clients`: who serves after each event, and what part of clients was moved by it."""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.report import plot
from experiments.report.bars import servers_legend, share_bar
from experiments.report.section import Rows
from experiments.report.wording import amount, number, share_of

LEFT, TOP, HEAD, ROW, BAR = 90, 30, 28, 22, 14  # points
END = 76  # for the figure to the right


def draw(rows: Rows) -> Figure:
    """Scheme by scheme a bar for each event."""
    schemes = list(dict.fromkeys(str(row["scheme"]) for row in rows))
    servers = sorted({server for row in rows for server in share_of(row)})
    figure, axes = plot.canvas(TOP + HEAD * len(schemes) + ROW * len(rows) + 6)
    servers_legend(axes, servers, LEFT, 10)
    y = float(TOP)
    for scheme in schemes:
        plot.write(axes, 0, y + HEAD / 2, scheme, size=12, bold=True)
        y += HEAD
        for row in (row for row in rows if row["scheme"] == scheme):
            share = {server: share_of(row).get(server, 0.0) for server in servers}
            plot.write(axes, 0, y + ROW / 2, row["event"], size=11)
            share_bar(axes, share, LEFT, y + (ROW - BAR) / 2, plot.WIDTH - LEFT - END, BAR)
            words = f"{amount(number(row, 'moved_pct'))}\N{NO-BREAK SPACE}% moved"
            plot.write(axes, plot.WIDTH, y + ROW / 2, words, size=10, align="right")
            y += ROW
    return figure
