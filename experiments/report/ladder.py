"""The table `ladder`: four layers against four situations, and the triangle that is predicted.

What is predicted is said in compare.py, and only there.
"""

from __future__ import annotations

from typing import Any

from experiments.cell import SITUATIONS, Cell
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, fullest, layer_name, listed, percent


def cells_of(rows: Rows) -> list[Cell]:
    """The rows as what they were before they were rows."""
    known = Cell.__dataclass_fields__
    values: list[dict[str, Any]] = [{name: row[name] for name in known if name in row} for row in rows]
    return [Cell(**value) for value in values]


def read(rows: Rows) -> Reading:
    """The triangle, or where it broke; then why, situation by situation."""
    cells = cells_of(rows)
    wrong = [cell for cell in cells if not cell.as_predicted]
    points = [(capital(meaning), in_situation([cell for cell in cells if cell.situation == situation]))
              for situation, meaning in SITUATIONS.items()]
    words = filter(None, (units_decide(cells), evenness(cells)))
    return Reading(triangle(cells, wrong), tuple(words), not wrong, tuple(point for point in points if point[1]))


def triangle(cells: list[Cell], wrong: list[Cell]) -> str:
    """The verdict."""
    if wrong:
        return (f"Not the triangle: {len(wrong)} of {len(cells)} cells came out otherwise than predicted: "
                f"{listed(named(cell) for cell in wrong)}.")
    layers = list(dict.fromkeys(cell.layer for cell in cells))
    tally = {layer: sum(cell.spread for cell in cells if cell.layer == layer) for layer in layers}
    steps = listed(f"{layer_name(layer)} in {count}" for layer, count in tally.items())
    return f"The triangle: of {counted(len(cells) // len(layers), 'situation')}, load was spread by {steps}."


def named(cell: Cell) -> str:
    """What it did, where it did otherwise than predicted."""
    wish = "all" if cell.predicted else "one"
    return (f"{layer_name(cell.layer)} in “{cell.situation}” used {cell.servers_used} of "
            f"{counted(len(cell.share), 'server')} (predicted: {wish})")


def units_decide(cells: list[Cell]) -> str:
    """Whether the number of units explains who serves."""
    odd = [cell for cell in cells if (cell.units > 1) != (cell.servers_used > 1)]
    if odd:
        cases = listed(f"{layer_name(cell.layer)} in “{cell.situation}” ({counted(cell.units, 'unit')} on "
                       f"{counted(cell.servers_used, 'server')})" for cell in odd)
        return f"The number of units does not explain who served in {cases}."
    return ("A balancer moves units, and a unit is what its layer can tell apart. In this run every cell with one unit "
            "stayed on one server, and every cell with more than one used several: units decide, not requests.")


def in_situation(cells: list[Cell]) -> str:
    """One situation: which layers kept to one server, and which used more, with their units."""
    if not cells:
        return ""
    kept = [cell for cell in cells if cell.servers_used == 1]
    moved = [cell for cell in cells if cell.servers_used > 1]
    parts = [f"{listed(layer_name(cell.layer) for cell in group)} {did(group)} ({units(group)})"
             for group in (kept, moved) if group]
    return f"of {requests(cells)}, {'; '.join(parts)}."


def did(group: list[Cell]) -> str:
    """What layers of one kind did with their servers."""
    used, servers = sorted({cell.servers_used for cell in group}), len(group[0].share)
    if used == [1]:
        return "kept all on one server"
    return "used all servers" if used == [servers] else f"used {listed(used, 'or')} of {counted(servers, 'server')}"


def units(group: list[Cell]) -> str:
    """The units of some cells: one number if they agree, else all of them in their order."""
    numbers = [cell.units for cell in group]
    if len(set(numbers)) == 1:
        return counted(numbers[0], "unit") + " each" * (len(numbers) > 1)
    return f"{listed(map(amount, numbers))} units"


def requests(cells: list[Cell]) -> str:
    """How much was asked of each layer."""
    numbers = sorted({cell.requests for cell in cells})
    span = amount(numbers[0]) if len(numbers) == 1 else f"{amount(numbers[0])} to {amount(numbers[-1])}"
    return f"{span} requests to each layer"


def evenness(cells: list[Cell]) -> str:
    """How even the spread cells are: the fullest server of the worst of them."""
    spread = [cell for cell in cells if cell.spread and len(cell.share) > 1]
    if not spread:
        return ""
    worst = max(spread, key=lambda cell: fullest(cell.share))
    return (f"Where load was spread, the fullest server had {percent(fullest(worst.share))} "
            f"of it ({layer_name(worst.layer)} in “{worst.situation}”); an even share is "
            f"{percent(1 / len(worst.share))}.")
