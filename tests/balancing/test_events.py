"""A line of the event log is what the json module would write, whatever is in it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancing import Assigned, Event, Ready, Refused, Released, ndjson


@dataclass(frozen=True, slots=True)
class Judged(Event):
    """An event of a kind that is not known yet: other types, and a dataclass inside."""

    up: bool
    scores: dict[str, float]
    why: Ready | None
    names: tuple[str, ...]


def by_json(event: Event, time_s: float) -> str:
    return json.dumps({"t": time_s, "event": type(event).__name__, **dataclasses.asdict(event)}) + "\n"


TIMES = st.floats(0, 1e11)


@given(st.text(), st.text(), st.text(), TIMES)
@example('web"', "\r\n\x00\x7f\u2028\ud800", "%s \\ %(x)d", 1732375123.25)
def test_a_line_is_the_json_modules(service: str, unit: str, backend: str, time_s: float) -> None:
    for event in (Ready(service), Assigned(service, unit, backend), Released(service, unit, backend),
                  Refused(service, unit)):
        line = ndjson(event, time_s)
        assert line == by_json(event, time_s)
        assert line.count("\n") == 1


@pytest.mark.parametrize("why", [None, Ready("a")])
@given(st.booleans(), st.dictionaries(st.text(), st.floats(allow_nan=False)), st.lists(st.text()))
def test_any_class_of_event_can_be_written(
        why: Ready | None, up: bool, scores: dict[str, float], names: list[str]) -> None:
    event = Judged("web", up, scores, why, tuple(names))
    assert ndjson(event, 0.0) == by_json(event, 0.0)
