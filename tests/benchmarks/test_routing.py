"""The benchmark of routing, run small: every table leads the request by its last row. Never a time of its own."""

from __future__ import annotations

import pytest

from benchmarks.routing import ASKED, ROUTES, TABLES, Size, as_predicted, measure, moral, one_by_one, rows, rows_of
from l7proxy.routing import router


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("routes", ROUTES)
def test_the_last_row_takes_the_request(name: str, routes: int) -> None:
    table = rows_of(name, routes)
    wanted = table[0 if name == "no condition" else -1][1]
    assert router(table)(ASKED) is wanted
    assert one_by_one(table)(ASKED) is wanted


def test_a_small_run_has_a_row_for_each_table() -> None:
    table = rows(measure(Size(rounds=2, requests=4), seed=1))
    assert [row["routes_by"] for row in table] == list(TABLES)
    for row in table:
        assert 0 < row["ns_30_low"] <= row["ns_30"] <= row["ns_30_high"]
    assert "first segment" in moral(table)


def test_what_contradicts_is_seen() -> None:
    fine = {"routes_by": "host", "ns_30": 150, "growth": 1.1}
    assert as_predicted([fine])
    assert not as_predicted([fine | {"growth": 9.0}])
    assert not as_predicted([fine | {"routes_by": "header", "ns_30": 30_000}])
    assert as_predicted([fine | {"routes_by": "header", "growth": 9.0}])
