"""WHO serves: services, backends, algorithms, and the pool that holds them together.

Rules of this room:

1. Pure: no sockets, no threads, no clock of its own. Whoever calls it brings the time, and connections where one is
   to be served (api_http.py). Files are read and written in two places, at their callers' word: store.py, and own.py.
2. It imports nothing of ours but the error class. Controller and proxy both stand on it,
   so an algorithm is the same object at L2, L3, L4 and L7.
3. What passes between rooms is frozen.

            Service ──► Pool ──► Algorithm.choose(unit) ──► Server
                        ▲  │
     tests: Vitals ─────┤  └───► events (Assigned, Released, Down, ...), one writer, NDJSON
     an operator: API ──┘
"""

from balancing.algorithms import ALGORITHMS, Algorithm, Stateless, find_algorithm
from balancing.assignments import Assignments
from balancing.claims import by_address, check_services
from balancing.events import (
    Assigned,
    Changed,
    Down,
    Drained,
    Event,
    PacketIn,
    Ready,
    Refused,
    Released,
    Up,
    ndjson,
)
from balancing.health import HealthCheck, Vitals
from balancing.layers import LAYERS, Layer
from balancing.pool import NoBackend, Pool, Server
from balancing.route import Pair, Route
from balancing.service import REALISATIONS, Backend, Service
from balancing.unit import Unit

__all__ = [
    "ALGORITHMS", "LAYERS", "REALISATIONS",
    "Algorithm", "Assigned", "Assignments", "Backend", "Changed", "Down", "Drained", "Event", "HealthCheck", "Layer",
    "NoBackend", "PacketIn", "Pair", "Pool", "Ready", "Refused", "Released", "Route", "Server", "Service", "Stateless",
    "Unit", "Up", "Vitals", "by_address", "check_services", "find_algorithm", "ndjson",
]
