"""The timer wheel: an alarm rings on the tick it is due, once, however often it was put off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from l7proxy.wheel import Wheel


def test_it_rings_when_due_and_once():
    wheel, rung = Wheel(), []
    wheel.alarm(lambda: rung.append(wheel.now)).set(3)
    for _ in range(9):
        wheel.advance()
    assert rung == [3]
    assert len(wheel) == 0


def test_an_alarm_may_set_itself_again_while_it_rings():
    wheel, rung = Wheel(), []
    alarm = wheel.alarm(lambda: (rung.append(wheel.now), alarm.set(2)))
    alarm.set(1)
    for _ in range(6):
        wheel.advance()
    assert rung == [1, 3, 5]


@given(st.lists(st.one_of(st.integers(1, 9), st.just("tick"), st.sampled_from(["cancel", "hush"])), max_size=60))
def test_it_agrees_with_the_simplest_thing_that_could_be_right(steps):
    wheel, rung, due, expected = Wheel(), [], None, []
    alarm = wheel.alarm(lambda: rung.append(wheel.now))
    for step in [*steps, *["tick"] * 10]:
        if step == "tick":
            wheel.advance()
            if due == wheel.now:
                expected.append(due)
        elif step in ("cancel", "hush"):
            getattr(alarm, step)()
            due = None
        else:
            alarm.set(step)
            due = wheel.now + step
    assert rung == expected
    assert len(wheel) == 0
