"""The lines of a header section: each distinct one is read once, and then known.

Clients and servers say the same lines again and again; HTTP/2 and 3 keep tables of them to send less (RFC 7541 2.3.2),
the proxy keeps one to think less.

     b"Content-Type: text/html" ──known?──yes──► (None, Field)          kept
     b"Connection: close"          │             (note, what it says)   framing.py
                                   no──learn: FIELD, rules──► known, or Refused

Rules kept here:

1. A line is known only if it was read and found valid; two lines that differ in one octet are two.
2. The table is bounded, in lines and in octets: when it is full, it starts anew.
3. What is secret is not kept: cookies and credentials (as RFC 7541 7.1.3 advises).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from l7proxy.framing import DROP, NO_TRAILERS, Rule, Section
from l7proxy.messages import Field
from l7proxy.refusal import TOKEN, Refused, diagnose_line

_FIELD = re.compile(rb"(" + TOKEN + rb"):([\t \x21-\x7e\x80-\xff]*)")
_SECRET = frozenset((b"cookie", b"set-cookie", b"authorization", b"proxy-authorization"))
MOST_LINES = 4096
MOST_OCTETS = 256  # of one line

Row = tuple[Any, Any]


class Lines:
    """The lines of one direction. rules: which fields say something to the proxy itself (framing.py)."""

    def __init__(self, rules: Mapping[bytes, Rule]) -> None:
        self.rules = rules
        self.known: dict[bytes, Row] = {}

    def read(self, lines: list[bytes], section: Section) -> None:
        """Sort the field `lines` of a message, without their CRLF, into `section`. Raises Refused."""
        section.reset()
        known, keep = self.known.get, section.kept.append
        for line in lines:
            note, said = known(line) or self._learn(line)
            if note is None:
                keep(said)
            else:
                note(section, said)
        if section.coded or section.refused is not None:
            section.verdict()

    def _learn(self, line: bytes) -> Row:
        """What `line` says. Raises Refused if it is no field line."""
        field = self._field(line)
        rule = self._rule(field.name)
        if rule is None:
            row: Row = (None, field)
        else:
            said = rule.read(field.value)
            if isinstance(said, Refused):
                return Section.refuse, said
            row = (rule.note, said)
        if len(line) <= MOST_OCTETS and field.name not in _SECRET:
            if len(self.known) >= MOST_LINES:
                self.known.clear()
            self.known[line] = row
        return row

    def _rule(self, name: bytes) -> Rule | None:
        """The row of a field; a name that a CGI program can't tell from one of them is dropped (RFC 3875 4.1.18)."""
        rule = self.rules.get(name)
        if rule is None and b"_" in name and name.replace(b"_", b"-") in self.rules:
            return DROP
        return rule

    def _field(self, line: bytes) -> Field:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise diagnose_line(line)
        name, value = found[1], found[2].strip(b" \t")  # OWS is no part of a value (RFC 9112 5.1)
        return Field(name.lower(), value, b"%b: %b\r\n" % (name, value))

    def trailer(self, line: bytes) -> Field | None:
        """A line of a trailer section; None if such a field has no business there. Raises Refused."""
        field = self._field(line)
        return None if field.name in NO_TRAILERS or self._rule(field.name) else field

    def __repr__(self) -> str:
        return f"<Lines: {len(self.known)} known>"
