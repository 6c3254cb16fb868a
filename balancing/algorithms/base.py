"""What an algorithm is. Read `round_robin.py` next: it is the shortest one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from balancing.maglev import table

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
    steered:      whether its slots follow the load (steered.py): then they move units that nobody remembers.
    keyed:        whether a unit's key decides, not the unit: at L4 all of a client's connections then go together.
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    bound: ClassVar[str] = ""
    reads_active: ClassVar[bool] = True
    keyed: ClassVar[bool] = False
    steered: ClassVar[bool] = False

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    @abstractmethod
    def choose(self, unit: Unit) -> Server:
        """Return the candidate that takes `unit`. Called only while there is a candidate."""

    @abstractmethod
    def scores(self, unit: Unit) -> dict[str, float]:
        """Return each candidate's score for `unit`, by name. `choose` takes the highest. No side effect."""

    def slots(self, size: int) -> list[Server]:
        """The same law as a table of `size` slots, which a switch can hold: who owns each. Called only while there is a
        candidate. By whom it is offered says `has_slots`.
        """
        raise NotImplementedError

    @classmethod
    def has_slots(cls) -> bool:
        """Whether this law can be a table: a switch hashes a unit to a slot, and knows nothing else of it."""
        return cls.slots is not Algorithm.slots

    def changed(self, server: Server) -> None:
        """The pool says: `active` or `response_s` of this server is another now. Who keeps no order passes over it."""
        return

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.pool.name}>"


def by_weight(weights: Mapping[Server, int], size: int) -> list[Server]:
    """A table of slots in proportion to the weights, in which hardly any slot moves when a server comes or goes."""
    servers = {server.name: server for server in weights}
    return [servers[name] for name in table({server.name: weight for server, weight in weights.items()}, size)]


class Stateless(Algorithm):
    """One whose `choose` changes nothing: so it can be asked for the scores. 1 for who is chosen, 0 for the rest."""

    reads_active = False

    def scores(self, unit: Unit) -> dict[str, float]:
        owner = self.choose(unit)
        return {server.name: float(server is owner) for server in self.pool.candidates}
