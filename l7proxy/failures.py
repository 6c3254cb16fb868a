"""What can go wrong with a backend before it has answered, what the proxy then does, and what it says of the server.

    failure      tried again on another server       answer  counts as a failed test of the server
    full         always: nothing was sent            503     no: it has as many requests as it may have
    late         no: it has waited long enough       503     no: the same
    refused      always: nothing was sent            502     yes: its machine answers, its program doesn't
    unreachable  always: nothing was sent            504     yes: nobody answers there
    unroutable   always: nothing was sent            502     yes: the way there ends before it
    starved      always: nothing was sent            503     no: the proxy itself is out of files or ports
    lost         only an idempotent request          502     yes, unless the connection had idled (see below)
    half         no: an answer has begun             502     yes: it broke off in the midst of it
    silent       no: it may still be at work         504     yes: it has had answer_s to begin its answer
    overtime     no: nothing may take longer          504     no: it need not be the slow one
    malformed    no                                  502     yes: no program in order answers what is not HTTP
    oversized    no                                  502     yes: the same
    uncoded      no                                  502     yes: the same
    forsaken     always: nothing was sent            503     no: it is down already, or was removed
    down         only an idempotent request          504     no: the same

The answer is the client's when nobody is left to try: the status that RFC 9209 2.3 recommends for the error, but 503
where the proxy is out of files, which passes, and 504 where a server's answer was waited for (RFC 9110 15.6.5).
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

from l7proxy.refusal import Refused

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
UNROUTABLE = Failure(502, "there is no way to the server", Again.ALWAYS, "destination_ip_unroutable",
                     "a client's request: no way there")
STARVED = Failure(503, "the proxy is out of files or ports", Again.ALWAYS, "proxy_internal_error")
LOST = Failure(502, "the server closed before it answered", Again.IDEMPOTENT, "connection_terminated",
               "a client's request: connection lost")
HALF = Failure(502, "the server closed in the midst of its answer", Again.NEVER, "http_response_incomplete", LOST.blame)
SILENT = Failure(504, "the server did not answer in time", Again.NEVER, "http_response_timeout",
                 "a client's request: no answer in time")
OVERTIME = Failure(504, "the answer did not come in time", Again.NEVER, "http_response_timeout")
MALFORMED = Failure(502, "the server's answer is not valid HTTP", Again.NEVER, "http_protocol_error",
                    "a client's request: not valid HTTP")
OVERSIZED = Failure(502, "the server's answer has too large a head", Again.NEVER, "http_response_header_section_size",
                    MALFORMED.blame)
UNCODED = Failure(502, "the server's answer has a transfer coding that can't be read", Again.NEVER,
                  "http_response_transfer_coding", MALFORMED.blame)
FORSAKEN = Failure(503, "the server went away before it took the connection", Again.ALWAYS, "destination_unavailable")
DOWN = Failure(504, "the server went away before it answered", Again.IDEMPOTENT, "connection_terminated")
NOBODY = Failure(503, "no server is up", Again.NEVER, "destination_unavailable")
FULL = Failure(503, "every server is busy, and so many wait already", Again.ALWAYS, "connection_limit_reached")
LATE = Failure(503, "no server was free in time", Again.NEVER, "connection_limit_reached")

_OWN = dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL), STARVED)
_NO_WAY = dict.fromkeys((errno.EHOSTUNREACH, errno.ENETUNREACH), UNROUTABLE)
_BY_ERRNO = {**_OWN, **_NO_WAY, errno.ETIMEDOUT: UNREACHABLE}
_BY_STATUS = {431: OVERSIZED, 414: OVERSIZED, 501: UNCODED}  # of a Refused, were it a request's

NAMES = {row: name.lower() for name, row in tuple(globals().items()) if isinstance(row, Failure)}


def not_connected(error: OSError) -> Failure:
    """The row for a connection that could not be opened, by what the system said (connect(2), socket(2))."""
    return _BY_ERRNO.get(error.errno or 0, REFUSED)


def not_http(refused: Refused) -> Failure:
    """The row for an answer that can't be read."""
    return _BY_STATUS.get(refused.status, MALFORMED)
