"""What the table `failover` says of the outages, and of predictions that failed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from balancing import LAYERS
from experiments.failover import SEEN_BY, contradictions, for_people, moral, rows
from experiments.outages import CHECK, Outcome


def found(layer: str = "", fault: str = "", **changed: Any) -> list[Outcome]:
    """Two rounds as predicted, but for what is changed in the second one of one cell."""
    made = []
    for number in (1, 2):
        for name, seen in SEEN_BY.items():
            for where in LAYERS:
                one = Outcome(where, name, 0.4 * number if where in seen else None, 200, 5, 0, 1.0 * number)
                hit = number == 2 and (where, name) == (layer, fault)
                made.append(dataclasses.replace(one, **changed) if hit else one)
    return made


def test_rows_are_medians_beside_the_longest_and_sums() -> None:
    table = rows(found())
    assert [(row["fault"], row["layer"]) for row in table] == [(fault, layer) for fault in SEEN_BY for layer in LAYERS]
    row = next(row for row in table if (row["layer"], row["fault"]) == ("l4", "killed"))
    assert (row["noticed"], row["noticed_s"], row["noticed_s_most"]) == (2, pytest.approx(0.6), 0.8)
    assert (row["requests"], row["requests_lost"], row["back_s"], row["back_s_most"]) == (400, 10, 1.5, 2.0)
    assert row["promised_s"] == CHECK.fall * CHECK.interval_s + CHECK.timeout_s


def test_a_run_as_predicted_is_called_so() -> None:
    assert contradictions(rows(found())) == []
    words = moral(rows(found()))
    assert "therwise" not in words
    assert "killed: L2 never (10 lost), L3 never (10 lost), L4 0.60 s (10 lost)" in words
    assert "the slowest took 0.80 s, and fall x interval + timeout is 2 s" in words


@pytest.mark.parametrize(("layer", "fault", "changed", "says"), [
    ("l2", "killed", {"noticed_s": 0.5}, "L2, killed: noticed in 1 of 2 rounds, not in none"),
    ("l7", "frozen", {"noticed_s": None}, "L7, frozen: noticed in 1 of 2 rounds, not in 2"),
    ("l3", "link-cut", {"noticed_s": 2.25}, "L3, link-cut: noticed after 2.25 s, not 2 at most"),
    ("l4", "frozen", {"units_moved": 2}, "L4, frozen: 2 units on other servers were moved"),
    ("l2", "frozen", {"back_s": None}, "L2, frozen: no unit came back to the server"),
])
def test_what_came_out_otherwise_is_said(layer: str, fault: str, changed: dict[str, Any], says: str) -> None:
    table = rows(found(layer, fault, **changed))
    assert contradictions(table) == [says]
    assert says in moral(table)


def test_the_table_for_people_holds_the_same() -> None:
    row = for_people(rows(found()))[0]
    assert (row["fault"], row["layer"], row["noticed after"], row["lost"], row["back after"]) == (
        "killed", "l2", "never", 10, "1.50 s")
