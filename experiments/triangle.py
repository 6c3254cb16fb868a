"""The ladder drawn as what it is: a triangle, with each server's share as a part of a bar.

                   flat             routed           nat              pooled
    L2 source MAC  ████ ████ ████   ██████████████   ██████████████   ██████████████
                   3/3, 12 units    1/3, 1 unit      1/3, 1 unit      1/3, 1 unit
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from balancing import LAYERS
from experiments.cell import SITUATIONS, Cell

WIDTH = 12  # characters of a bar, without the gaps between servers
INKS = ("blue", "yellow", "magenta", "cyan", "green", "red")


def draw(cells: Sequence[Cell]) -> Table:
    """Layers downwards, situations to the right; a cell that came out otherwise than predicted is marked."""
    found = {(cell.layer, cell.situation): cell for cell in cells}
    table = Table("unit", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left",
                  title="Who serves: each layer, in each situation")
    for situation in SITUATIONS:
        table.add_column(situation, min_width=WIDTH + 2)
    table.add_row("", *(Text(meaning, "dim") for meaning in SITUATIONS.values()))
    for layer, row in LAYERS.items():
        drawn = [bar(found[layer, situation]) if (layer, situation) in found else Text("·", "dim")
                 for situation in SITUATIONS]
        table.add_row(Text(f"{layer.upper()}\n{row.unit_name}"), *drawn)
    return table


def bar(cell: Cell) -> Text:
    """One cell: the servers' shares side by side, and in words: how many of them serve, how many units."""
    most = sum(cell.share.values()) or 1
    parts = [Text("█" * max(1, round(WIDTH * count / most)), INKS[number % len(INKS)])
             for number, count in enumerate(cell.share.values()) if count]
    mark, ink = ("", "dim") if cell.as_predicted else ("✗ ", "bold red")
    words = f"{mark}{cell.servers_used}/{len(cell.share)}, {cell.units} unit" + "s" * (cell.units != 1)
    return Text("\n").join([Text(" ").join(parts), Text(words, ink)])
