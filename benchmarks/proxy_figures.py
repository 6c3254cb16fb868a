"""The figures that the reverse proxy is held to: each beside one peer, or a figure of its own.

    figure ──► what is measured, of ours and of the peer (proxy.py) ──► must be reached, and is aimed at
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.bounds import Held
from benchmarks.peers import OURS


@dataclass(frozen=True)
class What:
    """What is measured of each proxy alike. unit: of what is measured, before any ratio is taken."""

    unit: str
    tls: bool = False
    cache: bool = False
    path: str = "/"
    connections: int = 32


WHATS = {
    "keep-alive": What("requests/CPU s"),
    "tls": What("requests/CPU s", tls=True),
    "cache": What("requests/CPU s", cache=True, path="/cached"),
    "bodies": What("requests/CPU s", path="/large", connections=16),
    "latency": What("ms at p99"),
    "idle": What("KiB"),
    "fetch": What("requests/CPU s"),  # these three are of the forward proxy (forward_figures.py)
    "fetch, cached": What("requests/CPU s", cache=True, path="/cached"),
    "tunnel": What("MB/CPU s", path="/large", connections=4),
}  # fmt: skip


@dataclass(frozen=True)
class Figure(Held):
    """One figure. what: a word of WHATS. against: a peer; ours for a figure that is no ratio.

    must, aim: what ours is to be, as a part of the peer's; None where it is only reported.

    >>> FIGURES[0].met(0.6, 0.55), FIGURES[7].met(2.5, 2), FIGURES[8].met(9.0, None), FIGURES[0].met(None, 0.55)
    (True, False, True, False)
    """

    label: str
    what: str
    against: str
    must: float | None = None
    aim: float | None = None
    at_most: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Whom it takes to know it."""
        return (OURS,) if self.against == OURS else (OURS, self.against)


FIGURES = (
    Figure("keep-alive 1 KiB against nginx (all of the above on, access log too)", "keep-alive", "nginx", 0.55, 0.8),
    Figure("keep-alive 1 KiB against proxy.py", "keep-alive", "proxy.py", 8, 10),
    Figure("keep-alive 1 KiB against mitmproxy", "keep-alive", "mitmproxy", 20, 30),
    Figure("keep-alive 1 KiB against aiohttp", "keep-alive", "aiohttp", 3, 4),
    Figure("TLS keep-alive against nginx", "tls", "nginx", 0.55, 0.75),
    Figure("cache hit against nginx", "cache", "nginx", 1.3, 2),
    Figure("1 MiB bodies against nginx", "bodies", "nginx", 1.0, 1.5),
    Figure("p99 at half of its maximum rate against nginx", "latency", "nginx", 2, 1.2, at_most=True),
    Figure("KiB per idle keep-alive connection, at 10,000", "idle", OURS, None, 8, at_most=True),
    Figure("keep-alive 1 KiB against HAProxy", "keep-alive", "HAProxy"),
    Figure("keep-alive 1 KiB against proxy.py with a plugin of ours that keeps connections", "keep-alive",
           "proxy.py, kept"),
    Figure("KiB per idle keep-alive connection, at 10,000, against nginx", "idle", "nginx", at_most=True),
)
