"""What must be true whatever a client or a server sends; asked by hypothesis (test_fuzz.py) and by fuzz.py.

1. Nothing is raised but Refused, and that stays inside.
2. What goes on is read by h11 and llhttp as the same messages, and they are those that h11 reads in what came.
3. However the octets are split, the same goes on, the same is answered, and the connection ends the same way.
4. Nothing goes on behind a refusal; a unit is released exactly once; buffers are bounded (stage.py asks for these).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import h11
import httptools

from l7proxy.outside import Close
from tests.l7proxy.corpus.requests import LIMITS
from tests.l7proxy.stage import Stage, Wire, answers


def pieces(raw: bytes, cuts: Iterable[int]) -> list[bytes]:
    """`raw`, cut at these places, each taken modulo its length."""
    places = sorted({0, len(raw), *(cut % len(raw) for cut in cuts)}) if raw else [0, 0]
    return [raw[start:end] for start, end in itertools.pairwise(places)]


def judge_requests(raw: bytes, cuts: Sequence[int]) -> Stage:
    """A client sends `raw`. Raises AssertionError."""
    whole, split = Stage(LIMITS).say(raw), Stage(LIMITS).say(*pieces(raw, cuts))
    for stage in (whole, split):
        stage.check()
    assert whole.requests == split.requests
    assert whole.heard == split.heard
    assert _end(whole) == _end(split)
    methods = [message.method for message in whole.requests]
    begun = [wire.begun[0] for wire in whole.wires if wire.begun]  # whose body was refused, or has not come
    statuses = [status for status, _ in answers(bytes(whole.heard), methods + begun)]
    assert statuses[:len(methods)] == [200] * len(methods)
    _compare(whole, raw)
    return whole


def _end(stage: Stage) -> str:
    """How the client's connection has ended. What it sends behind its last request has come by then, or not."""
    return {None: "not at all", Close.ABORT: "by a reset"}.get(stage.closed, "in good order")


def _compare(stage: Stage, raw: bytes) -> None:
    """h11 reads in `raw` what has gone on, as far as that goes; their framing is compared, not their paths."""
    ours = [(message.method, message.body) for message in stage.requests]
    wire, read = Wire(), []
    try:
        read = wire.write(raw)
        while read and len(wire.read) < len(ours):
            read = wire.answered()
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        pass  # it closes where HTTP/1.0 does, and refuses a few things that we don't
    theirs = [(message.method, message.body) for message in wire.read]
    assert theirs[:len(ours)] == ours[:len(theirs)]


def judge_answer(method: bytes, raw: bytes, cuts: Sequence[int], ends: bool) -> Stage:
    """A server answers `raw` to `method`; if it `ends`, it closes then. Raises AssertionError."""
    whole, split = _answered(method, [raw], ends), _answered(method, pieces(raw, cuts), ends)
    assert whole.closed == split.closed
    assert (whole.talk.exchange is None) == (split.talk.exchange is None)
    if whole.closed is not Close.ABORT and whole.talk.exchange is None:
        found = answers(bytes(whole.heard), [method])
        assert found == answers(bytes(split.heard), [method])
        _compare_answer(method, raw, found)
        if method == b"GET":
            _read_by_llhttp(bytes(whole.heard))
            _read_by_llhttp(bytes(split.heard))
    return whole


def _answered(method: bytes, said: Sequence[bytes], ends: bool) -> Stage:
    stage = Stage(LIMITS, lambda message: None).say(b"%b / HTTP/1.1\r\nHost: a\r\n\r\n" % method)
    exchange = stage.talk.exchange
    for piece in said:
        if stage.talk.exchange is exchange and piece:
            stage.talk.upstream_bytes(piece)
    if ends and stage.talk.exchange is exchange:
        stage.talk.upstream_gone(clean=True)
    stage.check()
    return stage


def _compare_answer(method: bytes, raw: bytes, ours: list[tuple[int, bytes]]) -> None:
    """If h11 reads a whole answer in `raw`, it is this one; or we have refused it."""
    try:
        theirs = answers(raw, [method])
    except (h11.RemoteProtocolError, AssertionError):
        return
    if theirs and ours:
        assert ours[0] == theirs[0] or ours[0][0] == 502


class _Counter:
    """What llhttp reports of answers."""

    def __init__(self) -> None:
        self.complete = 0

    def on_message_complete(self) -> None:
        self.complete += 1


def _read_by_llhttp(heard: bytes) -> None:
    httptools.HttpResponseParser(_Counter()).feed_data(heard)
