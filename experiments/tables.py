"""Tables for people: rows in, a table on the terminal out.

Columns are the rows' keys. Columns of numbers are right-aligned. On a terminal there is colour; in
a file or a pipe there is none, and nothing is cut off however wide the table is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.envelope import Row, columns

PIPE_WIDTH = 10_000  # columns; wider than any table, for where nobody's window sets a limit
NOTHING = "–"

CellStyle = Callable[[Row, str], str]  # row and column to a rich style, "" for none


def print_table(title: str, rows: Sequence[Row], *, style: CellStyle | None = None, file: TextIO | None = None) -> None:
    """Print a table.

    style: says in which style a cell is printed, such as "green" or "bold red" (rich's words).
    file:  where to; None is stdout.
    """
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=file, width=PIPE_WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(table(title, rows, style) if rows else f"{title}: no rows")


def table(title: str, rows: Sequence[Row], style: CellStyle | None = None) -> Table:
    """A table as rich draws it: `print_table` for what stays, this for what is still growing."""
    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    names = columns(rows)
    for name in names:
        numeric = all(_is_number(row.get(name)) for row in rows)
        made.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell(row.get(name)), style(row, name) if style else "") for name in names))
    return made


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def cell(value: object) -> str:
    """A value as a table shows it.

    >>> [cell(value) for value in (None, True, 12, 0.98765, 1234.5, {"s1": 4, "s2": 5})]
    ['–', 'yes', '12', '0.988', '1234.5', 's1 4, s2 5']
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {cell(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(cell(inner) for inner in value)
    return str(value)
