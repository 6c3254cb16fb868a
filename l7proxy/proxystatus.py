"""Proxy-Status (RFC 9209): why an answer is the proxy's own, in a field that programs can read.

     Proxy-Status: layer-lab; error=connection_refused; details="no server took the connection"

     the answer                                  error (RFC 9209 2.3)                     its status
     a row of failures.py                        that of the row                          that of the row
     400 to 431, the request can't be served     http_request_error       2.3.16          any 4xx
     501, 505, the proxy can't do such a thing   proxy_internal_response  2.3.29          whatever fits
     404, no route takes the request             destination_not_found    2.3.3           500 is recommended; but what
                                                                                          is missing may be the path
Rules kept here:

1. Never next-hop: it would name a server. What servers say in such a field themselves ends here (framing.py).
2. `details` says what is nowhere else in the head: a reason that stands in our source, nothing that was received.
3. Never received-status: no answer of ours replaces a server's whole one, but a stored one that is stale, whose
   Cache-Status says it (fwd-status, RFC 9211 2.3).
4. An answer that a server gave, or that the configuration gives (a redirect), is no error and has no such field.
"""

from __future__ import annotations

from functools import lru_cache

from l7proxy.failures import Failure
from l7proxy.refusal import Refused

# The error types that are said, and the status that is recommended for each; None: whatever fits.
ERRORS: dict[str, int | None] = {
    "destination_not_found": 500,
    "destination_unavailable": 503,
    "destination_ip_unroutable": 502,
    "connection_refused": 502,
    "connection_terminated": 502,
    "connection_timeout": 504,
    "connection_limit_reached": 503,
    "http_request_error": None,
    "http_response_incomplete": 502,
    "http_response_header_section_size": 502,
    "http_response_transfer_coding": 502,
    "http_response_timeout": 504,
    "http_protocol_error": 502,
    "proxy_internal_response": None,
    "proxy_internal_error": 500,
}


@lru_cache(maxsize=256)
def line(error: str, details: str, name: str = "layer-lab") -> bytes:
    """The field line of an answer of ours. error: a type of ERRORS. details: why, in printable ASCII.

    name: what the proxy calls itself; nothing is said by one without a name.
    """
    quoted = details.replace("\\", "\\\\").replace('"', '\\"')  # RFC 9651 3.3.3
    return f'Proxy-Status: {name}; error={error}; details="{quoted}"\r\n'.encode("ascii") if name else b""


def of_failure(failure: Failure) -> bytes:
    """The field line where no server has answered."""
    return line(failure.error, failure.why)


def error_of(refused: Refused) -> str:
    """The type of a request's refusal: `http_request_error` is for 4xx only."""
    return "http_request_error" if refused.status < 500 else "proxy_internal_response"


def of_refusal(refused: Refused, name: str = "layer-lab") -> bytes:
    """The field line where the request itself is the reason."""
    return line(error_of(refused), str(refused), name)
