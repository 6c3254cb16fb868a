"""Tables as they are laid out, and the words that sentences are made of."""

from __future__ import annotations

import doctest

from experiments.report import wording
from experiments.report.sheet import MOST_COLUMNS, sheet


def test_a_table_stands_as_it_is() -> None:
    found = sheet([{"layer": "l2", "share": {"s1": 4}, "n": 1}, {"layer": "l3", "n": None, "ok": True}])
    assert found.head == ("layer", "share", "n", "ok")
    assert found.body == (("l2", "s1 4", "1", "–"), ("l3", "–", "–", "yes"))
    assert found.numeric == (False, False, False, False)


def test_a_wide_table_is_laid_on_its_side() -> None:
    wide = [{"layer": layer, **{f"c{n}": n for n in range(MOST_COLUMNS)}} for layer in ("l2", "l3")]
    found = sheet(wide)
    assert found.head == ("layer", "l2", "l3")
    assert found.body[0] == ("c0", "0", "0")
    assert found.numeric == (False, True, True)


def test_the_examples_of_wording_hold() -> None:
    assert doctest.testmod(wording).failed == 0
