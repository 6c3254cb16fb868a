"""A few threads for what blocks, scrypt and getaddrinfo: asked in the loop, and answered there.

     ask(work, then) ──► a queue ──► a thread: work() ──a round of the loop of its own──► then(what it returned)

No executor of the standard library: its threads are waited for when the process ends, and getaddrinfo can take half a
minute to find that no name server answers. These end with the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Asked = tuple[asyncio.AbstractEventLoop, Callable[[], Any], Callable[[Any], object]]


class Threads:
    """most: how many; each is begun when it is needed. name: what the system calls them."""

    def __init__(self, most: int, name: str) -> None:
        self._most, self._name, self._begun = most, name, 0
        self._closed = False
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()

    def ask(self, work: Callable[[], Any], then: Callable[[Any], object]) -> None:
        """Call `work` in a thread, and then `then` in this loop with what it returned."""
        self._asked.put((asyncio.get_running_loop(), work, then))
        if self._begun < self._most or self._closed:
            self._begun += 1
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        if self._closed:
            self._asked.put(None)

    def _serve(self) -> None:
        try:
            while (asked := self._asked.get()) is not None:
                loop, work, then = asked
                said = work()
                with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(then, said)
        finally:
            self._begun -= 1  # also by an exception, which is shown: another one takes its place

    def close(self) -> None:
        """End them, once all that was asked is done; whoever still asks gets a thread for that alone."""
        self._closed = True
        for _ in range(self._begun):
            self._asked.put(None)

    def __repr__(self) -> str:
        return f"<Threads {self._name}: {self._begun} of {self._most}, {self._asked.qsize()} wait>"
