"""A table for the page: what is in which cell, and which way round.

A table with many columns and few rows is laid on its side, so that it can be read on a telephone
and on paper: the rows' names become the columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.envelope import columns
from experiments.report.section import Rows
from experiments.tables import cell

MOST_COLUMNS = 9


@dataclass(frozen=True)
class Entry:
    """One cell. number: whether it belongs to the right."""

    text: str
    number: bool


@dataclass(frozen=True)
class Sheet:
    """The first row is the head, the first entry of every other row is its name."""

    rows: tuple[tuple[Entry, ...], ...]

    @property
    def head(self) -> tuple[Entry, ...]:
        return self.rows[0]

    @property
    def body(self) -> tuple[tuple[Entry, ...], ...]:
        return self.rows[1:]


def sheet(rows: Rows) -> Sheet:
    """Lay a table out. There must be a row."""
    names = columns(rows)
    entries = [[Entry(name, all(is_number(row.get(name)) for row in rows)) for name in names]]
    entries += [[Entry(cell(row.get(name)), is_number(row.get(name))) for name in names] for row in rows]
    sideways = len(names) > MOST_COLUMNS and len(rows) < len(names)
    return Sheet(tuple(zip(*entries, strict=True)) if sideways else tuple(map(tuple, entries)))


def is_number(value: object) -> bool:
    """Whether a value is to stand right-aligned; nothing does as its neighbours do."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
