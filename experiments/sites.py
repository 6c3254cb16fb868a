"""What the sites of the campus' Internet consist of: every path says what is at it. Pure.

     describe("news.example", "/page/3")  ──►  Thing(kind page, 9,314 bytes, text/html, kept for 60 s, gzip where asked)
     thing.body()                         ──►  those bytes, the same ones every time

So nobody needs a catalogue: not the origin that serves them (origins.py), nor who judges what a browser got.
Sizes are log-normal, as those of the web's objects are in their middle (Barford, Crovella, "Generating Representative
Web Workloads for Network and Server Performance Evaluation", SIGMETRICS 1998); the median and sigma are the table's.
"""

from __future__ import annotations

import hashlib
import math
import random
from dataclasses import dataclass
from statistics import NormalDist

LEAST_BYTES, MOST_BYTES = 200, 4 * 1024 * 1024
WORDS = ("edge", "proxy", "origin", "cache", "client", "request", "answer", "field", "name", "network", "page", "class")


@dataclass(frozen=True)
class Kind:
    """A kind of object. keep: its Cache-Control. text: it is words, and sent in gzip to whoever takes it."""

    name: str
    content_type: str
    median_bytes: int
    sigma: float
    keep: str
    text: bool = False


KINDS = {kind.name: kind for kind in (
    Kind("page", "text/html; charset=utf-8", 8_000, 0.8, "max-age=60", text=True),
    Kind("style", "text/css", 5_000, 0.6, "max-age=3600", text=True),
    Kind("script", "text/javascript", 12_000, 0.8, "max-age=3600", text=True),
    Kind("image", "image/png", 14_000, 1.0, "public, max-age=86400"),
    Kind("live", "application/json", 600, 0.4, "no-store", text=True),
    Kind("ad", "image/gif", 3_000, 0.5, "private, max-age=600"),
    Kind("film", "video/mp4", 1_000_000, 0.5, "max-age=3600"),
)}


@dataclass(frozen=True)
class Thing:
    """One object of a site. size: bytes of its body, not packed. etag: as it stands in the field (RFC 9110 8.8.3)."""

    host: str
    path: str
    kind: Kind
    size: int
    etag: str

    def body(self) -> bytes:
        """Its bytes, the same every time: of a text, words that gzip can pack; else dice, which it can't."""
        dice = random.Random(f"{self.host}{self.path}")
        if not self.kind.text:
            return dice.randbytes(self.size)
        words = " ".join(dice.choices(WORDS, k=self.size // 2)).encode()  # more than enough
        head = f"<!-- {self.host}{self.path} -->\n".encode()
        return (head + words)[:self.size]


def describe(host: str, path: str) -> Thing | None:
    """What is at a path of a host, /KIND/NAME; None if nothing is."""
    kind = KINDS.get(path.split("/")[1]) if path.count("/") == 2 and not path.endswith("/") else None
    if kind is None:
        return None
    digest = hashlib.sha256(f"{host}{path}".encode()).digest()
    part = (int.from_bytes(digest[:7], "big") + 0.5) / 2**56  # strictly between 0 and 1
    size = kind.median_bytes * math.exp(kind.sigma * NormalDist().inv_cdf(part))
    return Thing(host, path, kind, round(min(MOST_BYTES, max(LEAST_BYTES, size))), f'"{digest[:8].hex()}"')
