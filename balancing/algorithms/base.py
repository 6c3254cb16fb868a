"""What an algorithm is. Read `round_robin.py` next: it is the shortest one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from balancing.pool import Pool, Server
    from balancing.unit import Unit


class Algorithm(ABC):
    """Decides which server of `pool` takes a unit.

    name:         the word on the command line.
    summary:      one line that says what it is for.
    bound:        how the time of a choice grows with n servers, such as O(log n); `./lab bench algorithms` measures it.
    reads_active: whether it looks at how busy servers are. Then a switch is to say at once when a connection
                  ends, which costs a packet-in more for each (controller/rules.py).
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    bound: ClassVar[str] = ""
    reads_active: ClassVar[bool] = True

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    @abstractmethod
    def choose(self, unit: Unit) -> Server:
        """Return the candidate that takes `unit`. Called only while there is a candidate."""

    @abstractmethod
    def scores(self, unit: Unit) -> dict[str, float]:
        """Return each candidate's score for `unit`, by name. `choose` takes the highest. No side effect."""

    def changed(self, server: Server) -> None:
        """The pool says: `active` or `response_s` of this server is another now. Who keeps no order passes over it."""
        return

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.pool.name}>"


class Stateless(Algorithm):
    """One whose `choose` changes nothing: so it can be asked for the scores. 1 for who is chosen, 0 for the rest."""

    reads_active = False

    def scores(self, unit: Unit) -> dict[str, float]:
        owner = self.choose(unit)
        return {server.name: float(server is owner) for server in self.pool.candidates}
