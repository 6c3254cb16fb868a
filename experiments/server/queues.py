"""The queues of one server: one before all its ports, or one before each.

    together   :80 ──┐                         apart   :80   ──► Capacity
               :8001 ┴─► Capacity                      :8001 ──► Capacity

Apart, every port is a server of its own, with workers of its own: one program stands in for many, as long as the
machine can carry them.
"""

from __future__ import annotations

import asyncio

from experiments.server.capacity import Capacity


class Queues:
    """Every Capacity of one program, all of them with the same workers and slowness."""

    def __init__(self, workers: int | None, apart: bool, loop: asyncio.AbstractEventLoop) -> None:
        self._workers, self._apart, self._loop = workers, apart, loop
        self._all: list[Capacity] = []

    def of_next_port(self) -> Capacity:
        """The queue that one more port is to have."""
        if self._apart or not self._all:
            self._all.append(Capacity(self._workers, self._loop.time, self._loop.call_at))
        return self._all[-1]

    @property
    def active(self) -> int:
        """How many jobs are in service."""
        return sum(queue.active for queue in self._all)

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return sum(queue.queued for queue in self._all)

    def change(self, workers: int | None, slowness: float | None) -> None:
        """From now on: so many workers before each queue, so many times as slow. None leaves it as it is."""
        for queue in self._all:
            if slowness is not None:
                queue.slowness = slowness
            if workers is not None:
                queue.set_workers(workers)
