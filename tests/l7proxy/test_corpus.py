"""Every message of the corpus, played before strict servers: what is refused, what goes on, and as what it is read."""

from __future__ import annotations

import pytest

from l7proxy.outside import Close
from tests.l7proxy.corpus.requests import BROKEN, GET, LIMITS, PASSED, REFUSED
from tests.l7proxy.stage import Stage, answers

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
        raw, split = raw, SPLITS["at once"]
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
