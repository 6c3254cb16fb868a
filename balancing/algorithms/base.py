"""What an algorithm is. Read `round_robin.py` next: it is the shortest one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class Algorithm(ABC):
    """Decides which server of `pool` takes a unit.

    name:    the word on the command line.
    summary: one line that says what it is for.
    """

    name: ClassVar[str]
    summary: ClassVar[str]

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    @abstractmethod
    def choose(self, unit: Unit) -> Server:
        """Return the candidate that takes `unit`. Called only while there is a candidate."""

    @abstractmethod
    def scores(self, unit: Unit) -> dict[str, float]:
        """Return each candidate's score for `unit`, by name. `choose` takes the highest. No side effect."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.pool.name}>"
