"""What the experiment `forward-proxy` measures with a class that browses (forward_proxy.py says why).

     trace ──played by every way, round by round──► page times, the origins' counts, bytes across the edge ──► browsing
     trace of nine, beside one that is greedy     ──► their page times, whose bytes they were              ──► greedy
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median

from experiments.browser import Loaded, greedy, play
from experiments.browsing import Browsing, Reader, trace
from experiments.fairness import jain
from experiments.forward_proxy_lab import CLIENTS, NEW, ForwardLab
from experiments.margins import percentile_ms

Row = dict[str, object]
CLASS = Browsing(("news.example", "video.example", "wiki.example", "shop.example"), ads="ads.example", pages=60,
                 clients=CLIENTS, think_s=0.2)
WAYS = {"direct": "", "no cache": "plain", "new cache": NEW, "warm cache": "warm cache"}  # and the door
AHEAD_S = 0.3  # by which the greedy one begins before the others
GREEDY, GREEDY_URL, GREEDY_CONNECTIONS = CLIENTS - 1, "http://video.example/bytes/1000000", 8
# What the greedy one meets: the door, and whether it is there.
TEMPERS: Mapping[str, tuple[str, bool]] = {
    "nobody greedy": ("plain", False),
    "greedy": ("plain", True),
    "greedy, controlled": ("traffic", True),
}


@dataclass(frozen=True)
class Size:
    """Rounds; pages that each reads in a round, of the class and of the polite ones; how often a case is tried."""

    rounds: int
    visits: int
    polite: int
    times: int


QUICK, FULL = Size(3, 1, 1, 2), Size(4, 3, 1, 5)


@dataclass(frozen=True)
class Round:
    """One trace played once. asked: requests that origins got. crossed: bytes over the edge. taken: by the greedy."""

    loaded: Sequence[Loaded]
    asked: int = 0
    crossed: int = 0
    taken: int = 0

    @property
    def got(self) -> list[int]:
        """Bytes of bodies that each client got, the greedy one last."""
        sizes: dict[int, int] = defaultdict(int)
        for one in self.loaded:
            sizes[one.client] += one.size
        return [*sizes.values(), *([self.taken] if self.taken else [])]

    def page_ms(self, percent: float) -> float:
        """The percentile of its pages' times."""
        return percentile_ms([one.took_s for one in self.loaded], percent)


Rounds = Mapping[str, Sequence[Round]]  # by way, or by temper; the same traces in the same order


# -- browsing ----------------------------------------------------------------------------------


def browsing(lab: ForwardLab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Rounds:
    """The class by every way, in an order that each round shuffles; the warm cache has had a lesson before."""
    wanted, found = dataclasses.replace(CLASS, visits=size.visits), defaultdict[str, list[Round]](list)
    dice = random.Random(seed)
    play(trace(dataclasses.replace(wanted, think_s=0), seed - 1), lab.clients(), lab.way("warm cache"))
    for number in range(size.rounds):
        readers = trace(wanted, seed + number)
        for way in dice.sample(sorted(WAYS), len(WAYS)):
            say(f"browsing, round {number + 1} of {size.rounds}, {way}")
            found[way].append(_by(lab, way, readers))
    return found


def _by(lab: ForwardLab, way: str, readers: Sequence[Reader]) -> Round:
    door = WAYS[way]
    if door == NEW:
        lab.open_doors(door)
    open_way: AbstractContextManager[None] = nullcontext() if door else lab.routed()
    with open_way:
        asked, crossed = sum(lab.counts().values()), lab.edge_bytes()
        loaded = play(readers, lab.clients(), lab.way(door))
        crossed = lab.edge_bytes() - crossed  # before the origins are asked: that doesn't cross it, but takes time
        return Round(loaded, sum(lab.counts().values()) - asked, crossed)


def browsing_rows(found: Rounds) -> list[Row]:
    """The table: a row for each way."""
    return [_browsing_row(way, found) for way in WAYS]


def _browsing_row(way: str, found: Rounds) -> Row:
    mine, direct = found[way], found["direct"]
    requests, asked = _sum(mine, "requests"), sum(one.asked for one in mine)
    crossed, before = (sum(one.crossed for one in rounds) for rounds in (mine, direct))
    return {"way": way, "rounds": len(mine), "pages": sum(len(one.loaded) for one in mine), "requests": requests,
            "failed": _sum(mine, "failed"), "origin_requests": asked, "saved_pct": _saved(asked, requests),
            "edge_kbytes": round(crossed / 1000), "edge_saved_pct": _saved(crossed, before), **_times(mine),
            **_beside(mine, direct)}


# -- greedy ------------------------------------------------------------------------------------


def greed(lab: ForwardLab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Rounds:
    """Nine of the class, and beside them one who takes what he can get, in an order that each round shuffles."""
    wanted = dataclasses.replace(CLASS, clients=CLIENTS - 1, visits=size.polite)
    found = defaultdict[str, list[Round]](list)
    dice = random.Random(seed)
    for number in range(size.rounds):
        readers = trace(wanted, seed + number)
        for temper in dice.sample(sorted(TEMPERS), len(TEMPERS)):
            say(f"greedy, round {number + 1} of {size.rounds}, {temper}")
            found[temper].append(_beside_greed(lab, temper, readers))
    return found


def _beside_greed(lab: ForwardLab, temper: str, readers: Sequence[Reader]) -> Round:
    door, present = TEMPERS[temper]
    way, clients = lab.way(door), lab.clients()
    if not present:
        return Round(play(readers, clients, way))
    with greedy(clients[GREEDY], way, GREEDY_URL, GREEDY_CONNECTIONS) as got:
        time.sleep(AHEAD_S)
        before = got()
        loaded = play(readers, clients, way)
        return Round(loaded, taken=got() - before)


def greedy_rows(found: Rounds) -> list[Row]:
    """The table: a row for each temper."""
    return [_greedy_row(temper, found) for temper in TEMPERS]


def _greedy_row(temper: str, found: Rounds) -> Row:
    mine = found[temper]
    taken = [one.taken / sum(one.got) for one in mine]
    even = [jain(one.got) or 0.0 for one in mine]
    return {"class": temper, "rounds": len(mine), "pages": sum(len(one.loaded) for one in mine),
            "failed": _sum(mine, "failed"), **_times(mine), **_beside(mine, found["nobody greedy"]),
            **_beside(mine, found["greedy"], "_beside_greedy"), **_spread("greedy_share", taken, 3),
            **_spread("jain", even, 3)}


# -- figures of rounds -------------------------------------------------------------------------


def _sum(rounds: Sequence[Round], what: str) -> int:
    return sum(getattr(one, what) for turn in rounds for one in turn.loaded)


def _saved(left: float, whole: float) -> float:
    return round(100 * (whole - left) / whole, 1)


def _times(rounds: Sequence[Round]) -> Row:
    """Page times: of all rounds together, and the lowest and highest of one."""
    found: Row = {}
    for percent in (50, 95):
        each = [one.page_ms(percent) for one in rounds]
        whole = percentile_ms([page.took_s for one in rounds for page in one.loaded], percent)
        found |= {f"p{percent}_ms": round(whole), f"p{percent}_ms_low": round(min(each)),
                  f"p{percent}_ms_high": round(max(each))}
    return found


def _beside(mine: Sequence[Round], other: Sequence[Round], whom: str = "") -> Row:
    """How many times the other's page time (p50, p95) mine is, within a round."""
    found: Row = {}
    for percent in (50, 95):
        found |= _spread(f"p{percent}_times{whom}", [one.page_ms(percent) / beside.page_ms(percent)
                                               for one, beside in zip(mine, other, strict=True)], 2)
    return found


def _spread(name: str, values: Sequence[float], digits: int) -> Row:
    return {name: round(median(values), digits), f"{name}_low": round(min(values), digits),
            f"{name}_high": round(max(values), digits)}
