"""Every message of the corpus, played before strict servers: what is refused, what goes on, and as what it is read."""

from __future__ import annotations

import pytest

from l7proxy.outside import Close
from tests.l7proxy.corpus.answers import CUT
from tests.l7proxy.corpus.answers import PASSED as PASSED_ANSWERS
from tests.l7proxy.corpus.answers import REFUSED as REFUSED_ANSWERS
from tests.l7proxy.corpus.requests import BROKEN, GET, LIMITS, PASSED, REFUSED
from tests.l7proxy.stage import OK, Stage, answers

NEXT = GET.replace(b"/ ", b"/next ") + b"\r\n"
SPLITS = {"at once": lambda raw: [raw], "by octets": lambda raw: [raw[at:at + 1] for at in range(len(raw))]}


@pytest.fixture(params=SPLITS)
def split(request):
    """How the bytes come."""
    return SPLITS[request.param]


def played(pieces):
    stage = Stage(LIMITS).say(*pieces)
    stage.check()
    return stage


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, split):
    """Nothing of it is forwarded, nor of what comes behind it; the client is told, and its connection ends."""
    raw, status, section = REFUSED[name]
    stage = played(split(raw + NEXT))
    assert stage.wires == []
    assert [found for found, _ in answers(bytes(stage.heard))] == [status]
    assert section.encode() in stage.heard
    assert stage.closed is Close.LINGER


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name, split):
    """No server takes it for a whole request, whatever it has of it; the server's connection ends as well."""
    raw, status, section = BROKEN[name]
    if len(raw) > 10_000:
        split = SPLITS["at once"]
    stage = played(split(raw + NEXT))
    assert stage.requests == []
    assert [found for found, _ in answers(bytes(stage.heard))] == [status]
    assert section.encode() in stage.heard
    assert stage.kept == [False]
    assert stage.closed is Close.LINGER


@pytest.mark.parametrize("name", PASSED)
def test_passed(name, split):
    """It is the same requests to everybody, and what follows is one of its own."""
    raw, expected, absent = PASSED[name]
    stage = played(split(raw + NEXT))
    assert [message.plain for message in stage.requests] == [*expected, (b"GET", b"/next", b"")]
    names = {name for message in stage.requests for name, _ in message.fields}
    assert not names & set(absent)
    found = answers(bytes(stage.heard), [method for method, _, _ in expected])
    assert [status for status, _ in found] == [200] * (len(expected) + 1)
    assert stage.closed is None


def answered(method, pieces, ends):
    """A client asks by `method`, and the server says this; if it `ends`, its connection does."""
    stage = Stage(LIMITS, lambda message: None).say(b"%b / HTTP/1.1\r\nHost: a\r\n\r\n" % method)
    exchange = stage.talk.exchange
    for piece in pieces:
        if stage.talk.exchange is exchange:  # else its connection is closed, or nobody's
            stage.talk.upstream_bytes(piece)
    if ends and stage.talk.exchange is exchange:
        stage.talk.upstream_gone(clean=True)
    stage.check()
    return stage


@pytest.mark.parametrize("name", REFUSED_ANSWERS)
def test_an_answer_that_is_refused(name, split):
    """Nothing of it goes on but that it was none, and its connection serves nobody else. The client may go on."""
    stage = answered(b"GET", split(REFUSED_ANSWERS[name]), ends=False)
    assert [status for status, _ in answers(bytes(stage.heard))] == [502]
    assert stage.kept == [False]
    assert stage.closed is None
    assert [status for status, _ in answers(bytes(stage.say(NEXT).heard))] == [502]  # nobody has answered yet
    assert len(stage.wires) == 2


@pytest.mark.parametrize("name", CUT)
def test_an_answer_that_is_cut(name, split):
    """Half an answer never passes for a whole one: what the client has of it ends in a reset."""
    stage = answered(b"GET", split(CUT[name]), ends=True)
    assert stage.closed is Close.ABORT
    assert stage.kept == [False]
    with pytest.raises(AssertionError, match="not whole"):
        answers(bytes(stage.heard) or OK_HEAD)


OK_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"


@pytest.mark.parametrize("name", PASSED_ANSWERS)
def test_an_answer_that_goes_on(name, split):
    """The client reads it as it was meant, and nothing else, to the last octet; and so it is with the next."""
    method, raw, ends, status, body, kept = PASSED_ANSWERS[name]
    pieces = split(raw)
    stage = answered(method, pieces, ends)
    assert answers(bytes(stage.heard), [method]) == [(status, body)]
    if len(pieces) == 1:  # octets that come later come to nobody
        assert stage.kept == [kept]
    assert stage.closed is None
    stage.answer = lambda message: OK
    assert answers(bytes(stage.say(NEXT).heard), [method]) == [(status, body), (200, b"ok")]
