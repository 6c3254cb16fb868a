"""A conversation of a forward proxy with a client that sends what it likes, and what must be true of it.

     client bytes ──► Conversation, ForwardFace ──► Wire ──► h11, llhttp          names and users are known at once

1. Nothing is raised but Refused, and that stays inside.
2. What goes on is read by h11 and llhttp as the same messages; each goes to the place that its Host says, which is
   public; a tunnel goes to a listed port. No credentials for the proxy go on.
3. However the octets are split, the same goes on, the same is answered, and the connection ends the same way.
4. What is answered is read by h11 as one answer for each request.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from ipaddress import ip_address

from l7proxy.forward.anonymity import Anonymity
from l7proxy.forward.face import ForwardFace, as_it_is
from l7proxy.forward.fields import FORWARD_REQUEST_FIELDS, FORWARD_RESPONSE_FIELDS
from l7proxy.forward.names import FAILURES
from l7proxy.forward.rules import AccessRule
from l7proxy.forward.terms import ForwardTerms
from l7proxy.forward.users import entry, read_users
from l7proxy.lines import Lines
from l7proxy.outside import Close
from tests.l7proxy.corpus.requests import LIMITS
from tests.l7proxy.judge import pieces
from tests.l7proxy.stage import Stage, Wire, answers

PUBLIC = ip_address("93.184.215.14")
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
RULES = (
    AccessRule("ads", "deny", hosts=(".ads.example",)),
    AccessRule("members", "allow", methods=("DELETE",), users=("ann",)),
    AccessRule("games", "deny", urls=("*/games/*",)),
    AccessRule("rest", "allow"),
)
KNOWN = {"a": (PUBLIC,), "b.example": (PUBLIC, ip_address("::1")), "inside.example": (ip_address("10.0.0.7"),)}


class Face(ForwardFace):
    """One whose threads have answered before they are asked; begun: the methods of what was begun."""

    def __init__(self, level: str) -> None:
        terms = ForwardTerms(RULES, anonymity=Anonymity(level))
        super().__init__(terms, read_users(entry("ann", "secret", 1), "users"))
        self.names.resolver = self
        self.begun: list[bytes] = []
        self.later: list = []

    def begin(self, talk, head):
        self.begun.append(head.method)
        super().begin(talk, head)

    def verify(self, value, then):
        self.later.append(lambda: then(self.users.verify(value)))

    def lookup(self, name):
        self.later.append(lambda: self.names.learn(name, KNOWN.get(name, FAILURES[-2]), 0.0))


@functools.cache
def face(level: str) -> Face:
    """One for each level: it has one name, so what is answered can be compared. Made in a loop, which it never asks."""
    async def made() -> Face:
        return Face(level)
    return asyncio.run(made())


class ForwardStage(Stage):
    """An Outside that plays every origin; places: where each wire leads; tunnelled: what went into a tunnel."""

    def __init__(self, level: str) -> None:
        super().__init__(LIMITS)
        self.face, self.places, self.tunnelled = face(level), [], bytearray()
        self.face.begun, self.face.later = [], []
        self.face.names._known.clear()
        site = self.talk.site
        site.forward, site.name, site.resolver = self.face, self.face.shown, as_it_is
        site.requests, site.responses = Lines(FORWARD_REQUEST_FIELDS), Lines(FORWARD_RESPONSE_FIELDS)
        self.talk = type(self.talk)(self, site, ip_address("10.0.1.1"))

    def reach(self, place, fresh):
        self.wires.append(Wire())
        self.places.append(place)
        self.now_on = self.wires[-1]
        return True

    def to_upstream(self, data):
        if self.talk.exchange.tunnel:
            self.tunnelled += data
        else:
            super().to_upstream(data)

    def part_upstream(self, keep):
        super().part_upstream(keep)
        self.idle = None

    def end_upstream(self):
        pass

    def settle(self):
        super().settle()
        while self.face.later:
            self.face.later.pop(0)()
            super().settle()

    @property
    def tunnel(self):
        return self.talk.exchange is not None and self.talk.exchange.tunnel


def judge(raw: bytes, cuts: Sequence[int], level: str = "transparent") -> ForwardStage:
    """A client sends `raw`. Raises AssertionError."""
    whole = _judged(ForwardStage(level).say(raw))
    begun = whole.face.begun
    split = _judged(ForwardStage(level).say(*pieces(raw, cuts)))
    assert begun == split.face.begun
    assert whole.requests == split.requests
    assert (whole.places, whole.tunnelled) == (split.places, split.tunnelled)
    assert whole.heard == split.heard
    assert (whole.closed is Close.ABORT) == (split.closed is Close.ABORT)
    return whole


def _judged(stage: ForwardStage) -> ForwardStage:
    stage.check()
    for wire, place in zip(stage.wires, stage.places, strict=True):
        assert ip_address(place.ip).is_global
        for message in wire.read:
            assert not [name for name, _ in message.fields if name in (b"proxy-authorization", b"proxy-connection")]
        if stage.tunnel and wire is stage.now_on:
            assert place.port == 443
            assert not wire.data
    heard = bytes(stage.heard)
    if stage.tunnel:
        assert heard.endswith(ESTABLISHED)
        heard = heard.removesuffix(ESTABLISHED)
    found = answers(heard, [b"GET" if method == b"CONNECT" else method for method in stage.face.begun])
    assert len(found) <= len(stage.face.begun) + 1
    return stage
