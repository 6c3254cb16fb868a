"""How a message is refused: `Refused`, and a table that says why a head could not be parsed.

llhttp says no in words of its own. A refused head is rare, so it is read once more here, against the
rows of DIAGNOSES from the top; the first that matches names the status and the section.

     head ──llhttp──✗──► DIAGNOSES ──► Refused(505, "...", "RFC 9112 2.3")
"""

from __future__ import annotations

import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"


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
    """A row: heads that match `pattern` are refused so."""

    pattern: re.Pattern[bytes]
    status: int
    why: str
    section: str


def _row(pattern: bytes, status: int, why: str, section: str) -> Diagnosis:
    return Diagnosis(re.compile(pattern), status, why, section)


_LINE = rb"\A" + TOKEN + rb" [^ \t\r\n]+ "

REQUEST_DIAGNOSES = (
    _row(rb"\A(?!" + TOKEN + rb" [^ \t\r\n]+ HTTP/[0-9]\.[0-9]\r\n)", 400, "malformed request-line", "RFC 9112 3"),
    _row(_LINE + rb"HTTP/(?!1\.)", 505, "the major version is not HTTP/1", "RFC 9110 15.6.6"),
    _row(_LINE + rb"HTTP/1\.[^01]", 505, "neither HTTP/1.0 nor HTTP/1.1", "RFC 9110 15.6.6"),
)
UNKNOWN_METHOD = (_row(_LINE, 501, "a method that is not known", "RFC 9110 9.1"),)
RESPONSE_DIAGNOSES = (
    _row(rb"\A(?!HTTP/1\.[01] [1-5][0-9][0-9][ \r])", 502, "malformed status-line", "RFC 9112 4"),
)
FIELD_DIAGNOSES = (
    _row(rb"\n[^:\r]*[ \t]:", 400, "whitespace before the colon", "RFC 9112 5.1"),
    _row(rb"\n(?!" + TOKEN + rb":|\r\n|\Z)", 400, "malformed field name", "RFC 9110 5.1"),
    _row(rb"(?i)\nTransfer-Encoding:", 400, "Transfer-Encoding in doubt", "RFC 9112 6.1"),
    _row(rb"(?i)\nContent-Length:", 400, "Content-Length in doubt", "RFC 9112 6.3"),
)


def diagnose(head: bytes, rows: tuple[Diagnosis, ...], word: str) -> Refused:
    """Why llhttp could not read `head`, by the first of `rows` that matches; else its own `word` for it."""
    for row in rows + FIELD_DIAGNOSES:
        if row.pattern.search(head):
            return Refused(row.status, row.why, row.section)
    return Refused(400, word, "RFC 9112 2.2")
