"""What can go wrong with a backend before it answers, and what the proxy then does: a table.

    failure      tried again on another server       the client is answered, when nobody is left
    refused      always: nothing was sent            502
    unreachable  always: nothing was sent            504
    lost         only an idempotent request          502    (RFC 9110 9.2.2)
    silent       no: it may still be at work         504
    malformed    no                                  502

A kept-open connection that is lost before any byte of an answer is first tried anew on the same server: it
had idled there and closed, which says nothing about the server (RFC 9112 9.3.1).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))  # RFC 9110 9.2.2


class Again(Enum):
    """Whether a request may go to another server."""

    ALWAYS = "always"
    IDEMPOTENT = "idempotent"
    NEVER = "never"


class Failure(NamedTuple):
    """A row: what a client is answered, and whether another server is tried first."""

    status: int
    why: str
    again: Again


REFUSED = Failure(502, "no server took the connection", Again.ALWAYS)
UNREACHABLE = Failure(504, "no server took the connection in time", Again.ALWAYS)
LOST = Failure(502, "the server closed before it answered", Again.IDEMPOTENT)
SILENT = Failure(504, "the server did not answer in time", Again.NEVER)
MALFORMED = Failure(502, "the server's answer is not valid HTTP", Again.NEVER)
NOBODY = Failure(503, "no server is up", Again.NEVER)
