"""Header fields as a cache reads them: by name, and split where their syntax is a list.

    [("Vary", "a"), ("ETag", '"x"'), ("vary", "b")]   index     {vary: [a, b], etag: ["x"]}
    [a, "b, c";q=1 ,, d]                              members   a · "b, c";q=1 · d

Rules kept here:

1. Lines of one name are one list (RFC 9110 5.3); a comma in a quoted string separates nothing (5.6.4).
2. Empty members count for nothing (5.6.1.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from l7proxy.messages import Field

Index = dict[bytes, list[bytes]]
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_MEMBER = re.compile(rb'(?:[^",]|"(?:[^"\\]|\\.)*"?)+', re.DOTALL)
_COMMA = re.compile(rb'("(?:[^"\\]|\\.)*"?)|[ \t]*,[ \t]*', re.DOTALL)


def index(fields: Iterable[Field]) -> Index:
    """The values of each field, in their order, by its name in lower case."""
    found: Index = {}
    for name, value, _ in fields:
        if name in found:
            found[name].append(value)
        else:
            found[name] = [value]
    return found


def members(lines: Iterable[bytes]) -> list[bytes]:
    """The members of a list-based field, without the whitespace around them."""
    return [found for line in lines for part in _MEMBER.findall(line) if (found := part.strip(b" \t"))]


def tight(value: bytes) -> bytes:
    """A field's value without whitespace around the commas that are outside of quoted strings."""
    return _COMMA.sub(lambda found: found[1] or b",", value).strip(b" \t")
