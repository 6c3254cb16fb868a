"""Bars that several plots have in common: servers' shares side by side, and whose colour is whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from experiments.report import plot
from experiments.report.palette import colour, server_colour
from experiments.report.wording import amount

GAP = 1.5          # points between two servers' parts
ROOM_FOR_NAME = 9  # points: a narrower part has no number in it
LEGEND_ENTRIES = 5


def share_bar(axes: Axes, share: Mapping[str, float], x: float, y: float, width: float, height: float) -> None:
    """One bar: each server's part of the whole in the server's colour, with its number where there is room."""
    scale = width / (sum(share.values()) or 1)
    for number, count in enumerate(share.values()):
        part = count * scale
        gap = GAP if part > 3 * GAP else 0
        if part:
            plot.box(axes, x, y, part - gap, height, fill=server_colour(number), radius=2)
        if part > ROOM_FOR_NAME + gap:
            plot.write(axes, x + (part - gap) / 2, y + height / 2, number + 1, ink="on", size=9, align="center")
        x += part


def servers_legend(axes: Axes, servers: Sequence[str], x: float, y: float) -> None:
    """The servers' colours and names; of many, the first few."""
    shown = list(servers) if len(servers) <= LEGEND_ENTRIES else list(servers)[: LEGEND_ENTRIES - 1]
    step = (plot.WIDTH - x) / min(LEGEND_ENTRIES, len(servers))
    for number, server in enumerate(shown):
        swatch(axes, x + step * number, y, server_colour(number), server)
    if len(shown) < len(servers):
        plot.write(axes, x + step * len(shown), y, f"+ {amount(len(servers) - len(shown))}", size=10, ink="faint")


def swatch(axes: Axes, x: float, y: float, fill: str, words: str) -> None:
    """A colour and what it stands for."""
    plot.box(axes, x, y - 5, 10, 10, fill=fill, radius=2)
    plot.write(axes, x + 15, y, words, size=10, ink="faint")


def value_bar(axes: Axes, x: float, y: float, width: float, height: float, fill: str) -> None:
    """A bar as long as a value; a hair where the value is too small to be seen."""
    plot.box(axes, x, y - height / 2, max(width, 0.6), height, fill=colour(fill), radius=2)


@dataclass(frozen=True)
class Scale:
    """From a value to a place: 0 at `left`, `most` at `right`, in points."""

    most: float
    left: float
    right: float

    def length(self, value: float) -> float:
        """How long a bar for this value is."""
        return value / (self.most or 1) * (self.right - self.left)

    def at(self, value: float) -> float:
        """Where on the page this value is."""
        return self.left + self.length(value)
