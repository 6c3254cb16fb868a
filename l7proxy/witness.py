"""An exchange that writes down what it does, for one request that asked for an explanation (explain.py).

It does what every exchange does, at the same moments, and notes them: so nobody else's request pays for the noting.

     choose ──scores, who was passed over──► dial ──► opened ──► answer ──line──► the client
        ▲                                     │ failed: why          └──finish, part──► the record is whole
        └─────────────────────────────────────┘
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from balancing import Pool, Server, Unit
from l7proxy.balancer import Balancer
from l7proxy.exchange import Exchange
from l7proxy.explain import Record, Try, line
from l7proxy.failures import NAMES, Failure
from l7proxy.messages import RequestHead, ResponseHead

if TYPE_CHECKING:
    from l7proxy.conversation import Conversation


class Witness(Exchange):
    """An exchange, and the record of it."""

    def __init__(self, talk: Conversation, head: RequestHead, balancer: Balancer, unit: Unit, record: Record) -> None:
        super().__init__(talk, head, balancer, unit)
        self.record = record

    def choose(self) -> None:
        scores, passed = weighed(self.balancer, self.unit, self.tried)
        self.record.tries.append(one := Try(scores, passed, self.talk.outside.now()))
        self.record.ended_s = None
        self.more = line(self.record)  # should nobody be left, it is answered in this very call
        super().choose()
        self._name()
        if self.server is not None and one.dialled_s is None:
            one.because += "; all are full, so it waits in its row"
        self._note_end()

    def _name(self) -> None:
        """Note who was chosen, and why, as soon as that is known."""
        one = self.record.tries[-1]
        if self.server is not None and not one.server:
            one.server = self.server.name
            one.because = self._because(self.server)

    def _because(self, server: Server) -> str:
        pool, session = self.balancer.pool, self.session
        if session.server is server:
            return "its session lives there"
        by = f"{algorithm(pool)}: {self._highest(server)}"
        if session.key is not None:
            by = f"{by}, by its session's key"
        if len(self.record.tries) > 1:
            before = self.record.tries[-2]
            return f"{before.failure} at {before.server} before; {by}"
        return f"its session's server is gone; {by}" if session.known else by

    def _highest(self, server: Server) -> str:
        """Whether its score was the only one of its height."""
        scores = self.record.tries[-1].scores
        equals = sum(score == scores.get(server.name) for score in scores.values())
        return "the highest score" if equals < 2 else f"one of {equals} with the highest score"

    def dial(self, fresh: bool) -> None:
        self._name()
        self.record.tries[-1].dialled_s = self.talk.outside.now()
        super().dial(fresh)

    def opened(self, reused: bool) -> None:
        one = self.record.tries[-1]
        one.opened_s, one.kept = self.talk.outside.now(), reused
        super().opened(reused)

    def take(self, answer: ResponseHead) -> bytes:
        self.record.tries[-1].answered_s = self.talk.outside.now()
        self.record.cache = self.note
        self.more = line(self.record)
        return super().take(answer)

    def fail(self, failure: Failure) -> None:
        self._name()
        self.record.tries[-1].failure = NAMES[failure]
        self.more = line(self.record)
        super().fail(failure)
        self._note_end()

    def part(self, keep: bool) -> None:
        super().part(keep)
        self._note_end()

    def _note_end(self) -> None:
        """If it has no server now, this may have been all; if not, `choose` says so."""
        if self.server is None:
            self.record.status, self.record.ended_s = self.status, self.talk.outside.now()


def weighed(balancer: Balancer, unit: Unit, tried: tuple[Server, ...]) -> tuple[dict[str, float], dict[str, str]]:
    """The scores of those who can be chosen for `unit`, and why each of the others can't be. Changes nothing."""
    pool, full = balancer.pool, balancer.full()
    scores = pool.scores(unit, [*tried, *full]) or pool.scores(unit, tried)
    passed = {}
    for server in pool.servers.values():
        if server.name not in scores:
            passed[server.name] = "tried" if server in tried else server.state if not server.available else "full"
    return scores, passed


def algorithm(pool: Pool) -> str:
    """Its name; of one's own the file's and the class's, without the folders."""
    return pool.service.algorithm.rpartition("/")[2]
