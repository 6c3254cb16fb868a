"""What can go wrong with a backend before it has answered, what the proxy then does, and what it says of the server.

    failure      tried again on another server       answer  counts as a failed test of the server
    full         always: nothing was sent            503     no: it has as many requests as it may have
    late         no: it has waited long enough       503     no: the same
    refused      always: nothing was sent            502     yes: its machine answers, its program doesn't
    unreachable  always: nothing was sent            504     yes: nobody answers there
    starved      always: nothing was sent            503     no: the proxy itself is out of files or ports
    lost         only an idempotent request          502     yes, unless the connection had idled (see below)
    silent       no: it may still be at work         504     yes: it has had answer_s to begin its answer
    malformed    no                                  502     yes: no program in order answers what is not HTTP
    forsaken     always: nothing was sent            504     no: it is down already, or was removed
    down         only an idempotent request          504     no: the same

The answer is the client's when nobody is left to try; 504 where the server's answer was waited for (RFC 9110 15.6.5).
An idempotent request may be repeated after it was sent, the others may not (RFC 9110 9.2.2).

A kept-open connection that is lost before any byte of an answer had idled there and was closed, which says nothing of
the server (RFC 9112 9.3.1): so it never counts, and the request is first tried anew on the same server, if it may be.

What is the client's own doing is no row here, and so never counts: a body that is malformed, breaks off or comes too
slowly, an answer that isn't fetched, a client that hangs up. Nor does one page that is slow or crashes take down a
server that serves all the others: only failures in a row do (`fall`, balancing/health.py), and a request that is
served ends the row.
"""

from __future__ import annotations

import errno
from enum import Enum
from typing import NamedTuple

IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))  # RFC 9110 9.2.2


class Again(Enum):
    """Whether a request may go to another server."""

    ALWAYS = "always"
    IDEMPOTENT = "idempotent"
    NEVER = "never"


class Failure(NamedTuple):
    """A row: what a client is answered, whether another server is tried first, and what is said of the server.

    error: the same in the words of Proxy-Status (RFC 9209 2.3).
    blame: why it counts as a failed test, in words; empty if it doesn't.
    """

    status: int
    why: str
    again: Again
    error: str
    blame: str = ""


REFUSED = Failure(502, "no server took the connection", Again.ALWAYS, "connection_refused",
                  "a client's request: connection refused")
UNREACHABLE = Failure(504, "no server took the connection in time", Again.ALWAYS, "connection_timeout",
                      "a client's request: unreachable")
STARVED = Failure(503, "the proxy is out of files or ports", Again.ALWAYS, "proxy_internal_error")
LOST = Failure(502, "the server closed before it answered", Again.IDEMPOTENT, "connection_terminated",
               "a client's request: connection lost")
SILENT = Failure(504, "the server did not answer in time", Again.NEVER, "http_response_timeout",
                 "a client's request: no answer in time")
MALFORMED = Failure(502, "the server's answer is not valid HTTP", Again.NEVER, "http_protocol_error",
                    "a client's request: not valid HTTP")
FORSAKEN = Failure(504, "the server went away before it took the connection", Again.ALWAYS, "destination_unavailable")
DOWN = Failure(504, "the server went away before it answered", Again.IDEMPOTENT, "connection_terminated")
NOBODY = Failure(503, "no server is up", Again.NEVER, "destination_unavailable")
FULL = Failure(503, "every server is busy, and so many wait already", Again.ALWAYS, "connection_limit_reached")
LATE = Failure(503, "no server was free in time", Again.NEVER, "connection_limit_reached")

_OWN = dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL), STARVED)
_NO_WAY = dict.fromkeys((errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH), UNREACHABLE)
_BY_ERRNO = {**_OWN, **_NO_WAY}


def not_connected(error: OSError) -> Failure:
    """The row for a connection that could not be opened, by what the system said (connect(2), socket(2))."""
    return _BY_ERRNO.get(error.errno or 0, REFUSED)
