"""docs/reading.md: its files are there, as long as it says, and an evening can hold them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "reading.md").read_text()
STOPS = [(file, int(minutes), int(lines)) for file, minutes, lines in
         re.findall(r"^\| \[([\w/.]+)\]\(\.\./\1\) \| (\d+) \| (\d+) \| .*\*[^*]+[?.]\* \|$", PAGE, re.MULTILINE)]
ROOMS = ["balancing", "topologies", "controller", "l7proxy", "experiments"]
EVENING_MIN = (150, 200)
LINES = 3000        # more is no evening
A_MINUTE = 25       # lines: who is to read more is only leafing
GROWN = 0.1         # by what part a file may have grown or shrunk since


def test_every_line_of_the_tables_is_a_stop_with_a_question() -> None:
    assert len(STOPS) == len(re.findall(r"^\| \[", PAGE, re.MULTILINE)) == 17


@pytest.mark.parametrize(("file", "minutes", "lines"), STOPS, ids=lambda value: str(value))
def test_a_stop_is_there_and_about_as_long_as_it_says(file: str, minutes: int, lines: int) -> None:
    real = len((ROOT / file).read_text().splitlines())
    assert abs(real - lines) <= max(3, GROWN * lines), f"{file} has {real} lines"
    assert real <= A_MINUTE * minutes


def test_all_of_it_is_an_evening() -> None:
    assert EVENING_MIN[0] <= sum(minutes for _, minutes, _ in STOPS) <= EVENING_MIN[1]
    assert sum(lines for _, _, lines in STOPS) <= LINES


def test_the_rooms_come_in_their_order() -> None:
    assert list(dict.fromkeys(file.partition("/")[0] for file, _, _ in STOPS)) == ROOMS


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
