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
    """Every Capacity of one program, all of them with the same workers and slowness until that of a port is changed."""

    def __init__(self, workers: int | None, apart: bool, loop: asyncio.AbstractEventLoop) -> None:
        self._workers, self._apart, self._loop = workers, apart, loop
        self._all: list[Capacity] = []
        self._of: dict[int, Capacity] = {}

    def of_port(self, port: int) -> Capacity:
        """The queue that one more port is to have."""
        if self._apart or not self._all:
            self._all.append(Capacity(self._workers, self._loop.time, self._loop.call_at))
        self._of[port] = self._all[-1]
        return self._all[-1]

    @property
    def active(self) -> int:
        """How many jobs are in service."""
        return sum(queue.active for queue in self._all)

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return sum(queue.queued for queue in self._all)

    def change(self, workers: int | None, slowness: float | None, port: int | None = None) -> None:
        """From now on: so many workers behind each queue, or that of one port, so many times as slow.

        None leaves it as it is. Raises ValueError, fit to be shown, for a port that it doesn't serve.
        """
        if port is not None and port not in self._of:
            raise ValueError(f"port is {port}, expected one of {', '.join(map(str, self._of))}")
        for queue in self._all if port is None else [self._of[port]]:
            if slowness is not None:
                queue.slowness = slowness
            if workers is not None:
                queue.set_workers(workers)
