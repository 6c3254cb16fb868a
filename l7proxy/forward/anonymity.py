"""What an origin learns of a client, by levels as the field names them, and what a client learns of the proxy.

    level         the origin sees
    transparent   a proxy, and whose request it is
    anonymous     a proxy, and not whose request it is
    elite         neither

    field                  transparent   anonymous   elite
    Via                    add           replace     remove      replace: what stood there names machines, too; only
                                                                 pseudonyms stay (loops.py), or no loop would be seen
    X-Forwarded-For        add           remove      remove      add: behind what a trusted client says
    Forwarded              add           remove      remove
    other words for these  keep          remove      remove      X-Real-IP, X-Forwarded-..., True-Client-IP, ...; those
                                                                 of framing.FORWARDED kept of a trusted client only
    From                   keep          remove      remove
    User-Agent             keep          replace     replace     by the most usual one, or as the policy says
    client hints           keep          remove      remove      Sec-CH-..., and those from before that name
    Referer                keep          origin      same-site   or as the policy says
    Cookie                 keep          keep        keep        or as the policy says
    DNT, Sec-GPC           keep          keep        keep        the client's own wish

Rules kept here:

1. What is done is the table; a level is a column of it, made into one dictionary once.
2. Elite sends no Via, which RFC 9110 7.6.3 asks of every proxy: that is what the level is for. Loops are then seen by
   address (guard.py), or by the likeness of the requests (loops.Abroad).
3. Two hosts are one site if one is below the other, or the browser says so (Sec-Fetch-Site). Which names anybody can
   register (co.uk) isn't known here; in doubt it is another site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from l7proxy.forward.destination import Destination
from l7proxy.forward.loops import PSEUDONYM
from l7proxy.framing import FORWARDED
from l7proxy.messages import Field, field, values
from layerlab import choice

LEVELS = ("transparent", "anonymous", "elite")
REFERERS = ("keep", "origin", "same-site", "remove")
COOKIES = ("keep", "same-site", "remove")
USUAL_AGENT = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
               "Chrome/142.0.0.0 Safari/537.36")
_OTHER_WORDS = (
    b"x-real-ip", b"x-client-ip", b"client-ip", b"true-client-ip", b"cf-connecting-ip", b"fastly-client-ip",
    b"x-cluster-client-ip", b"x-originating-ip", b"x-remote-ip", b"x-remote-addr", b"x-remote-user", b"x-proxyuser-ip",
    b"x-proxy-id", b"x-uidh", b"x-wap-profile", b"x-client-data", b"proxy-client-ip", b"wl-proxy-client-ip",
)
_HINTS = (b"device-memory", b"dpr", b"viewport-width", b"width", b"downlink", b"ect", b"rtt")
_TABLE: Mapping[bytes, tuple[str, str, str]] = {
    **dict.fromkeys((*_OTHER_WORDS, *_HINTS, b"from"), ("keep", "remove", "remove")),
    b"via": ("keep", "pseudonyms", "remove"),  # what others said; ours is added behind
    b"user-agent": ("keep", "replace", "replace"),
    b"referer": ("keep", "origin", "same-site"),
    b"cookie": ("keep", "keep", "keep"),
}
_OTHERS = {name.lower() for name in FORWARDED} - {b"x-forwarded-for", b"forwarded"}
_PREFIXES = (b"sec-ch-", b"x-forwarded-")  # as _OTHER_WORDS are
_REFERER = re.compile(rb"(?i)(https?://)(?:[^/?#@]*@)?([^/?#@]+)")

Edit = Callable[[Field, Destination, Sequence[Field]], Field | None]


@dataclass(frozen=True)
class Anonymity:
    """What origins learn. Raises LabError for a word that isn't one.

    referer, cookies: a policy in the place of the level's; cookies that aren't sent aren't taken either.
    user_agent: what is said in the place of the client's; "" removes it, None is the level's.
    """

    level: str = "transparent"
    referer: str | None = None
    cookies: str | None = None
    user_agent: str | None = None

    def __post_init__(self) -> None:
        choice("level", self.level, LEVELS)
        choice("referer", self.referer or "keep", REFERERS)
        choice("cookies", self.cookies or "keep", COOKIES)

    @property
    def named(self) -> bool:
        """Whether the proxy says what it is."""
        return self.level != "elite"


class Mask:
    """An Anonymity, compiled. name: the proxy's pseudonym."""

    def __init__(self, terms: Anonymity, name: str) -> None:
        self.terms = terms
        self._edits = _edits(terms)
        self._hides = terms.level != "transparent"
        self._via = [field(b"Via", f"1.{minor} {name}".encode()) for minor in (0, 1)] if terms.named else []
        self._unanswered = _UNANSWERED[self._hides] | ({b"set-cookie"} if terms.cookies == "remove" else set())

    def request(self, fields: list[Field], said: Sequence[Field], goal: Destination, client: bytes, *,
                trusted: bool, minor: int) -> list[Field]:
        """The fields of a request as they go to the origin, all but Host and the framing.

        said: what RequestReader.forwarded has. client: its address. trusted: whether it is believed of others.
        minor: of the HTTP that it speaks.
        """
        sent = self._edited(fields, goal) if self._edits or self._hides else fields.copy()
        if not self._hides:
            sent += _whose(said, client) if trusted and said else _whose_alone(client)
        if self._via:
            sent.append(self._via[minor])
        return sent

    def _edited(self, fields: list[Field], goal: Destination) -> list[Field]:
        sent = []
        edits = self._edits
        for one in fields:
            edit = edits.get(one.name)
            if edit is not None:
                changed = edit(one, goal, fields)
                if changed is not None:
                    sent.append(changed)
            elif not self._hides or not one.name.startswith(_PREFIXES):
                sent.append(one)
        return sent

    def response(self, fields: list[Field], minor: int) -> list[Field]:
        """The fields of an answer as they go to the client. minor: of the HTTP that the origin speaks."""
        sent = [one for one in fields if one.name not in self._unanswered] if self._unanswered else list(fields)
        if self._via:
            sent.append(self._via[minor])
        return sent

    def __repr__(self) -> str:
        return f"<Mask {self.terms.level}>"


# An answer that asks for client hints which never come would only be asked again (RFC 8942 3.1).
_UNANSWERED = {False: frozenset[bytes](), True: frozenset((b"accept-ch", b"critical-ch"))}


def _whose(said: Sequence[Field], client: bytes) -> list[Field]:
    """Whose request it is: lists get one more element (RFC 7239 4), and other words for it stay."""
    others = [one for one in said if one.name in _OTHERS]
    node = b'for="[%b]"' % client if b":" in client else b"for=" + client
    return [*others,
            field(b"X-Forwarded-For", b", ".join((*values(said, b"x-forwarded-for"), client))),
            field(b"Forwarded", b", ".join((*values(said, b"forwarded"), node)))]


@lru_cache(4096)
def _whose_alone(client: bytes) -> tuple[Field, ...]:
    """The same for a client that says nothing of others: one and the same for all its requests."""
    return tuple(_whose((), client))


def _edits(terms: Anonymity) -> dict[bytes, Edit]:
    """What is done with each field that isn't simply kept."""
    column = LEVELS.index(terms.level)
    words = {name: row[column] for name, row in _TABLE.items()}
    words[b"referer"] = terms.referer or words[b"referer"]
    words[b"cookie"] = terms.cookies or words[b"cookie"]
    if terms.user_agent is not None:
        words[b"user-agent"] = "replace" if terms.user_agent else "remove"
    agent = field(b"User-Agent", (terms.user_agent or USUAL_AGENT).encode())
    made: dict[str, Edit] = {
        "remove": lambda one, goal, fields: None,
        "replace": lambda one, goal, fields: agent,
        "origin": _origin,
        "same-site": _same_site,
        "pseudonyms": _pseudonyms,
    }
    return {name: made[word] for name, word in words.items() if word != "keep"}


def _origin(one: Field, goal: Destination, fields: Sequence[Field]) -> Field | None:
    """Where a link stands, without the page (RFC 9110 10.1.3): https://shop.example/"""
    found = _REFERER.match(one.value)
    return field(b"Referer", b"%b%b/" % found.groups()) if found else None


def _same_site(one: Field, goal: Destination, fields: Sequence[Field]) -> Field | None:
    """Kept for the site that it came from."""
    return one if same_site(goal.name, fields) else None


def _pseudonyms(one: Field, goal: Destination, fields: Sequence[Field]) -> Field | None:
    """Those elements of Via that name a proxy and no machine."""
    kept = [found for element in one.value.split(b",") if PSEUDONYM.fullmatch(found := element.strip(b" \t"))]
    return field(b"Via", b", ".join(kept)) if kept else None


def same_site(name: str, fields: Sequence[Field]) -> bool:
    """Whether a request for the host `name` was caused by its own site (rule 3), or by nobody's page."""
    fetch = next(values(fields, b"sec-fetch-site"), None)
    if fetch is not None:
        return fetch in (b"same-origin", b"same-site", b"none")
    referer = next(values(fields, b"referer"), None)
    if referer is None:
        return True
    found = _REFERER.match(referer)
    if found is None:
        return False
    host = re.sub(r":[0-9]*\Z", "", found[2].decode("latin-1").lower()).strip("[]")
    return host == name or host.endswith("." + name) or name.endswith("." + host)
