"""Requests that go in circles, or no further than they were meant to.

     Via: 1.1 a.example, 1.0 lab-7f3a9c2e   ──we are lab-7f3a9c2e──►  502, proxy_loop_detected
     TRACE or OPTIONS, Max-Forwards: 2      ──►  forwarded with 1
                       Max-Forwards: 0      ──►  answered here: TRACE by its echo, OPTIONS by 200

Rules kept here:

1. A pseudonym is one process's own: two proxies of one name, one behind the other, are no loop (RFC 9110 7.6.3).
2. In doubt it is a loop: an element that looks like ours counts even where it stands in a comment.
3. Who leaves no Via knows a request that comes back by its likeness: it is just as we send it (or another proxy has
   said Via), and very many of the same are on their way. Two of one look are no loop yet.
4. An echo keeps secrets: it goes to whoever wrote the page as well (RFC 9110 9.3.8).
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Sequence

from l7proxy import write
from l7proxy.forward.destination import Destination
from l7proxy.forward.verdict import Verdict, denied
from l7proxy.messages import Field, RequestHead, field, values
from l7proxy.refusal import TOKEN, Refused

METHODS = frozenset((b"TRACE", b"OPTIONS"))  # for the others the field may be ignored (RFC 9110 7.6.2)
FURTHEST = 70  # steps; nobody needs more
ALLOW = b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT\r\n"
_SECRET = frozenset((b"authorization", b"cookie", b"cookie2", b"proxy-authorization"))
SAME_ABROAD = 256  # requests of one look on their way: beyond that it is one that goes in circles
LOOP = denied("loop", "the request has come through this proxy before", 502, "proxy_loop_detected")
PSEUDONYM = re.compile(rb"(?:[!-~]+/)?[!-~]+ lab-[0-9a-f]{8}")  # an element of Via that tells nothing of its machine
_DIGITS = re.compile(rb"[0-9]{1,18}")


def pseudonym(word: str = "lab") -> str:
    """A name for this process in Via and Proxy-Status: a token that tells nothing and that no other has."""
    return f"{word}-{secrets.token_hex(4)}"


def looped(name: str) -> Callable[[Sequence[Field]], Verdict | None]:
    """What finds, in the fields of a request, that it was here before. name: our pseudonym."""
    ours = re.compile(rb"(?i)(?:\A|,)[ \t]*(?:%b/)?%b[ \t]+%b(?::[0-9]*)?(?=[ \t,(]|\Z)"
                      % (TOKEN, TOKEN, re.escape(name.encode())))

    def look(fields: Sequence[Field]) -> Verdict | None:
        for value in values(fields, b"via"):
            if ours.search(value):
                return LOOP
        return None
    return look


def forwards(head: RequestHead) -> RequestHead | None:
    """`head` as it goes on, one step further; None if it goes no further. Raises Refused for what is no number."""
    if head.method not in METHODS:
        return head
    said = list(values(head.fields, b"max-forwards"))
    if not said:
        return head
    if len(said) > 1 or not _DIGITS.fullmatch(said[0]):
        raise Refused(400, "Max-Forwards is not one number", "RFC 9110 7.6.2")
    left = min(int(said[0]), FURTHEST)
    if not left:
        return None
    less = field(b"Max-Forwards", b"%d" % (left - 1))
    return head._replace(fields=[less if one.name == b"max-forwards" else one for one in head.fields])


class Abroad:
    """Requests that have gone on and are not answered yet, by what they look like (rule 3)."""

    def __init__(self) -> None:
        self._looks: Counter[bytes] = Counter()

    def goes(self, head: RequestHead, goal: Destination, said: Sequence[Field]) -> bytes | None:
        """Count a request that goes on as `head`; `said` are its fields as they came. None if it goes in circles."""
        look = b"%b %b\n%b" % (head.method, goal.written, b"".join(one.line for one in head.fields))
        relayed = head.fields == said or next(values(said, b"via"), None) is not None
        if relayed and self._looks[look] >= SAME_ABROAD:
            return None
        self._looks[look] += 1
        return look

    def back(self, look: bytes) -> None:
        """It is answered, or given up."""
        self._looks[look] -= 1
        if not self._looks[look]:
            del self._looks[look]

    def __repr__(self) -> str:
        return f"<Abroad: {self._looks.total()}>"


def last(head: RequestHead, destination: Destination | None, date: bytes, persistent: bool) -> bytes:
    """The answer to a request that goes no further, or that is to the proxy itself (OPTIONS *)."""
    if head.method == b"OPTIONS":
        return write.own_answer(200, b"", persistent, more=date + ALLOW)
    target = destination.written if destination else head.target
    said = b"".join(one.line for one in head.fields if one.name not in _SECRET)
    echo = b"%b %b HTTP/1.%d\r\nHost: %b\r\n%b\r\n" % (head.method, target, head.minor, head.host, said)
    return write.own_answer(200, echo, persistent, more=date, kind=b"message/http")
