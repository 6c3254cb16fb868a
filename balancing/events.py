"""What happened, as frozen events. Tests assert on them, experiments count them.

Written as NDJSON, one object a line, by whoever owns the clock and the file:

    {"t": 1732375123.25, "event": "Assigned", "service": "web", "unit": "10.0.1.1 40000", "backend": "s1"}
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a service."""

    service: str


@dataclass(frozen=True, slots=True)
class Assigned(Event):
    """A new unit was given to a backend: one decision of the algorithm."""

    unit: str
    backend: str


@dataclass(frozen=True, slots=True)
class PacketIn(Event):
    """A unit's packet went to the controller: the first one, or one that the new flow came too late for."""

    unit: str


@dataclass(frozen=True, slots=True)
class Released(Event):
    """A unit ended, or went idle."""

    unit: str
    backend: str


@dataclass(frozen=True, slots=True)
class Up(Event):
    """A server's tests have passed often enough: it gets units again."""

    backend: str


@dataclass(frozen=True, slots=True)
class Down(Event):
    """A server's tests, or its clients' connections, have failed once too often. why: how the last one failed."""

    backend: str
    why: str


@dataclass(frozen=True, slots=True)
class Drained(Event):
    """A server that gets no new units has none left: it can be taken away."""

    backend: str


@dataclass(frozen=True, slots=True)
class Changed(Event):
    """An operator has changed the pool. change: how, in words."""

    change: str


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """The service can be used: its rules are in the switch, or its proxy listens."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The switch would not have a rule of the service."""

    rule: str


def ndjson(event: Event, time_s: float) -> str:
    """One line of the event log, newline included. `time_s` is seconds since the epoch."""
    form, names = _FORMS.get(type(event)) or _learn(type(event))
    return form % (time_s, *[_json(getattr(event, name)) for name in names])


_json = json.JSONEncoder(default=dataclasses.asdict).encode
_FORMS: dict[type[Event], tuple[str, list[str]]] = {}


def _learn(kind: type[Event]) -> tuple[str, list[str]]:
    """A line of `kind` with gaps, and what fills them: made once; asdict and dumps would cost four times as much."""
    names = [field.name for field in dataclasses.fields(kind)]
    gaps = "".join(f', "{name}": %s' for name in names)
    _FORMS[kind] = '{"t": %s, "event": "' + kind.__name__ + '"' + gaps + "}\n", names
    return _FORMS[kind]
