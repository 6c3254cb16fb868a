"""A table for the page: what is in which cell, and which way round.

A table with many columns and few rows is laid on its side, so that it can be read on a telephone
and on paper: the rows' names become the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.envelope import columns
from experiments.report.section import Rows
from experiments.tables import cell

MOST_COLUMNS = 9


@dataclass(frozen=True)
class Sheet:
    """The first row is the head; the first cell of every other row is its name. numeric: a word for each column."""

    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]

    @property
    def head(self) -> tuple[str, ...]:
        """The columns' names."""
        return self.rows[0]

    @property
    def body(self) -> tuple[tuple[str, ...], ...]:
        """All rows but the head."""
        return self.rows[1:]


def sheet(rows: Rows) -> Sheet:
    """Lay a table out. There must be a row."""
    names = columns(rows)
    values = [[row.get(name) for name in names] for row in rows]
    texts = [names, *([cell(value) for value in line] for line in values)]
    if len(names) > MOST_COLUMNS and len(rows) < len(names):
        return Sheet(tuple(zip(*texts, strict=True)), (False, *(mostly_numbers(line) for line in values)))
    return Sheet(tuple(map(tuple, texts)), tuple(mostly_numbers(column) for column in zip(*values, strict=True)))


def mostly_numbers(values: Sequence[object]) -> bool:
    """Whether a column is to stand right-aligned."""
    numbers = sum(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return 2 * numbers > len(values)
