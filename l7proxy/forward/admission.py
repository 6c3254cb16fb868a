"""How many requests a client makes: within its rate, or told when to come again.

     GCRA: each request moves the client's due time on by 1/rate; who is further ahead than its burst waits
     (how many connections it has is bounded by Limits.client_connections, for both faces: guests.py)

Rules kept here:

1. 429 is the client's own doing (RFC 6585 4); Retry-After says when the next one may come (RFC 9110 10.2.3).
2. Who is within its rate again is forgotten: what is kept is bounded by who is active.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from l7proxy.forward.verdict import Verdict, denied
from layerlab import LabError

RULE = "request-rate"


@dataclass(frozen=True)
class RequestRate:
    """rate: requests of one client a second; burst: so many of them at once."""

    rate: float
    burst: int = 50

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise LabError(f"{self.rate:g} requests a second may be made", "more than 0", field="rate")


class Admission:
    """How fast each client asks. terms: None for no bound."""

    def __init__(self, terms: RequestRate | None = None) -> None:
        self.terms = terms
        self._due_s: dict[str, float] = {}
        self._room = 1024  # how many due times there may be before those that are past are dropped

    def ask(self, client: str, now_s: float) -> Verdict | None:
        """A request of `client`: None if it may be made, and is counted."""
        terms = self.terms
        if terms is None:
            return None
        due_s = max(self._due_s.get(client, now_s), now_s)
        early_s = due_s - now_s - (terms.burst - 1) / terms.rate
        if early_s > 1e-9:
            return denied(RULE, f"a client may make {terms.rate:g} requests a second, {terms.burst} at once", 429,
                          "http_request_denied", b"Retry-After: %d\r\n" % ceil(early_s))
        if len(self._due_s) >= self._room:
            self._due_s = {one: due for one, due in self._due_s.items() if due > now_s}
            self._room = max(1024, 2 * len(self._due_s))
        self._due_s[client] = due_s + 1 / terms.rate
        return None

    def __repr__(self) -> str:
        return f"<Admission: {self.terms or 'no bound'}, {len(self._due_s)} clients>"
