"""A handout, read: its headings, its commands, the figures that it expects, the constants that it tells to change.

    | table   | row            | figure       | expected    |
    |---------|----------------|--------------|-------------|
    | ladder  | l2 / nat       | servers_used | 1           |
    | crowd   | every          | packets_delivered of packets_sent | all |

row:      values of the table's row, with " / " between; `every` means each row. Each must be found.
figure:   a column; `column.key` of one that holds several; or `column of column`, the part that it is.
expected: a value; `A to B`, `more than A`, `less than B`, `at least A`, `at most B`, `all`, `none`, `nothing`.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from experiments.tables import cell

Tables = Mapping[str, Sequence[Mapping[str, Any]]]

HEADINGS = ["Predict", "Run", "Read", "Explain", "Change one thing"]
COLUMNS = ["table", "row", "figure", "expected"]
EVERY = "every"
NUMBER = r"(-?[\d.]+)"
BOUNDS = {  # how an expectation is said, and what it asks of a figure
    rf"{NUMBER} to {NUMBER}": lambda found, low, high: low <= found <= high,
    rf"more than {NUMBER}": lambda found, low: found > low,
    rf"less than {NUMBER}": lambda found, high: found < high,
    rf"at least {NUMBER}": lambda found, low: found >= low,
    rf"at most {NUMBER}": lambda found, high: found <= high,
    NUMBER: lambda found, value: found == value,
}
CHANGE = re.compile(r"`([\w/]+\.py)`: `([\w.]+)` is `([^`]+)`")


@dataclass(frozen=True)
class Expected:
    """One line of a page's table."""

    table: str
    row: str
    figure: str
    expected: str

    def rows(self, tables: Tables) -> list[Mapping[str, Any]]:
        """Those of the table that it is about; of a row that is named it must be just one."""
        found = [row for row in tables[self.table] if self._names(row)]
        assert found, f"{self}: there is no such row"
        assert self.row == EVERY or len(found) == 1, f"{self}: {len(found)} rows are called so"
        return found

    def _names(self, row: Mapping[str, Any]) -> bool:
        values = [str(value) for value in row.values()]
        return self.row == EVERY or all(word in values for word in self.row.split(" / "))

    def value(self, row: Mapping[str, Any]) -> Any:
        """The figure that a row has; of a part, None where there is no whole."""
        if " of " in self.figure:
            part, whole = (_at(row, name) for name in self.figure.split(" of "))
            return part / whole if whole else None
        return _at(row, self.figure)

    def wrong(self, tables: Tables) -> Iterator[str]:
        """What is otherwise in the tables of a run, a line each."""
        for row in self.rows(tables):
            found = self.value(row)
            if not holds(found, self.expected):
                yield f"{self.table}, {self.row}: {self.figure} is {found!r}, not {self.expected}"


def _at(row: Mapping[str, Any], name: str) -> Any:
    column, _, key = name.partition(".")
    assert column in row, f"there is no column {column!r}"
    return row[column][key] if key else row[column]


def holds(found: Any, expected: str) -> bool:
    """Whether a figure is as expected."""
    if expected in ("all", "none"):
        return bool(found == (1 if expected == "all" else 0))
    if isinstance(found, int | float) and not isinstance(found, bool):
        bounds = next((bound(found, *map(float, said.groups())) for pattern, bound in BOUNDS.items()
                       if (said := re.fullmatch(pattern, expected))), None)
        assert bounds is not None, f"{expected!r} is nothing that a number can be"
        return bool(bounds)
    return ("nothing" if found in (None, "") else cell(found)) == expected


@dataclass(frozen=True)
class Handout:
    """One page. name: its experiment."""

    name: str
    text: str

    @classmethod
    def read(cls, path: Path) -> Handout:
        """The page in a file that is called after its experiment."""
        return cls(path.stem, path.read_text())

    @property
    def headings(self) -> list[str]:
        """Those below its title."""
        return re.findall(r"^## (.+)$", self.text, re.MULTILINE)

    def section(self, heading: str) -> str:
        """The text below a heading."""
        return self.text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]

    @property
    def commands(self) -> list[str]:
        """Every ./lab that is to be typed."""
        return [line.strip() for line in re.findall(r"(?:^|`)(\./lab [^`#\n]+)", self.text, re.MULTILINE)]

    @property
    def expected(self) -> list[Expected]:
        """Its table of expected figures."""
        lines = [[one.strip() for one in line.strip().strip("|").split("|")]
                 for line in self.section("Read").splitlines() if line.startswith("|")]
        assert lines[:1] == [COLUMNS], f"{self.name}: a table with the columns {COLUMNS} is expected"
        return [Expected(*(word.strip("`") for word in line)) for line in lines[2:]]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What it tells to change: a file, a constant in it, and the value that it has."""
        return CHANGE.findall(self.section(HEADINGS[-1]))


def constant(file: str, name: str) -> Any:
    """What a module has under a name, such as CHECK.fall."""
    return attrgetter(name)(importlib.import_module(file.removesuffix(".py").replace("/", ".")))


def value(text: str) -> Any:
    """What a page writes down as a constant's value."""
    return ast.literal_eval(text)
