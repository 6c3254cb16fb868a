"""What fuzzers found: octets that once broke a rule of judge.py, each with what it was."""

from __future__ import annotations

REQUESTS = [
    b"\r\n" * 2000,  # empty lines were skipped by recursion
    b"FROB / HTTP/1.1\r\nX: a\nb\r\n\r\n",  # whole it was a 501, in pieces a 400
    b"PRI * HTTP/2.0\r\n\r\r\n\r\n",  # so was this, whose bare CR is its head's last octet
    b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nHost: \n\r\n",  # its refusal had content
]
ANSWERS = [
    b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n",  # its connection was kept, and the nine octets to come
]
FORWARD = [
    b"HEAD a:443 HTTP/1.1\r\nHost: a\r\n\r\n",  # its refusal had content
]
