"""How a message is refused: `Refused`, and tables that say why a line could not be read.

A line that is valid is read by one expression. One that is not is rare, so it is read once more here, against the
rows of a table from the top; the first that matches names the status and the section.

     line ──✗──► DIAGNOSES ──► Refused(505, "...", "RFC 9112 2.3")
"""

from __future__ import annotations

import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

# Those of the IANA registry (RFC 9110 16.1.1), and three that caches and gateways are asked for.
METHODS = frozenset(b"""
ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR
MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH
TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL M-SEARCH PURGE SOURCE
""".split())


class Refused(Exception):
    """A message that is not forwarded.

    status: what a client is answered (a backend's message is always a 502 to the client).
    why, section: what is wrong, and where it is written.
    """

    def __init__(self, status: int, why: str, section: str) -> None:
        super().__init__(f"{why} ({section})")
        self.status, self.why, self.section = status, why, section

    def __repr__(self) -> str:
        return f"<Refused {self.status}: {self}>"


class Diagnosis(NamedTuple):
    """A row: lines in which `pattern` is found are refused so."""

    pattern: re.Pattern[bytes]
    status: int
    why: str
    section: str


def _row(pattern: bytes, status: int, why: str, section: str) -> Diagnosis:
    return Diagnosis(re.compile(pattern), status, why, section)


_LINE = rb"\A" + TOKEN + rb" [!-~]+ "
_OCTETS = (
    _row(rb"[\r\n]", 400, "bare CR or LF", "RFC 9112 2.2"),
    _row(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", 400, "a control character", "RFC 9110 5.5"),
)
REQUEST_DIAGNOSES = (
    *_OCTETS,
    _row(_LINE + rb"HTTP/(?!1\.)[0-9]\.[0-9]\Z", 505, "the major version is not HTTP/1", "RFC 9110 15.6.6"),
    _row(_LINE + rb"HTTP/1\.[0-9]\Z", 505, "neither HTTP/1.0 nor HTTP/1.1", "RFC 9110 15.6.6"),
)
RESPONSE_DIAGNOSES = _OCTETS
FIELD_DIAGNOSES = (
    _row(rb"\A[ \t]", 400, "a field line that is folded (obs-fold)", "RFC 9112 5.2"),
    *_OCTETS,
    _row(rb"\A[^:]*[ \t]:", 400, "whitespace before the colon", "RFC 9112 5.1"),
)


def diagnose(line: bytes, rows: tuple[Diagnosis, ...], otherwise: Refused) -> Refused:
    """Why `line` could not be read, by the first of `rows` that matches."""
    for row in rows:
        if row.pattern.search(line):
            return Refused(row.status, row.why, row.section)
    return otherwise


def diagnose_line(line: bytes) -> Refused:
    """Why `line` is no field line."""
    return diagnose(line, FIELD_DIAGNOSES, Refused(400, "malformed field name", "RFC 9110 5.1"))
