"""What of an answer a client gets: ordered rules by host, URL, type, size, and words in its text.

     rule     takes an answer by                      then
     allow    hosts, urls, types                      no later rule looks at it
     block    hosts, urls                             a page, and the origin isn't asked; by hosts, tunnels as well
     block    types, over_bytes                       a page in its place, before anything of it has gone
     block    words, if it is text                    a page, if a word is found while HOLD_BYTES are still held, else
                                                      the connection is reset: half an answer passes for none
     replace  words, if it is text                    another word in its place

     answer ──gzip, deflate: decoded──► words ──block──► Blocked        the octets go on as they came
                                              └─replace──► as plain text, in chunks

Rules kept here:

1. Looking is no transformation: blocking by words changes nothing of what goes on. Replacing is one: it is left out
   where the origin says no-transform (RFC 9110 7.7, RFC 9111 5.2.2.6), and in charsets in which octets are no
   characters.
2. What replacing makes untrue is put right: no Content-Encoding, Content-Length, digest or Accept-Ranges, and a weak
   ETag (RFC 9110 8.8.1); at HEAD and 304 too, so that what a client has stays the same thing. A 304 needs not say of
   which type it is (15.4.5): then in doubt of one that is replaced in, for a weak ETag does no harm.
3. An origin is asked for a coding that can be looked into (asks). Text in another one nevertheless is blocked where a
   word would be: in doubt it holds one. So is a part of a text, where a word would be blocked or replaced, and parts
   in one answer, whose types aren't said; who asked for them can ask for the whole (Partial).
4. Of a body at most HOLD_BYTES, a step of the decoder and a word are in memory.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from l7proxy.forward import matching
from l7proxy.forward.decoding import CODINGS, Decoder, Undecodable, codings
from l7proxy.forward.destination import Destination
from l7proxy.forward.scanning import Scanner, Word, Words
from l7proxy.forward.verdict import Verdict, check_name, denied
from l7proxy.messages import CHUNKED, NO_BODY, Field, ResponseHead, field, values
from layerlab import LabError, choice

ACTIONS = ("allow", "block", "replace")
TEXT = ("text/*", "application/json", "application/javascript", "application/xml", "application/xhtml+xml", "*+json",
        "*+xml")
HOLD_BYTES = 65_536
MOST_PLANS = 256  # compiled; there are as many as ways to meet some rules and not others
RATIO = 100  # decoding.py
_NO_TRANSFORM = re.compile(rb'(?i)(?:\A|[,\s])no-transform(?=[\s,;]|\Z)')
_GZIP = re.compile(rb"(?i)(?:\A|,)[ \t]*(?:x-)?gzip[ \t]*(?:,|\Z|;[ \t]*q=(?!0(?:\.0*)?[ \t]*(?:,|\Z)))")
_PARTS = "multipart/byteranges"
_TOTAL = re.compile(rb"bytes [0-9]+-[0-9]+/([0-9]{1,18})")
_CHARSET = re.compile(rb'(?i);\s*charset\s*=\s*"?([!-~]+?)"?\s*(?:;|\Z)')
_SELF_SYNCHRONISING = re.compile(r"utf-?8|(us-)?ascii|iso-8859-\d\d?|latin-?1|windows-125\d|koi8-[ru]")
_UNTRUE = frozenset((b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest",
                     b"unencoded-digest", b"accept-ranges"))


class Blocked(Exception):
    """An answer that doesn't reach its client. verdict: why, and what is answered if nothing of it has gone."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.why)
        self.verdict = verdict


class Partial(Blocked):
    """It is a part of something, which can only be looked into as a whole."""


@dataclass(frozen=True)
class FilterRule:
    """A row; an empty condition asks for nothing. Raises LabError.

    hosts, urls: of the request (matching.py). types: media types, * for any part of one; without them, words are looked
    for in text. over_bytes: how long a body must be to be taken. words: any_case for letters of ASCII in any case.
    by: what stands in the place of a word.
    """

    name: str
    action: str
    hosts: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    over_bytes: int | None = None
    words: tuple[str, ...] = ()
    any_case: bool = True
    by: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        choice("action", self.action, ACTIONS)
        matching.hosts(self.hosts)
        if self.action == "replace" and not self.words:
            raise LabError(f"filter {self.name} replaces nothing", "words", field="words")
        if self.action == "allow" and (self.words or self.over_bytes is not None):
            raise LabError(f"filter {self.name} allows by what isn't known at once", "hosts, urls or types")
        if not all(self.words) or (self.over_bytes is not None and (self.words or self.over_bytes < 0)):
            raise LabError(f"filter {self.name}: words {self.words}, over_bytes {self.over_bytes}",
                           "words that aren't empty, or a size")

    def __str__(self) -> str:
        words = {"host": self.hosts, "url": self.urls, "type": self.types, "text with": self.words}
        met = [f"{what} {' or '.join(those)}" for what, those in words.items() if those]
        if self.over_bytes is not None:
            met.append(f"over {self.over_bytes} bytes")
        by = f"   by {self.by!r}" if self.action == "replace" else ""
        return ("   ".join(met) or "everything") + by

    @property
    def at_once(self) -> bool:
        """Whether it needs no answer to decide."""
        return self.action != "replace" and not (self.types or self.words) and self.over_bytes is None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The media types that it takes."""
        return self.types or (TEXT if self.words else ())


class Filters:
    """The rules, compiled. plan: those for a destination."""

    def __init__(self, rules: Sequence[FilterRule]) -> None:
        self._rows = [(matching.hosts(rule.hosts), matching.globs(rule.urls), rule) for rule in rules]
        self._plans: dict[tuple[int, ...], Plan] = {}

    def plan(self, goal: Destination) -> Plan | None:
        """What is done with an answer from there; None if it goes on as it is. Raises Blocked."""
        taken = []
        for named, shaped, rule in self._rows:
            if goal.tunnel and (rule.urls or not rule.at_once):
                continue  # nothing of it is seen but its name
            if (rule.hosts and not named(goal.name)) or (rule.urls and not shaped(goal.url)):
                continue
            if not rule.at_once:
                taken.append(rule)
            elif rule.action == "allow":
                break
            elif not taken:
                raise Blocked(denied(rule.name, "this proxy does not let such content pass"))
            else:
                taken.append(rule)  # a rule before it may allow the answer
        if not taken:
            return None
        key = tuple(map(id, taken))
        if key not in self._plans:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            self._plans[key] = Plan(taken)
        return self._plans[key]


class Plan:
    """The rules that an answer of one destination may meet."""

    def __init__(self, rules: Sequence[FilterRule]) -> None:
        self._rows = [(matching.globs(rule.kinds) if rule.kinds else None, rule) for rule in rules]
        self.reads = any(rule.words for rule in rules)
        self._replaces = any(rule.action == "replace" for rule in rules)
        self._words: dict[tuple[object, ...], Words] = {}

    def asks(self, fields: list[Field]) -> list[Field]:
        """The fields of a request whose answer can be looked at: rule 3."""
        if not self.reads:
            return fields
        kept = [one for one in fields if one.name != b"accept-encoding"]
        known = any(map(_GZIP.search, values(fields, b"accept-encoding")))
        return [*kept, field(b"Accept-Encoding", b"gzip" if known else b"identity")]

    def answer(self, head: ResponseHead) -> tuple[ResponseHead, Body | None]:
        """The head as it goes on, and what its body goes through; None if it goes on as it is. Raises Blocked."""
        media, length = _media(head.fields), _length(head)
        if head.status == 206 and media == _PARTS:
            raise Partial(_unreadable(self._rows[0][1]))
        reading: list[FilterRule] = []
        most: FilterRule | None = None
        for kind, rule in self._rows:
            if kind is not None and not kind(media):
                continue
            if rule.action == "allow":
                break
            if rule.words:
                reading.append(rule)
            elif rule.over_bytes is None:
                raise Blocked(denied(rule.name, "this proxy does not let such content pass"))
            elif length is not None:
                if length > rule.over_bytes:
                    raise Blocked(_too_long(rule))
            elif most is None or rule.over_bytes < (most.over_bytes or 0):
                most = rule
        if head.status == 304 and self._replaces and not media and not _fixed(head):
            return _put_right(head), None
        return self._read(head, reading, most)

    def _read(self, head: ResponseHead, reading: list[FilterRule],
              most: FilterRule | None) -> tuple[ResponseHead, Body | None]:
        if not reading:
            return head, Body((), None, "", None, False, most, False) if most and head.body != NO_BODY else None
        charset = _charset(head.fields)
        if not _replaceable(charset) or _fixed(head):
            reading = [rule for rule in reading if rule.action != "replace"]
        if reading and head.status == 206:
            raise Partial(_unreadable(reading[0]))
        replaces = any(rule.action == "replace" for rule in reading)
        coded = codings(head.fields)
        if len(coded) > 1 or not CODINGS.issuperset(coded):
            blocks = next((rule for rule in reading if rule.action == "block"), None)
            if blocks is not None and head.body != NO_BODY:
                raise Blocked(_unreadable(blocks))
            reading, replaces = [], False
        if replaces:
            head = _put_right(head)
        if head.body == NO_BODY or not (reading or most):
            return head, None
        held = any(rule.action == "block" for rule in reading) and _media(head.fields) != "text/event-stream"
        coding = coded[0] if coded else None
        return head, Body(reading, self._compiled(reading, charset), charset, coding, replaces, most, held)

    def _compiled(self, reading: list[FilterRule], charset: str) -> Words | None:
        if not reading:
            return None
        if not _replaceable(charset):
            charset = "utf-8"
        key = (charset, *map(id, reading))
        if key not in self._words:
            self._words[key] = Words([Word(word.encode(charset, "replace"), rule.any_case, number)
                                      for number, rule in enumerate(reading) for word in rule.words])
        return self._words[key]


class Body:
    """What one body goes through. Iterate over feed and end: each piece is as large as a step, at most.

    rules: those with words. words: theirs, compiled. most: the rule that bounds a size which nobody has told.
    held: whether the beginning waits for a page to take its place.
    """

    def __init__(self, rules: Sequence[FilterRule], words: Words | None, charset: str, coding: bytes | None,
                 replaces: bool, most: FilterRule | None, held: bool) -> None:
        self._rules, self._most, self._replaces = rules, most, replaces
        self._by = [rule.by.encode(charset, "xmlcharrefreplace") if replaces else b"" for rule in rules]
        self._scanner = Scanner(words, self._found) if words else None
        self._decoder = Decoder(coding, RATIO) if coding and words else None
        self._length = 0
        self._held: bytes | None = b"" if held else None

    @property
    def held(self) -> bool:
        """Whether nothing goes on yet."""
        return self._held is not None

    def _found(self, number: int) -> bytes:
        rule = self._rules[number]
        if rule.action == "block":
            raise Blocked(denied(rule.name, "its text holds a word that this proxy does not let pass"))
        return self._by[number]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What goes on once `data` has come. Raises Blocked."""
        self._length += len(data)
        if self._most is not None and self._length > (self._most.over_bytes or 0):
            raise Blocked(_too_long(self._most))
        for piece in self._looked(data):
            yield from self._release(piece)

    def end(self) -> Iterator[bytes]:
        """What goes on once all has come. Raises Blocked."""
        last = b""
        if self._scanner is not None:
            if self._decoder is not None:
                self._ended(self._decoder)
            last = self._scanner.end()
        held, self._held = self._held or b"", None
        if left := held + (last if self._replaces else b""):
            yield left

    def trailers(self, fields: list[Field]) -> list[Field]:
        """The trailer fields that are still true."""
        return [one for one in fields if one.name not in _UNTRUE] if self._replaces else fields

    def _looked(self, data: bytes) -> Iterator[bytes]:
        """`data` as it goes on after it was looked at."""
        if self._scanner is None:
            yield data
            return
        for text in self._decoded(data):
            seen = self._scanner.feed(text)
            if self._replaces:
                yield seen
        if not self._replaces:
            yield data

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        if self._decoder is None:
            yield data
            return
        try:
            yield from self._decoder.feed(data)
        except Undecodable as error:
            raise Blocked(self._undecodable(error)) from None

    def _ended(self, decoder: Decoder) -> None:
        try:
            decoder.end()
        except Undecodable as error:
            raise Blocked(self._undecodable(error)) from None

    def _undecodable(self, error: Undecodable) -> Verdict:
        return denied(self._rules[0].name, str(error), 502, "http_response_content_coding")  # RFC 9209 2.3

    def _release(self, piece: bytes) -> Iterator[bytes]:
        """Hold the beginning back, so that a page can still take its place."""
        if self._held is not None:
            piece = self._held + piece
            self._held = piece if len(piece) <= HOLD_BYTES else None
            if self._held is not None:
                return
        if piece:
            yield piece


@lru_cache(256)
def _replaceable(charset: str) -> bool:
    """Whether a word's octets are found in a text of this charset only where the word is."""
    try:
        return _SELF_SYNCHRONISING.fullmatch(charset) is not None and bool(codecs.lookup(charset))
    except LookupError:  # one that only looks like it, such as iso-8859-99
        return False


def _fixed(head: ResponseHead) -> bool:
    """Whether its origin forbids that it is changed."""
    return any(map(_NO_TRANSFORM.search, values(head.fields, b"cache-control")))


def _length(head: ResponseHead) -> int | None:
    """How long the whole body is, as far as the head says it."""
    if head.status == 206:
        found = _TOTAL.match(next(values(head.fields, b"content-range"), b""))
        return int(found[1]) if found else None
    length = head.declared if head.body == NO_BODY else head.body
    return length if length >= 0 else 0 if head.body == NO_BODY else None


def _media(fields: Sequence[Field]) -> str:
    return next(values(fields, b"content-type"), b"").partition(b";")[0].strip().lower().decode("latin-1")


def _charset(fields: Sequence[Field]) -> str:
    found = _CHARSET.search(next(values(fields, b"content-type"), b""))
    return found[1].decode("latin-1").lower() if found else "utf-8"


def _put_right(head: ResponseHead) -> ResponseHead:
    """Rule 2."""
    fields = [_weak(one) if one.name == b"etag" else one for one in head.fields if one.name not in _UNTRUE]
    return head._replace(fields=fields, body=head.body if head.body == NO_BODY else CHUNKED, declared=NO_BODY)


def _weak(tag: Field) -> Field:
    return tag if tag.value.startswith(b"W/") else field(b"ETag", b"W/" + tag.value)


def _unreadable(rule: FilterRule) -> Verdict:
    return denied(rule.name, "its content comes in a form that can't be looked into")


def _too_long(rule: FilterRule) -> Verdict:
    return denied(rule.name, f"it is longer than {rule.over_bytes} bytes")
