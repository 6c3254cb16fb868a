"""A class that browses: who looks at which page, and how long before that he thinks. Pure: same seed, same trace.

    Browsing(sites, ...) ──trace(seed)──► one Reader a client ──► Visit(think_s, Page(url, objects)), ...

Whoever plays it thinks, loads the page, then its objects (in as many connections as he likes), and goes on. So a slow
network makes a trace last longer, and changes nothing in it: with and without a proxy the same is asked for.

Rules kept here:

1. Pages have one order of popularity over all sites; that of rank r is asked for in proportion to 1 / r^zipf (Breslau
   et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999: 0.64 to 0.83 at proxies).
2. A page is the same whoever asks for it, whenever, and under any seed: its objects follow from its number.
3. Each reader has dice of his own: more readers, or longer sessions, change nothing in what the others did before.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from layerlab import LabError

MOST_IMAGES = 8
SHARED = 20  # of a site's images, those that its pages have in common


@dataclass(frozen=True)
class Page:
    """One page. url: absolute, http. objects: the URLs of what belongs to it, in their order, none of them twice."""

    url: str
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Visit:
    """think_s: how long the reader thinks before he asks for `page`."""

    think_s: float
    page: Page


@dataclass(frozen=True)
class Reader:
    """One client, numbered from 0, and what he looks at."""

    client: int
    visits: tuple[Visit, ...]


@dataclass(frozen=True)
class Browsing:
    """A kind of browsing.

    sites:   the hosts that have pages, to which pages are dealt in turn, the most popular one to the first.
    ads:     the host that pages have their advertisement from; "" for none.
    pages:   how many there are, over all sites.
    zipf:    the exponent of their popularity; 0 makes all alike.
    clients, visits: how many read, and how many pages each. think_s: the mean time between, exponentially distributed.

    Raises LabError for a trace that would be empty, or could not be.
    """

    sites: tuple[str, ...]
    ads: str = ""
    pages: int = 200
    zipf: float = 0.8
    clients: int = 10
    visits: int = 20
    think_s: float = 1.0

    def __post_init__(self) -> None:
        if not self.sites or min(self.pages, self.clients, self.visits) < 1:
            raise LabError(f"{self} is nobody, who reads nothing", "at least 1 site, page, client and visit")
        if not (0 <= self.zipf <= 3 and 0 <= self.think_s <= 3600):
            raise LabError(f"zipf is {self.zipf}, think_s {self.think_s}", "from 0 to 3, and from 0 to 3600")

    @cached_property
    def chances(self) -> tuple[float, ...]:
        """The chance of each page, by rank from 0."""
        weights = [rank ** -self.zipf for rank in range(1, self.pages + 1)]
        return tuple(weight / sum(weights) for weight in weights)

    def page(self, rank: int) -> Page:
        """The page of this rank, from 0: a style, a script, some images, news of the hour, perhaps an advertisement."""
        host, number = self.sites[rank % len(self.sites)], rank // len(self.sites)
        dice = random.Random(f"{host}/page/{number}")
        images = dict.fromkeys(f"/image/{dice.randrange(SHARED)}" if dice.random() < 0.5 else f"/image/{number}-{n}"
                               for n in range(dice.randint(1, MOST_IMAGES)))
        paths = ("/style/site", "/script/site", *images, f"/live/{number}")
        ads = [f"http://{self.ads}/ad/{dice.randrange(SHARED)}"] if self.ads else []
        return Page(f"http://{host}/page/{number}", (*(f"http://{host}{path}" for path in paths), *ads))


def trace(browsing: Browsing, seed: int) -> tuple[Reader, ...]:
    """What each reader does, from the first to the last."""
    bounds = list(accumulate(browsing.chances))
    return tuple(_reader(browsing, bounds, client, seed) for client in range(browsing.clients))


def _reader(browsing: Browsing, bounds: Sequence[float], client: int, seed: int) -> Reader:
    dice, last = random.Random(f"{seed}/{client}"), browsing.pages - 1
    visits = []
    for _ in range(browsing.visits):
        think_s = dice.expovariate(1 / browsing.think_s) if browsing.think_s else 0.0
        rank = min(last, bisect(bounds, dice.random()))  # a sum of floats may end just below 1
        visits.append(Visit(think_s, browsing.page(rank)))
    return Reader(client, tuple(visits))


def requests(readers: Sequence[Reader]) -> list[str]:
    """The URLs of all that is asked for, page by page, if nothing is kept by anybody."""
    return [url for reader in readers for visit in reader.visits for url in (visit.page.url, *visit.page.objects)]
