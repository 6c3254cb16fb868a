"""What the tests of this room share: pools and units, made from as little as can be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from balancing import Backend, Event, HealthCheck, Pool, Server, Service, Unit

WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=6)
CHECK = HealthCheck(source="10.0.0.3", rise=2, fall=2, slow_start_s=4.0)  # type: ignore[arg-type]


def backend(number: int, weight: int = 1, **fields: Any) -> Backend:
    """Backend number N: sN, at an address of its own."""
    known: dict[str, Any] = {"id": number, "name": f"s{number}", "ip": f"10.0.{number // 256}.{number % 256}",
                             "mac": "02:00:00:02:00:01", "weight": weight}
    return Backend(**known | fields)


def pool(algorithm: str = "round-robin", weights: Sequence[int] = (1, 1, 1), *, name: str = "web",
         health: HealthCheck | None = None, on_event: Callable[[Event], object] | None = None) -> Pool:
    """A pool of s1, s2, ... with these weights."""
    backends = tuple(backend(number, weight) for number, weight in enumerate(weights, start=1))
    return Pool(Service(1, name, "10.0.255.100", "l3", backends, algorithm, health=health), on_event)  # type: ignore[arg-type]


def unit(number: int) -> Unit:
    """Unit number N; its key is the number itself."""
    return Unit((f"unit {number}",), number.to_bytes(4, "big"))


def once(found: Pool, number: int = 0) -> Server:
    """Who takes a unit that is over at once."""
    server = found.assign(unit(number))
    found.release(unit(number), server)
    return server


def spread(number: int, share: float) -> float:
    """How far `number` draws, each with the probability `share`, may be off: five standard deviations of a binomial.

    A test that allows for it fails by chance once in two million; and as nothing here is drawn anew, never or always.
    """
    return 5 * float((number * share * (1 - share)) ** 0.5)


def moved(found: Pool, gone: int, keys: Sequence[int]) -> tuple[int, int]:
    """How many of these clients had to move when server `gone` goes down, and how many others moved besides."""
    before = {key: found.assign(unit(key)) for key in keys}
    found.set_up(found.servers[gone], False)
    after = {key: found.assign(unit(key)) for key in keys}
    stranded = [key for key in keys if before[key] is found.servers[gone]]
    return len(stranded), sum(before[key] is not after[key] for key in keys) - len(stranded)
