"""The access log: a line for each answer, as text, as JSON or as Squid's, many lines in one write.

    text   10.0.1.1 - - [24/Nov/2026:17:57:50 +0000] "GET /cart HTTP/1.1" 200 1273 "-" "curl/7.88" 0.000412 s1 1 -
           the combined format of Apache and nginx, then seconds, the server, how many were asked, and what went wrong
    json   {"time": 1795543070.25, "client": "10.0.1.1", "method": "GET", "target": "/cart", ...}
    squid  1795543070.250     12 10.0.1.1 TCP_MISS/200 1273 GET http://shop.example/ ann HIER_DIRECT/10.0.2.1 text/html
           Squid's native format, for a forward proxy (forward/squidlog.py)

Rules kept here:

1. Nothing is formatted or written while an answer is on its way: lines wait for a moment, then go together.
2. What a client says can't end a line or a quotation: it is escaped (as RFC 9110 17.10 asks of logs).
3. A log that can't be written loses lines, never requests; how many is said when it can be written again.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable

from l7proxy.forward import squidlog
from l7proxy.messages import Field, values
from l7proxy.outside import Answered
from layerlab import LabError

PAUSE_S = 0.25
MOST_LINES = 64  # then they are written at once: a tenth of a millisecond, which nobody has to wait longer for
FORMATS, SQUID = ("text", "json"), "squid"
_UNSAFE = re.compile(r'[^ !#-\[\]-~]')


class AccessLog:
    """Answers on their way to a file; "-" is standard output. later(seconds, call): the loop's call_later.

    Raises LabError if the file can't be opened.
    """

    def __init__(self, path: str, form: str, later: Callable[[float, Callable[[], object]], object]) -> None:
        self.path, self.form, self._later = path, form, later
        self._answers: list[Answered] = []
        self._wall_s = time.time() - time.monotonic()
        self.lost = 0
        self._lines: dict[str, Callable[[Answered], str]] = {"text": self._text, "json": self._json, SQUID: self._squid}
        self._file = self._open()

    def _open(self) -> int:
        if self.path == "-":
            return sys.stdout.fileno()
        try:
            return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LabError(f"the access log {self.path} can't be opened: {error.strerror}",
                           "a path that can be written, or - for standard output", field="access_log") from None

    def reopen(self) -> None:
        """Go on in a new file of the old name: somebody has moved the old one away. Raises LabError."""
        self.flush()
        if self.path != "-":
            before, self._file = self._file, self._open()
            os.close(before)

    def close(self) -> None:
        """Write what was noted, and no more."""
        self.flush()
        if self.path != "-":
            os.close(self._file)

    def add(self, answered: Answered) -> None:
        """Note an answer; the first one after a pause sees to it that all are written."""
        answers = self._answers
        if not answers:
            self._later(PAUSE_S, self.flush)
        answers.append(answered)
        if len(answers) >= MOST_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        answers, self._answers = self._answers, []
        if not answers:
            return
        self._wall_s = time.time() - time.monotonic()
        data = "".join(map(self._lines[self.form], answers)).encode()
        try:
            os.write(self._file, data)
        except OSError as error:
            if not self.lost:
                print(f"access log {self.path}: {error.strerror}", file=sys.stderr, flush=True)
            self.lost += len(answers)
            return
        if self.lost:
            print(f"access log {self.path}: {self.lost} lines were lost", file=sys.stderr, flush=True)
            self.lost = 0

    def _text(self, one: Answered) -> str:
        head = one.head
        request, agent, referer = "-", "-", "-"
        if head is not None:
            target = head.target.decode("latin-1")  # visible ASCII (http1.py)
            if '"' in target or "\\" in target:
                target = _safe(head.target)
            request = f"{head.method.decode()} {target} HTTP/1.{head.minor}"
            for name, value, _ in head.fields:
                if name == b"user-agent":
                    agent = _safe(value)
                elif name == b"referer":
                    referer = _safe(value)
        return (f'{one.client} - - [{clock(int(self._wall_s + one.ended_s))}] "{request}" {one.status} {one.octets} '
                f'"{referer}" "{agent}" {one.took_s:.6f} {one.server} {one.tries} {one.note or "-"}\n')

    def _squid(self, one: Answered) -> str:
        return squidlog.line(one, self._wall_s + one.ended_s)

    def _json(self, one: Answered) -> str:
        fields: list[Field] = one.head.fields if one.head else []
        form = {
            "time": round(self._wall_s + one.ended_s, 6), "client": one.client,
            "method": one.head and one.head.method.decode(), "host": one.head and _plain(one.head.host),
            "target": one.head and _plain(one.head.target), "version": one.head and f"1.{one.head.minor}",
            "status": one.status, "octets": one.octets, "took_s": round(one.took_s, 6), "server": one.server,
            "tries": one.tries, "note": one.note,
            "referer": _plain(next(values(fields, b"referer"), b"")),
            "user_agent": _plain(next(values(fields, b"user-agent"), b"")),
        }
        if (what := one.fetched) is not None:
            form |= {"user": what.user, "rule": what.rule, "type": _plain(what.kind), "code": squidlog.code_of(one)}
        return json.dumps(form) + "\n"

    def __repr__(self) -> str:
        return f"<AccessLog {self.path}: {len(self._answers)} lines to write>"


def _plain(octets: bytes) -> str:
    return octets.decode("latin-1")


def _safe(octets: bytes) -> str:
    """`octets` as they can stand between quotation marks."""
    text = octets.decode("latin-1")
    return _UNSAFE.sub(lambda found: f"\\x{ord(found[0]):02X}", text) if _UNSAFE.search(text) else text


_clock: tuple[int, str] = (-1, "")


def clock(second: int) -> str:
    """That second as the combined format writes it; most lines of a write are of the same."""
    global _clock
    if _clock[0] != second:
        _clock = second, time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
    return _clock[1]
