"""What may be stored, as a table (RFC 9111 3): the first row that applies is why not, and Cache-Status's detail.

Nor is anything stored that would never be used (`no-use`): stale when it comes, and without a validator.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from l7proxy.cache import vary
from l7proxy.cache.directives import Policy, Wish
from l7proxy.cache.entry import Key
from l7proxy.cache.fields import Index
from l7proxy.cache.freshness import HEURISTIC, explicit

UNDERSTOOD = frozenset(HTTPStatus) - {HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}


class Case(NamedTuple):
    """A response with the request that it answers."""

    method: bytes
    key: Key
    request: Index
    wish: Wish
    status: int
    fields: Index
    policy: Policy


# detail, section, and when it applies. Ordered: what the table says first is what a student reads in Cache-Status.
RULES: tuple[tuple[bytes, str, Callable[[Case], bool]], ...] = (
    (b"method", "RFC 9110 9.3.3", lambda it: it.method != b"GET" and not _answers_get(it)),
    (b"partial", "RFC 9111 3.3", lambda it: it.status == 206),
    (b"not-modified", "RFC 9111 3", lambda it: it.status == 304),
    (b"not-understood", "RFC 9111 5.2.2.3", lambda it: it.policy.must_understand and it.status not in UNDERSTOOD),
    (b"request-no-store", "RFC 9111 5.2.1.5", lambda it: it.wish.no_store),
    (b"no-store", "RFC 9111 5.2.2.5", lambda it: it.policy.no_store and not it.policy.must_understand),
    (b"private", "RFC 9111 5.2.2.7", lambda it: it.policy.private),
    (b"authorization", "RFC 9111 3.5", lambda it: b"authorization" in it.request and not _shared(it.policy)),
    (b"vary-any", "RFC 9111 4.1", lambda it: vary.names(it.fields) is None),
    (b"status", "RFC 9111 3", lambda it: it.status not in HEURISTIC and not it.policy.public
                                         and not explicit(it.policy, it.fields)),
)


def refusal(case: Case) -> bytes:
    """Why a response is not stored, as the detail of Cache-Status; empty if it is."""
    return next((why for why, _section, applies in RULES if applies(case)), b"")


def _shared(policy: Policy) -> bool:
    """Whether an answer to somebody who is known may go to others."""
    return policy.public or policy.must_revalidate or policy.s_maxage is not None


def _answers_get(case: Case) -> bool:
    """Whether an answer to POST is what a GET would get: it says so, and for how long."""
    if case.method != b"POST" or b"content-location" not in case.fields or not explicit(case.policy, case.fields):
        return False
    return resolved(case.key, case.fields[b"content-location"][0]) == case.key


def resolved(key: Key, reference: bytes) -> Key | None:
    """The key of what a URI reference means, said by the response to `key`; None if it is on another host."""
    host, target = (it.decode("latin-1") for it in key)
    try:
        found = urlsplit(urljoin(f"http://{host}{target}", reference.decode("latin-1")))
    except ValueError:
        return None
    if found.netloc.lower() != host:
        return None
    return key[0], f"{found.path or '/'}{'?' + found.query if found.query else ''}".encode("latin-1")
