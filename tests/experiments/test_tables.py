"""Tables on a terminal and in a pipe."""

from __future__ import annotations

import doctest
import io

import pytest

from experiments import tables
from experiments.tables import print_table

ROWS = [{"layer": "l2", "requests": 12, "jain": 1 / 3}, {"layer": "l7", "requests": 1200, "jain": 1.0}]


def printed(rows, **options) -> list[str]:
    file = io.StringIO()
    print_table("ladder", rows, file=file, **options)
    return [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]


def test_numbers_stand_to_the_right_and_words_to_the_left() -> None:
    title, head, _, first, second = printed(ROWS)
    assert (title, head) == ("ladder", "  layer   requests    jain")
    assert (first, second) == ("  l2            12   0.333", "  l7          1200   1.000")


def test_in_a_pipe_nothing_is_cut_or_coloured_whatever_the_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    wide = [{f"column{n}": "x" * 30 for n in range(20)}]
    lines = printed(wide, style=lambda row, column: "bold red")
    assert lines[-1].split() == ["x" * 30] * 20
    assert not any("\x1b" in line for line in lines)


def test_a_cell_is_styled_by_its_row_and_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    *_, first, second = printed(ROWS, style=lambda row, column: {("l2", "jain"): "red"}.get((row["layer"], column), ""))
    assert "\x1b[31m0.333" in first
    assert "\x1b[31m" not in second


def test_words_in_brackets_are_shown_as_they_are() -> None:
    assert printed([{"path": "[red]/a[/red] :smile:"}])[-1] == "  [red]/a[/red] :smile:"


def test_a_table_without_rows_says_so() -> None:
    assert printed([]) == ["ladder: no rows"]


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(tables).failed == 0
