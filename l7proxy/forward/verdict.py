"""What the proxy decides about a request, which rule decided, and how the client is told.

     Verdict(DENY, "ads", "...", 403, "http_request_denied")
        │ answer
        ▼
     HTTP/1.1 403 Forbidden
     Proxy-Status: lab-7f3a; error=http_request_denied; details="rule ads"
     ...and a page that names the rule

     outcome        the engine then
     ALLOW          goes on
     DENY           answers, and asks nobody
     AUTHENTICATE   answers 407: who asks is needed for the rule that is reached
     RESOLVE        looks up the name, and asks again with its addresses

Rules kept here:

1. A client of CONNECT gets the same answer: it is no tunnel yet. Browsers hide its page, so the rule stands in
   Proxy-Status too (RFC 9209 2.1.4).
2. The page holds nothing that runs, and is never stored: it isn't the site's.
"""

from __future__ import annotations

import html
import re
from enum import Enum
from http import HTTPStatus
from typing import NamedTuple

from l7proxy import write
from layerlab import LabError

_RULE_NAME = re.compile(r"[!-~]{1,64}")


class Outcome(Enum):
    """What is done."""

    ALLOW = "allow"
    DENY = "deny"
    AUTHENTICATE = "authenticate"
    RESOLVE = "resolve"


class Verdict(NamedTuple):
    """A decision. rule: the name of what decided. why: in words.

    status, error: of an answer of ours, and in the words of Proxy-Status (RFC 9209 2.3). more: its further field lines.
    """

    outcome: Outcome
    rule: str
    why: str = ""
    status: int = 0
    error: str = ""
    more: bytes = b""

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOW

    def __repr__(self) -> str:
        return f"<Verdict {self.outcome.value} by {self.rule}>"


def denied(rule: str, why: str, status: int = 403, error: str = "http_request_denied", more: bytes = b"") -> Verdict:
    """No, and why."""
    return Verdict(Outcome.DENY, rule, why, status, error, more)


def check_name(name: str) -> None:
    """Raise LabError unless a rule can be called `name`: Proxy-Status has room for ASCII only (RFC 8941 3.3.3)."""
    if not _RULE_NAME.fullmatch(name):
        raise LabError(f"a rule is called {name!r}", "1 to 64 visible ASCII characters", field="name")


_GUARDS = (b"Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'\r\n"
           b"X-Content-Type-Options: nosniff\r\n")


def answer(verdict: Verdict, asked: bytes, *, proxy: str, date: bytes, persistent: bool,
           bodiless: bool = False) -> bytes:
    """The answer that tells a client of `verdict`. asked: Destination.written. date: a field line.

    proxy: the pseudonym, for Proxy-Status; empty for a proxy that doesn't say what it is.
    """
    status = b"Proxy-Status: %b\r\n" % proxy_status(verdict, proxy) if proxy else b""
    return write.own_answer(verdict.status, page(verdict, asked), persistent, bodiless=bodiless,
                            more=date + status + _GUARDS + verdict.more, kind=b"text/html; charset=utf-8")


def proxy_status(verdict: Verdict, proxy: str) -> bytes:
    """One member of the list (RFC 9209 2)."""
    rule = verdict.rule.replace("\\", "\\\\").replace('"', '\\"')
    return f'{proxy}; error={verdict.error}; details="rule {rule}"'.encode()


def page(verdict: Verdict, asked: bytes) -> bytes:
    """What a person reads."""
    title = f"{verdict.status} {HTTPStatus(verdict.status).phrase}"
    why, rule, url = (html.escape(text) for text in (verdict.why, verdict.rule, asked.decode("latin-1")))
    return (f'<!DOCTYPE html>\n<html lang="en"><head><title>{title}</title></head><body>\n<h1>{title}</h1>\n'
            f"<p>The proxy did not fetch <code>{url}</code>: {why}.</p>\n<p>Rule: <b>{rule}</b></p>\n"
            "</body></html>\n").encode()
