"""The events file: decisions as NDJSON, in one write for each round of the loop.

     pool ──event──► a list ──next round──► one write

Rule: an event is written in the round after it happened, so a decision can be read before its answer is:
the answer needs a round of its own to come back from the backend.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from balancing import Event, ndjson
from layerlab import LabError


class EventLog:
    """Events on their way to a file. later(seconds, call): the loop's call_later.

    Raises LabError if the file can't be opened.
    """

    def __init__(self, path: Path, later: Callable[[float, Callable[[], object]], object]) -> None:
        self._later = later
        self._events: list[tuple[float, Event]] = []
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise LabError(f"the events file {path} can't be opened: {error.strerror}",
                           "a path that can be written") from None

    def add(self, event: Event) -> None:
        """Note `event`, now; the first one of a round sees to it that all are written."""
        if not self._events:
            self._later(0, self.flush)
        self._events.append((time.time(), event))

    def close(self) -> None:
        """Write what was noted, and no more."""
        self.flush()
        self._file.close()

    def flush(self) -> None:
        """Write what was noted, in whole lines."""
        events, self._events = self._events, []
        if events:
            self._file.write("".join(ndjson(event, stamp) for stamp, event in events).encode())
