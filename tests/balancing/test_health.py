"""What tests say of a server: up and down by runs, a response time that halves its past, and the promise kept."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancing import HealthCheck, Vitals
from layerlab import LabError

CHECK = HealthCheck()
TIMES = st.floats(0.0, 1000.0)


def vitals(**fields: Any) -> Vitals:
    return Vitals(HealthCheck(**fields))


def down(**fields: Any) -> Vitals:
    """One that has just gone down."""
    found = vitals(**fields)
    while not found.failed():
        pass
    return found


# -- up and down ---------------------------------------------------------------------------------


def test_nobody_has_complained_yet() -> None:
    assert vitals().up
    assert vitals().response_s is None
    assert vitals().ramp(0.0) == 1.0, "and it doesn't start slowly: it has been up all along"


@given(fall=st.integers(1, 10))
def test_down_after_exactly_fall_failures_in_a_row(fall: int) -> None:
    found = vitals(fall=fall)
    assert [found.failed() for _ in range(fall + 2)] == [False] * (fall - 1) + [True] + [False] * 2
    assert not found.up


@given(rise=st.integers(1, 10))
def test_up_after_exactly_rise_passes_in_a_row(rise: int) -> None:
    found = down(rise=rise)
    assert [found.passed(float(n), 0.01) for n in range(rise + 2)] == [False] * (rise - 1) + [True] + [False] * 2
    assert found.up


@given(results=st.lists(st.booleans(), max_size=60), rise=st.integers(1, 4), fall=st.integers(1, 4))
def test_it_changes_with_a_run_and_never_otherwise(results: list[bool], rise: int, fall: int) -> None:
    """Beside a model that looks back at the last results, where Vitals only counts."""
    found, up = vitals(rise=rise, fall=fall), True
    for number, passed in enumerate(results):
        changed = found.passed(float(number), 0.01) if passed else found.failed()
        wanted = rise if passed else fall
        run = results[:number + 1][-wanted:]
        turns = up is not passed and run == [passed] * wanted
        assert changed is turns
        up = passed if turns else up
        assert found.up is up


@given(cycles=st.integers(1, 20))
def test_one_pass_in_time_breaks_a_run_of_failures(cycles: int) -> None:
    found = vitals(fall=3)
    for number in range(cycles):
        assert not found.failed()
        assert not found.failed()
        found.passed(float(number), 0.01)
    assert found.up


# -- the response time ---------------------------------------------------------------------------


def test_the_first_measurement_is_taken_as_it_is() -> None:
    found = vitals()
    found.passed(17.0, 0.25)
    assert found.response_s == 0.25


@given(half_life_s=st.floats(0.01, 100), old_s=TIMES, new_s=TIMES, began_s=st.floats(0, 1e6))
def test_after_a_half_life_the_old_counts_half(
        half_life_s: float, old_s: float, new_s: float, began_s: float) -> None:
    found = vitals(half_life_s=half_life_s)
    found.passed(began_s, old_s)
    found.passed(began_s + half_life_s, new_s)
    assert found.response_s == pytest.approx((old_s + new_s) / 2, rel=1e-6, abs=1e-9)


@given(steps=st.lists(st.floats(0.01, 5), min_size=1, max_size=20), old_s=TIMES, new_s=TIMES)
def test_how_often_it_is_tested_does_not_matter(steps: list[float], old_s: float, new_s: float) -> None:
    """Only how long ago: what was measured before counts 2^-t/T after t seconds, however many tests came since."""
    found, now_s = vitals(half_life_s=2.0), 0.0
    found.passed(now_s, old_s)
    for step_s in steps:
        now_s += step_s
        found.passed(now_s, new_s)
    left = 0.5 ** (now_s / 2.0)
    assert found.response_s == pytest.approx(left * old_s + (1 - left) * new_s, rel=1e-6, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 10), TIMES), min_size=1, max_size=20))
def test_it_stays_among_what_was_measured(tests: list[tuple[float, float]]) -> None:
    found, now_s = vitals(), 0.0
    for step_s, took_s in tests:
        now_s += step_s
        found.passed(now_s, took_s)
        assert found.response_s is not None
    measured = [took_s for _, took_s in tests]
    assert min(measured) - 1e-9 <= found.response_s <= max(measured) + 1e-9


def test_failures_are_no_measurement_and_death_forgets() -> None:
    found = vitals(fall=2)
    found.passed(0.0, 0.25)
    found.failed()
    assert found.response_s == 0.25
    found.failed()
    assert found.response_s is None


def test_who_is_down_is_measured_already() -> None:
    """So that least response time knows it from its first unit on."""
    found = down(rise=2)
    found.passed(100.0, 0.5)
    assert not found.up
    assert found.response_s == 0.5


# -- slow start ----------------------------------------------------------------------------------


@given(slow_start_s=st.floats(0.1, 100), part=st.floats(0, 3))
def test_weight_comes_back_in_proportion_to_time(slow_start_s: float, part: float) -> None:
    found = down(rise=1, slow_start_s=slow_start_s)
    found.passed(50.0, 0.01)
    assert found.ramp(50.0 + part * slow_start_s) == pytest.approx(min(1.0, max(0.1, part)), abs=1e-6)


def test_without_a_slow_start_it_is_back_at_once() -> None:
    found = down(rise=1, slow_start_s=0)
    found.passed(50.0, 0.01)
    assert found.ramp(50.0) == 1.0


# -- the promise ---------------------------------------------------------------------------------


def noticed_s(check: HealthCheck, first_s: float, way_s: float, death_s: float) -> float:
    """When a server that dies at `death_s` is known to be down, its tests leaving at first_s, first_s + interval_s, ...

    way_s: how long a packet takes one way. Who is alive when a test arrives answers it; its answer may come later.
    """
    sent = [first_s + number * check.interval_s for number in range(int(death_s / check.interval_s) + check.fall + 3)]
    results = [(at_s + 2 * way_s, True) if at_s + way_s < death_s else (at_s + check.timeout_s, False) for at_s in sent]
    found = Vitals(check)
    for at_s, passed in sorted(results):
        if passed:
            found.passed(at_s, 2 * way_s)
        elif found.failed():
            return at_s
    raise AssertionError("never")


@given(interval_s=st.floats(0.05, 5), timeout_s=st.floats(0.05, 5), fall=st.integers(1, 6), first=st.floats(0, 1),
       way=st.floats(0, 0.49), death=st.floats(0, 1), tests=st.integers(1, 20))
@example(interval_s=1.0, timeout_s=5.0, fall=3, first=0.0, way=0.49, death=0.0, tests=5)
def test_a_dead_server_gets_no_unit_after_what_is_promised(
        interval_s: float, timeout_s: float, fall: int, first: float, way: float, death: float, tests: int) -> None:
    """Whenever it dies: between tests, while one is on its way, while its last answer is; also where tests overlap."""
    check = HealthCheck(interval_s=interval_s, timeout_s=timeout_s, fall=fall)
    death_s = (first + tests - 1 + death) * interval_s
    took_s = noticed_s(check, first * interval_s, way * timeout_s, death_s) - death_s
    assert took_s <= check.notice_s + 1e-9


def test_the_promise_is_not_larger_than_it_must_be() -> None:
    """Dead a moment after a test has reached it: nearly all of it is needed."""
    check = HealthCheck(interval_s=1.0, timeout_s=0.5, fall=3)
    assert check.notice_s == 3.5
    assert noticed_s(check, 0.0, 0.0, death_s=7.001) - 7.001 == pytest.approx(3.499)


# -- validation ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "value"), [
    ("interval_s", 0), ("interval_s", -1.0), ("interval_s", float("nan")), ("interval_s", float("inf")),
    ("interval_s", "1"), ("interval_s", True), ("interval_s", None), ("interval_s", 3601), ("timeout_s", 0),
    ("timeout_s", [1]), ("half_life_s", 0), ("half_life_s", float("nan")), ("slow_start_s", -0.1),
    ("slow_start_s", float("inf")), ("rise", 0), ("rise", 1.0), ("rise", True), ("fall", 0), ("fall", 101),
    ("fall", "3"), ("status", 99), ("status", 600), ("status", 200.0), ("source", "nowhere"), ("source", 5),
    ("payload", ""), ("payload", 5), ("payload", "x" * 257), ("path", ""), ("path", "health"), ("path", "/a b"),
    ("path", "/a\r\nHost: b"), ("path", None), ("body", None), ("body", "x" * 257),
])
def test_what_cannot_be_tested_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(LabError) as caught:
        HealthCheck(**{field: value})
    assert caught.value.field == field
    assert repr(value) in caught.value.saw
    assert caught.value.expected


@pytest.mark.parametrize("fields", [
    {"interval_s": 0.01}, {"interval_s": 3600}, {"slow_start_s": 0}, {"rise": 1, "fall": 100}, {"status": 204},
    {"source": "10.0.0.3"}, {"source": "2001:db8::3"}, {"payload": "two\nlines"}, {"path": "/a?b=%20"}, {"body": "ok"},
])
def test_what_can_be_tested_is_taken_and_may_be_written_down(fields: dict[str, Any]) -> None:
    made = HealthCheck(**fields)
    assert dataclasses.replace(made) == made


def test_a_student_can_read_it() -> None:
    found = vitals()
    assert repr(found) == "<Vitals up, run +0, unmeasured>"
    found.passed(0.0, 0.0125)
    assert repr(found) == "<Vitals up, run +1, 12.5 ms>"
    assert repr(down(fall=2)) == "<Vitals down, run -2, unmeasured>"


# -- clients' connections ------------------------------------------------------------------------


def test_connections_that_fail_now_and_then_are_no_row() -> None:
    found = vitals(fall=3)
    for _ in range(10):
        assert not found.failed(passive=True)
        assert not found.failed(passive=True)
        found.served()
    assert [found.failed(passive=True) for _ in range(3)] == [False, False, True]


@given(results=st.lists(st.sampled_from(["passed", "failed", "lost", "served"]), max_size=60), fall=st.integers(1, 4))
def test_a_client_that_is_served_takes_back_what_clients_lost_and_no_test(results: list[str], fall: int) -> None:
    """Beside a model that strikes out the lost ones of the row when a client is served."""
    found, row = vitals(fall=fall, rise=1), list[str]()
    for number, result in enumerate(results):
        up = found.up
        match result:
            case "passed":
                row.clear()
                assert found.passed(float(number), 0.01) is not up
            case "served":
                row = [one for one in row if one != "lost"]
                found.served()
            case _:
                row.append(result)
                assert found.failed(passive=result == "lost") is (up and len(row) >= fall)
        assert found.up is (up and len(row) < fall if result in ("failed", "lost") else up or result == "passed")
