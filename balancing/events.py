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
class Released(Event):
    """A unit ended, or went idle."""

    unit: str
    backend: str


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """The service can be used: its rules are in the switch, or its proxy listens."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The switch would not have a rule of the service."""

    rule: str


def ndjson(event: Event, time_s: float) -> str:
    """One line of the event log, newline included. `time_s` is seconds since the epoch."""
    return json.dumps({"t": time_s, "event": type(event).__name__, **dataclasses.asdict(event)}) + "\n"
