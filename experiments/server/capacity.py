"""Capacity: `workers` jobs are served at a time, each takes its service time, the rest wait their turn.

    submit ──► waiting (FIFO) ──► in service, `workers` at most ──► done

Rules kept here:

1. A job waits only while every worker is busy, and jobs are taken up in the order they came.
2. A worker that has a next job waiting starts it at the moment the last one was *due*, not when the
   timer got round to it. So a loaded server serves `workers / service_time_s` requests a second,
   however late the machine's timers are.
3. Who resets the connection loses the place in the queue; a job already in service runs to its end,
   because a worker doesn't notice. (A mere FIN says "I send no more", and the answer is still owed.)
4. Workers and slowness may change at any time, and what is in service then ends as it began.
5. The clock is given: the tests bring their own.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Job:
    """One request's turn.

    done:           called once with this job, when it has been served.
    service_time_s: how long it keeps a worker, in seconds; 0 is served at once.
    served:         its running number in the order of being taken up, from 1.
    in_service:     how many jobs were in service then, itself among them.
    """

    done: Callable[[Job], None]
    service_time_s: float
    served: int = 0
    in_service: int = 0


class Capacity:
    """A number of workers and the queue before them.

    workers:  None means any number.
    now:      the clock, in seconds.
    call_at:  `call_at(when_s, function, *args)`, as an asyncio loop has it.
    slowness: how many times its service time each job takes.
    """

    def __init__(self, workers: int | None, now: Callable[[], float], call_at: Callable[..., object]) -> None:
        self._workers = math.inf if workers is None else workers
        self.slowness = 1.0
        self._now, self._call_at = now, call_at
        self._waiting: deque[Job] = deque()
        self.active = 0
        self._taken = 0

    @property
    def queued(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    def submit(self, job: Job) -> None:
        """Serve `job` now if a worker is free, else when its turn comes."""
        if not self._waiting and self.active < self._workers:
            self._start(job, self._now())
        else:
            self._waiting.append(job)

    def set_workers(self, workers: int) -> None:
        """Have so many workers from now on: more begin at once with what waits, fewer finish what they have."""
        self._workers = workers
        self._take_up(self._now())

    def withdraw(self, job: Job) -> None:
        """Take `job` out of the queue; nothing if it isn't there any more."""
        if job in self._waiting:
            self._waiting.remove(job)

    def _start(self, job: Job, start_s: float) -> None:
        self._taken += 1
        self.active += 1
        job.served, job.in_service = self._taken, self.active
        if (service_s := job.service_time_s * self.slowness) > 0:
            due_s = start_s + service_s
            self._call_at(due_s, self._finish, job, due_s)
        else:
            self._end(job)

    def _finish(self, job: Job, due_s: float) -> None:
        self._end(job)
        self._take_up(due_s)

    def _take_up(self, start_s: float) -> None:
        while self._waiting and self.active < self._workers:
            self._start(self._waiting.popleft(), start_s)

    def _end(self, job: Job) -> None:
        self.active -= 1
        job.done(job)

    def __repr__(self) -> str:
        return f"<Capacity workers={self._workers} active={self.active} queued={self.queued}>"
