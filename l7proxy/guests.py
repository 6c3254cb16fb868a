"""Who is connected: how many clients in all, and how many of one address.

     a client connects ──► one too many of its address?  ──► 429 (RFC 6585 4)
                       ├─► one too many in all?          ──► 503 (RFC 9110 15.6.4)   both with Retry-After, and closed
                       └─► many too many in all?         ──► a reset: even an answer costs a socket for a while

Rules kept here:

1. Pure: whoever comes, leaves; also who was turned away.
2. Of IPv6 the network counts, the first 64 bits: a host may have as many addresses in it as it likes (RFC 7084 4.3).
"""

from __future__ import annotations

from l7proxy.limits import Limits
from l7proxy.refusal import Refused

_NETWORK_OCTETS = 8


class Guests:
    """The clients of a whole proxy."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.all = 0
        self._of: dict[bytes, int] = {}

    def come(self, address: bytes) -> Refused | None:
        """One has connected from `address` (4 or 16 octets); return why it is turned away, if it is."""
        key = address[:_NETWORK_OCTETS]
        self.all += 1
        self._of[key] = its_own = self._of.get(key, 0) + 1
        if its_own > self.limits.client_connections:
            return Refused(429, "too many connections of this client", "RFC 6585 4")
        if self.all > self.limits.connections:
            return Refused(503, "too many connections", "RFC 9110 15.6.4")
        return None

    @property
    def overrun(self) -> bool:
        """Whether there are so many that who is turned away can't even be told."""
        return self.all > self.limits.connections + self.limits.spare_connections

    def leave(self, address: bytes) -> None:
        """One of those that came from `address` is gone."""
        key = address[:_NETWORK_OCTETS]
        self.all -= 1
        self._of[key] -= 1
        if not self._of[key]:
            del self._of[key]

    def __repr__(self) -> str:
        return f"<Guests: {self.all} of {len(self._of)} addresses>"
