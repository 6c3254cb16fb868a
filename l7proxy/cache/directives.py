"""Cache-Control, read strictly: what an origin orders (Policy) and what a client wishes (Wish).

    max-age=60, private="set-cookie, x", no-store     RFC 9111 5.2: token [ "=" ( token / quoted-string ) ]

    what is wrong                        what is made of it (RFC 9111 4.2.1)
    the same directive with two numbers  the smaller one
    a number that is none                0: stale
    directives that contradict           both stand, and the stricter rule forbids
    an argument where none belongs       ignored
    a permission with broken syntax      not given

CDN-Cache-Control (RFC 9213) takes the place of Cache-Control and Expires where it is valid: this cache stands in front
of the origins it is configured for, as a CDN's do. It is a structured field (RFC 8941), so one error voids all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from l7proxy.cache.fields import TOKEN, Index, members

FOREVER_S: Final = 2**31  # what a larger number means (RFC 9111 1.2.2)
MALFORMED: Final = b"\0"  # an argument with broken syntax: no field value holds this octet
Directives = dict[bytes, list[bytes | None]]

_DIRECTIVE = re.compile(rb'(%b)(?:=(?:(%b)|"((?:[^"\\]|\\.)*)"))?' % (TOKEN, TOKEN), re.DOTALL)
_NAME = re.compile(TOKEN)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def directives(lines: Iterable[bytes]) -> Directives:
    """Every directive's arguments, in order: None where there is none, MALFORMED where it can't be read."""
    found: Directives = {}
    for member in members(lines):
        if match := _DIRECTIVE.fullmatch(member):
            name, token, quoted = match.groups()
            argument = token if quoted is None else _ESCAPED.sub(rb"\1", quoted)
        elif match := _NAME.match(member):
            name, argument = match[0], MALFORMED
        else:
            continue
        found.setdefault(name.lower(), []).append(argument)
    return found


def seconds(found: Directives, name: bytes) -> int | None:
    """The delta-seconds of a directive, None without it."""
    arguments = found.get(name)
    return None if arguments is None else min(map(delta, arguments))


def delta(value: bytes | None) -> int:
    """delta-seconds (RFC 9111 1.2.2); 0 for what is no such number."""
    if value is None or not value.isdigit():
        return 0
    digits = value.lstrip(b"0")
    return min(int(digits or b"0"), FOREVER_S) if len(digits) <= 10 else FOREVER_S


class Policy(NamedTuple):
    """What a response says of its storing and reuse (RFC 9111 5.2.2).

    private, no_cache: without field names. withheld: the field names that either of them has, in lower case.
    max_age, s_maxage: seconds. while_s, if_error_s: RFC 5861. targeted: said by CDN-Cache-Control.
    """

    no_store: bool = False
    private: bool = False
    no_cache: bool = False
    public: bool = False
    must_understand: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    max_age: int | None = None
    s_maxage: int | None = None
    while_s: int = 0
    if_error_s: int | None = None
    withheld: frozenset[bytes] = frozenset()
    targeted: bool = False

    @property
    def forbids_stale(self) -> bool:
        """Whether it must not be used stale, come what may (RFC 9111 4.2.4; s-maxage by 5.2.2.10)."""
        return self.no_cache or self.must_revalidate or self.proxy_revalidate or self.s_maxage is not None


def policy(fields: Index) -> Policy:
    """What the fields of a response order."""
    return _policy(tuple(fields.get(b"cache-control", ())), tuple(fields.get(b"cdn-cache-control", ())))


@lru_cache(maxsize=256)  # an origin has few things to say of its responses
def _policy(lines: tuple[bytes, ...], for_cdns: tuple[bytes, ...]) -> Policy:
    found, cdn = targeted(for_cdns), True
    if found is None:
        found, cdn = directives(lines), False
    private, no_cache = _names(found, b"private"), _names(found, b"no-cache")
    return Policy(
        b"no-store" in found, private == frozenset(), no_cache == frozenset(),
        _given(found, b"public"), _given(found, b"must-understand"),
        b"must-revalidate" in found, b"proxy-revalidate" in found,
        seconds(found, b"max-age"), seconds(found, b"s-maxage"),
        seconds(found, b"stale-while-revalidate") or 0, seconds(found, b"stale-if-error"),
        (private or frozenset()) | (no_cache or frozenset()), cdn)


def _given(found: Directives, name: bytes) -> bool:
    """Whether a permission is there, and well-formed."""
    return name in found and MALFORMED not in found[name]


def _names(found: Directives, name: bytes) -> frozenset[bytes] | None:
    """The fields that a directive is about: none means the whole response, None that there is no such directive."""
    if name not in found:
        return None
    named = [frozenset(members((argument.lower(),))) for argument in found[name] if argument and argument != MALFORMED]
    return frozenset().union(*named) if len(named) == len(found[name]) else frozenset()


class Wish(NamedTuple):
    """What a request asks of caches (RFC 9111 5.2.1). In seconds; max_stale: how stale it may be."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: int | None = None
    max_stale: int = 0
    min_fresh: int = 0


NO_WISH = Wish()


def wish(fields: Index) -> Wish:
    """What the fields of a request ask for. Pragma counts where there is no Cache-Control (RFC 9111 5.4)."""
    if b"cache-control" not in fields:
        if b"pragma" in fields and b"no-cache" in directives(fields[b"pragma"]):
            return Wish(no_cache=True)
        return NO_WISH
    found = directives(fields[b"cache-control"])
    stale = FOREVER_S if found.get(b"max-stale") == [None] else seconds(found, b"max-stale")
    return Wish(b"no-store" in found, b"no-cache" in found, b"only-if-cached" in found,
                seconds(found, b"max-age"), stale or 0, seconds(found, b"min-fresh") or 0)


# Structured fields (RFC 8941): a dictionary whose values are bare items. Parameters are allowed, and mean nothing.
_KEY = rb"[a-z*][a-z0-9_\-.*]*"
_ITEM = (rb'(?P<integer>-?[0-9]{1,15})|-?[0-9]{1,12}\.[0-9]{1,3}|"(?P<string>(?:[ !#-\[\]-~]|\\["\\])*)"'
         rb"|(?P<token>[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*)|\?(?P<boolean>[01])|:[A-Za-z0-9+/=]*:")
_UNNAMED = re.sub(rb"\?P<[a-z]+>", b"?:", _ITEM)
_ENTRY = re.compile(rb"(?P<key>%b)(?:=(?:%b))?(?:;[ ]*%b(?:=(?:%b))?)*(?P<end>[ \t]*(?:,[ \t]*|\Z))"
                    % (_KEY, _ITEM, _KEY, _UNNAMED))
_NUMBERS = frozenset((b"max-age", b"s-maxage", b"stale-while-revalidate", b"stale-if-error"))


def targeted(lines: Iterable[bytes]) -> Directives | None:
    """The directives of CDN-Cache-Control; None if it is empty or can't be parsed, and so counts for nothing."""
    line, at, found = b", ".join(lines).strip(b" "), 0, Directives()
    while at < len(line):
        match = _ENTRY.match(line, at)
        if match is None or (match.end() == len(line) and b"," in match["end"]):
            return None
        at, key = match.end(), match["key"]
        if match["boolean"] == b"0":
            found.pop(key, None)
        elif key in _NUMBERS:
            found[key] = [match["integer"] or MALFORMED]
        else:
            found[key] = [match["string"] or match["token"]]
    return found or None
