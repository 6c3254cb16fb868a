"""Lists of names and of URL patterns, as functions made once.

     hosts   shop.example        that name           urls   *://*/ads/*        * is any characters, none too
             .shop.example       and all below it           http://a.example/*.exe
             *.shop.example      only those below           in normal form (Destination.url); a tunnel has none

Rules kept here:

1. What costs is bounded by the list: a name is looked up once for each of its labels, however long the list.
2. A pattern is no regular expression: its pieces are found one after another, each where it first can be, and nothing
   is tried again. The leftmost place is always as good as a later one, for what follows may stand anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from l7proxy.forward.destination import NAME
from layerlab import LabError

Matches = Callable[[str], bool]


def hosts(patterns: Iterable[str]) -> Matches:
    """Whether a name (Destination.name) is one of these. Raises LabError."""
    exact, below = set(), set()
    for pattern in patterns:
        name = _host(pattern)
        if not pattern.startswith("*."):
            exact.add(name)
        if pattern.startswith((".", "*.")):
            below.add(name)

    def match(name: str) -> bool:
        if name in exact:
            return True
        dot = name.find(".") if below else -1
        while dot >= 0:
            if name[dot + 1:] in below:
                return True
            dot = name.find(".", dot + 1)
        return False
    return match


def _host(pattern: str) -> str:
    name = pattern.removeprefix("*").removeprefix(".").lower().removesuffix(".")
    if not NAME.fullmatch(name) or (pattern.startswith("*") and not pattern.startswith("*.")):
        raise LabError(f"{pattern!r} is no host name", "a name, .name or *.name, in ASCII (IDNA: xn--...)",
                       ".shop.example; for addresses, networks", field="hosts")
    return name


def globs(patterns: Iterable[str]) -> Matches:
    """Whether a text is matched by one of these."""
    made = [glob(pattern) for pattern in patterns]
    return lambda text: any(match(text) for match in made)


def glob(pattern: str) -> Matches:
    """Whether a text has this shape, in which * is any characters."""
    first, *others = pattern.split("*")
    if not others:
        return lambda text: text == pattern
    *between, last = others

    def match(text: str) -> bool:
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for piece in between:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True
    return match
