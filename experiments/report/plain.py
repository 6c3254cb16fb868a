"""A table that nobody registered a section for: it is read all the same, column by column."""

from __future__ import annotations

from experiments.envelope import Row, columns
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, counted
from experiments.tables import cell

MOST_COLUMNS = 4  # that a sentence is spent on


def read(rows: Rows) -> Reading:
    """How many rows there are, and from where to where the first columns of numbers go."""
    names = [name for name in columns(rows) if varies(rows, name)]
    spans = [span(rows, name) for name in names[:MOST_COLUMNS]]
    return Reading(f"{counted(len(rows), 'row')}, as measured.", (" ".join(spans),) if spans else ())


def varies(rows: Rows, name: str) -> bool:
    """Whether a column holds only numbers, and not always the same one."""
    values = [row.get(name) for row in rows]
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return numeric and len(set(values)) > 1


def span(rows: Rows, name: str) -> str:
    """The ends of a column, and whose they are."""
    def value(row: Row) -> float:
        return float(str(row[name]))

    low, high = min(rows, key=value), max(rows, key=value)
    return f"{name} goes from {amount(value(low))} ({whose(low)}) to {amount(value(high))} ({whose(high)})."


def whose(row: Row) -> str:
    """A row's name: its words, or its first cell where it has none."""
    words = [value for value in row.values() if isinstance(value, str)]
    return ", ".join(words) or cell(next(iter(row.values())))
