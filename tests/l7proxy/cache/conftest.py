"""A web of one cache and one origin, both in the test's hand: what is asked, when, and what the origin would answer."""

from __future__ import annotations

import re

import pytest

from l7proxy.cache import Cache, Join, Relay, Reply, Settings, httpdate
from l7proxy.messages import NO_BODY, RequestHead, ResponseHead, field, values

NOW = 1_800_000_000  # what the wall clock says when the cache's own says 0: 15 Jan 2027 08:00:00 GMT


def date(offset=0):
    """An HTTP-date so many seconds after NOW."""
    return httpdate.render(NOW + offset).decode()


def fields(text):
    """Fields, one a line; <5> stands for the date five seconds after NOW."""
    text = re.sub(r"<(-?\d+)>", lambda found: date(int(found[1])), text)
    lines = (line.strip().partition(":") for line in text.split("\n") if line.strip())
    return [field(name.encode("latin-1"), value.strip().encode("latin-1")) for name, _, value in lines]


class Seen:
    """What a client got. asked: the fields that the origin saw, or None if it was not asked."""

    def __init__(self, head, body, asked=None, refresh=None):
        self.head, self.status, self.body, self.asked, self.refresh = head, head.status, body, asked, refresh

    @property
    def hit(self):
        return self.asked is None

    def __getitem__(self, name):
        """A field's lines, joined; None if there is none."""
        lines = [value.decode("latin-1") for value in values(self.head.fields, name.lower().encode())]
        return ", ".join(lines) if lines else None

    @property
    def note(self):
        """The Cache-Status, without the cache's name."""
        return self["Cache-Status"].removeprefix("layer-lab; ")

    def sent(self, name):
        """What the origin saw of a request field."""
        found = [value.decode("latin-1") for value in values(self.asked, name.lower().encode())]
        return ", ".join(found) if found else None

    def __repr__(self):
        return f"<Seen {self.status} {self.note!r}>"


class Web:
    """Requests through one cache. at: the cache's clock, in seconds; moved on by `wait`."""

    def __init__(self, **settings):
        self.cache, self.at = Cache(Settings(**settings)), 0.0
        self.cache.wall_s = NOW

    def wait(self, seconds):
        self.at += seconds
        return self

    def head(self, request="", method="GET", target="/", host="shop.example", body=NO_BODY):
        return RequestHead(method.encode(), target.encode(), host.encode(), 1, fields(request), body, True)

    def lookup(self, request="", waited=None, space=b"", **more):
        return self.cache.lookup(self.head(request, **more), self.at, space, waited)

    def get(self, request="", answer="", status=200, body=b"from the origin", delay=0.0, **more):
        """Ask; if the cache forwards it, the origin answers with `answer`, or not at all if that is None."""
        found = self.lookup(request, **more)
        return self.finish(found, answer, status, body, delay)

    def finish(self, found, answer="", status=200, body=b"from the origin", delay=0.0):
        """What a client gets of a Reply, or of an Ask to which the origin answers this."""
        assert not isinstance(found, Join)
        if isinstance(found, Reply):
            return Seen(found.head, found.body, refresh=found.refresh)
        self.at += delay
        asked = found.request.fields
        if answer is None:
            stale = found.failed(self.at)
            return Seen(stale.head, stale.body, asked) if stale else None
        outcome = found.answered(self.answer(found, answer, status, body), self.at)
        if isinstance(outcome, Relay):
            if outcome.head.body == NO_BODY:
                body = b""
            if outcome.recording is not None:
                outcome.recording.write(body)
                outcome.recording.end()
            return Seen(outcome.head, body, asked)
        return Seen(outcome.head, outcome.body, asked)

    def answer(self, ask, text="", status=200, body=b"from the origin"):
        """The head of an origin's answer; dated unless it says when."""
        found = fields(text)
        if not any(it.name == b"date" for it in found):
            found += fields(f"Date: {httpdate.render(int(NOW + self.at)).decode()}")
        bodiless = ask.request.method == b"HEAD" or status in (204, 304)
        declared = len(body) if ask.request.method == b"HEAD" else NO_BODY
        return ResponseHead(status, 1, found, NO_BODY if bodiless else len(body), declared, True)


@pytest.fixture
def web():
    return Web()


@pytest.fixture
def new_web():
    """Webs with settings of their own."""
    return Web
