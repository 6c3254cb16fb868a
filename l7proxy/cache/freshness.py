"""How long a response is fresh, how old it is, and when it may be used although it is stale (RFC 9111 4.2).

     Date          response_time                       now
      │── apparent ──│                                  │
      │ Age + delay ─│────────── resident ──────────────│   age = max(apparent, Age + delay) + resident
      │──────── lifetime ────────│~~~~ stale ~~~~~~~~~~~│   fresh while lifetime > age

Rules kept here:

1. Two clocks. What an origin says (Date) is compared with the wall's, `wall`; time spent in here is measured by one
   that nobody puts right, `at`. So a wall clock that jumps makes nothing that is stored younger or older.
2. The first of these that is there decides the lifetime:

    s-maxage · max-age · Expires - Date · a tenth of Date - Last-Modified, at most a day (4.2.2)
"""

from __future__ import annotations

from l7proxy.cache import httpdate
from l7proxy.cache.directives import FOREVER_S, Policy, Wish, delta
from l7proxy.cache.fields import Index, members

HEURISTIC_PART, HEURISTIC_MOST_S = 0.1, 86_400
# Statuses that may be given a lifetime nobody stated (RFC 9110 15.1; 206 is not stored).
HEURISTIC = frozenset((200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501))


def initial_age(fields: Index, date: int, delay_s: float, wall: float) -> float:
    """corrected_initial_age (RFC 9111 4.2.3) of a response that came `delay_s` after its request.

    Of an Age that is a list the first member counts; one that is no number does not count (5.1).
    """
    stated = members(fields.get(b"age", ()))
    return max(0, int(wall) - date, (delta(stated[0]) if stated else 0) + delay_s)


def lifetime(policy: Policy, fields: Index, status: int, date: int, wall: float) -> int:
    """freshness_lifetime (RFC 9111 4.2.1), in seconds."""
    if policy.s_maxage is not None:
        return policy.s_maxage
    if policy.max_age is not None:
        return policy.max_age
    if b"expires" in fields and not policy.targeted:
        return max(0, min((httpdate.parse(line, wall) or 0) - date for line in fields[b"expires"]))
    return _heuristic(policy, fields, status, date, wall)


def _heuristic(policy: Policy, fields: Index, status: int, date: int, wall: float) -> int:
    """RFC 9111 4.2.2. What sets a cookie was made for one client, unless its origin says more: no guess there."""
    modified = httpdate.parse(fields[b"last-modified"][0], wall) if b"last-modified" in fields else None
    if modified is None or not (status in HEURISTIC or policy.public) or b"set-cookie" in fields:
        return 0
    return int(min(max(0, date - modified) * HEURISTIC_PART, HEURISTIC_MOST_S))


def explicit(policy: Policy, fields: Index) -> bool:
    """Whether the origin itself says how long it is fresh."""
    return policy.max_age is not None or policy.s_maxage is not None or (
        b"expires" in fields and not policy.targeted)


def satisfies(wish: Wish, policy: Policy, age_s: float, left_s: float) -> bool:
    """Whether a client takes what is `age_s` old and fresh for another `left_s` (RFC 9111 5.2.1, 4.2.4)."""
    if wish.no_cache or (wish.max_age is not None and age_s > wish.max_age):
        return False
    if left_s > 0:
        return left_s >= wish.min_fresh
    return not policy.forbids_stale and -left_s < wish.max_stale


def bridges(wish: Wish, policy: Policy, left_s: float, window_s: int) -> bool:
    """Whether what is stale by -`left_s` may be used within `window_s`: RFC 5861, or nobody answers (RFC 9111 4.2.4).

    A client that asks for more than the store has gets what the origin has, an error if need be.
    """
    asks = wish.no_cache or wish.max_age is not None or wish.min_fresh > 0
    return not asks and not policy.forbids_stale and -left_s < min(window_s, FOREVER_S)
