"""Asides: what is said to the server itself, past the queue and uncounted, so that looking changes nothing.

    GET /_stats                            what it has counted, and how many requests are in service or wait
    PUT /_capacity?workers=N&slowness=F    from now on N at a time, each F times as long; one of them may be left out.
                                           With &port=P only there, if ports have queues of their own

Who wants to know how long a request would wait asks for /_probe. That is no aside: it waits its turn and keeps a
worker as long as any request does, and only isn't counted.
"""

from __future__ import annotations

from experiments.server.counts import Counts
from experiments.server.queues import Queues
from experiments.server.request import read_change

PATHS = {"/_stats": "GET", "/_capacity": "PUT"}
PROBE = "/_probe"


class Asides:
    """Answers the asides of one server. name: what it calls itself."""

    def __init__(self, name: str, counts: Counts, queues: Queues) -> None:
        self._name, self._counts, self._queues = name, counts, queues

    def answer(self, method: str, path: str, query: str) -> dict[str, object]:
        """Do what is asked and say how things are now. Raises ValueError, fit to be shown, for what can't be done."""
        if method != PATHS[path]:
            raise ValueError(f"{method} is not for {path}, expected {PATHS[path]}")
        if path == "/_capacity":
            self._queues.change(*read_change(query))
        return {"server": self._name, **self._counts.stats(),
                "active": self._queues.active, "queued": self._queues.queued}
