"""After the name is resolved: which of its addresses may be dialled.

     shop.example ──resolver──► 93.184.215.14    public              ──rules──► dialled
                                10.0.0.7         private             ──✗  "guard: 10.0.0.7 is private (RFC 1918)"
                                ::ffff:127.0.0.1 mapped, loopback    ──✗

Rules kept here:

1. The address that was checked is the address that is dialled: what comes out are addresses, and no name is resolved
   after it. So a name that is another one a moment later (DNS rebinding) gains nothing.
2. Special addresses are refused unless a network that is allowed holds them; a form that carries another address must
   be allowed, and so must the address that it carries.
3. The proxy's own doors are never dialled, allowed or not: that would be a loop, which at level elite no Via shows.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from balancing.form import IPAddress
from l7proxy.forward.addresses import PUBLIC, Network, kinds, within
from l7proxy.forward.rules import Access, Asked
from l7proxy.forward.verdict import Outcome, Verdict, denied


@dataclass(frozen=True)
class Guard:
    """allowed: networks of special addresses that clients may reach. own: addresses and ports that we listen at."""

    allowed: tuple[Network, ...] = ()
    own: Container[tuple[IPAddress, int]] = frozenset()

    def refuses(self, address: IPAddress, port: int) -> Verdict | None:
        """Why `address` is not dialled; None if nothing speaks against it."""
        for one, row in kinds(address):
            if (one, port) in self.own:
                return denied("guard", f"{one} port {port} is this proxy", 502, "proxy_loop_detected")
            if row.kind != PUBLIC and not within(one, self.allowed):
                return denied("guard", f"{one} is {row.kind} ({row.section})", error="destination_ip_prohibited")
        return None


def dialable(asked: Asked, addresses: Iterable[IPAddress], access: Access,
             guard: Guard) -> tuple[Sequence[IPAddress], Verdict]:
    """Those of `addresses` that may be dialled, in their order; if none, the verdict says why the first may not be."""
    found, first = [], None
    for address in addresses:
        verdict = access.judge(asked, address)
        if verdict.allowed:
            verdict = guard.refuses(address, asked.destination.port) or verdict
        if verdict.outcome is Outcome.AUTHENTICATE:
            return (), verdict
        if verdict.allowed:
            found.append(address)
        if first is None or (verdict.allowed and not first.allowed):
            first = verdict
    return found, first or denied("dns", "the name has no address", 502, "dns_error")
