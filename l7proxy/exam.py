"""One test of a server, without sockets: what it is asked, and what its answer is worth.

     question() ──► GET /health HTTP/1.1 ...
     read(bytes) ──► None   more first          200, and the expected words in its body?
                 ──► ""     passed
                 ──► "status 500", "closed before its answer was whole", ...   why it failed

Rules kept here:

1. Pure, and nothing is parsed anew: the answer is read by http1.py, as strictly as any client's.
2. The whole answer has to come, or as much of it as is read at most: a head alone is no healthy program.
3. Whatever a server sends, no more than `Limits.probe_body_bytes` of it are kept.
"""

from __future__ import annotations

from balancing import HealthCheck
from l7proxy.framing import RESPONSE_FIELDS
from l7proxy.http1 import Event, ResponseReader
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import END, NO_BODY, ResponseHead
from l7proxy.refusal import Refused

PASSED = ""
_QUESTION = b"GET %b HTTP/1.1\r\nHost: %b\r\nUser-Agent: layer-lab-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"


def question(check: HealthCheck, authority: str) -> bytes:
    """The request of a test. authority: the VIP and its port, which the server is asked for as a client would."""
    return _QUESTION % (check.path.encode(), authority.encode())


class Exam:
    """The answer to one test, as it comes."""

    def __init__(self, check: HealthCheck, limits: Limits) -> None:
        self.check, self.most = check, limits.probe_body_bytes
        self.reader = ResponseReader(limits, Lines(RESPONSE_FIELDS))
        self.body = b""

    def read(self, data: bytes) -> str | None:
        """Bytes have come; none for the connection's end. Return PASSED, why it failed, or None: more bytes first."""
        if data:
            self.reader.feed(data)
        else:
            self.reader.end()
        try:
            while (event := self.reader.next()) is not None:
                if (verdict := self._judge(event)) is not None:
                    return verdict
        except Refused as refused:
            return f"not valid HTTP: {refused}"
        return None if data else "closed before its answer was whole"

    def _judge(self, event: Event) -> str | None:
        if isinstance(event, ResponseHead):
            return self._judge_head(event)
        if isinstance(event, bytes):
            self.body = (self.body + event)[:self.most]
        return self._judge_body() if event is END or len(self.body) == self.most else None

    def _judge_head(self, head: ResponseHead) -> str | None:
        if head.interim:
            return None
        if head.status != self.check.status:
            return f"status {head.status}"
        return self._judge_body() if head.body == NO_BODY else None

    def _judge_body(self) -> str:
        words = self.check.body
        return PASSED if words.encode() in self.body else f"{words!r} is not in its body"
