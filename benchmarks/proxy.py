"""Question: how near to nginx does a proxy in Python come, for the same CPU, and how far is it from its likes?

Prediction: every figure of proxy_figures.py is reached.

Method: everything runs on loopback in a capsule, one proxy at a time, alone on a core; wrk and the backend, the same
for all, have the others (proxy_stage.py). In each round each thing that is measured has its turn, in an order shuffled
anew, and within it each proxy, shuffled as well. A turn starts the proxy anew, lets it warm up, and then counts:

    keep-alive, tls, cache, bodies   requests answered for a second of the proxy's CPU, all its processes
    latency                          p99 of requests that come on their own, at half of its maximum rate (proxy_pace.py)
    idle                             memory that 10,000 connections take which have made a request (proxy_idle.py)

Ratios are taken within the round, ours to the peer's; reported are the median and the range of the rounds.

The load has to share what cores are left with the backend, so a proxy in C is not always busy: `peer_busy` says what
part of its core it used. CPU time is what is counted, so that does not flatter anybody much.

The p99 has two limits of its own. The maximum rate is what the load could get out of a proxy, so for one in C "half of
it" is less than half of its core. And the driver is on the backend's cores: where the machine does other things, half
of p99 and more can be the driver that is late, which is counted for both alike and draws the ratio towards 1.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import nan
from statistics import median
from typing import Any

from benchmarks import proxy_idle, proxy_pace
from benchmarks.forward_stage import Asked
from benchmarks.peers import LOAD, OURS, PEERS, Peer
from benchmarks.peers_install import Found, install
from benchmarks.peers_setup import ADDRESS, PORT, most_open
from benchmarks.proxy_figures import FIGURES, WHATS, Figure
from benchmarks.proxy_stage import Stage
from benchmarks.proxy_words import contradictions, disturbed, for_people, moral
from benchmarks.rounds import spread
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.verdicts import Verdict
from l7proxy import compiled
from layerlab import LabError
from topologies import capsule


@dataclass(frozen=True)
class Size:
    """How many rounds, and the seconds of each turn; wrk takes whole ones."""

    rounds: int = 5
    seconds: int = 3
    warm_s: int = 1


QUICK, FULL = Size(rounds=2, seconds=1), Size()


@dataclass(frozen=True)
class Turn:
    """What one proxy came to in one round, in the unit of `what`.

    busy: what part of its core it used; waited: what part of the time others had it. error: why it came to nothing;
    value is not a number then.
    """

    what: str
    name: str
    value: float
    busy: float | None = None
    error: str = ""
    waited: float | None = None


def _throughput(stage: Stage, what: str, name: str, size: Size) -> Turn:
    how = WHATS[what]
    with stage.proxy(name, how.tls, how.cache) as running:
        running.under_load(how.path, how.connections, size.warm_s)
        before = stage.asked()
        sample = running.under_load(how.path, how.connections, size.seconds)
        missed = stage.asked() - before
    if not how.cache and missed < sample.load.requests:
        raise LabError(f"only {missed:,} of {sample.load.requests:,} requests went to the backend", "all")
    if how.cache and missed > sample.load.requests / 100:
        raise LabError(f"{missed:,} of {sample.load.requests:,} answers were not from its cache", "hardly any")
    return Turn(what, name, sample.per_cpu_second, sample.busy, waited=sample.waited)


def _latency(stage: Stage, what: str, name: str, size: Size) -> Turn:
    """What wrk gets out of it is its maximum rate."""
    how = WHATS[what]
    with stage.proxy(name) as running:
        most = running.under_load(how.path, how.connections, size.warm_s).per_second
        due_s = proxy_pace.arrivals(most / 2, size.seconds, seed=1)
        before_s, waited_s = running.cpu_s(), running.waited_s()
        took_s = proxy_pace.play((ADDRESS, PORT), due_s)
        busy, waited = (running.cpu_s() - before_s) / due_s[-1], (running.waited_s() - waited_s) / due_s[-1]
    return Turn(what, name, 1000 * proxy_pace.percentile(took_s, 99), busy, waited=waited)


def _idle(stage: Stage, what: str, name: str, size: Size) -> Turn:
    how = WHATS[what]
    with stage.proxy(name) as running:
        running.under_load(how.path, how.connections, size.warm_s)
        return Turn(what, name, proxy_idle.kib_each(running, (ADDRESS, PORT)))


def _tunnel(stage: Stage, what: str, name: str, size: Size) -> Turn:
    how = WHATS[what]
    with stage.proxy(name) as running:
        assert isinstance(running, Asked)
        with running.flows(how.path, how.connections) as flows:
            flows.pump(size.warm_s)
            before_s, waited_s, began_s = running.cpu_s(), running.waited_s(), time.perf_counter()
            arrived = flows.pump(size.seconds)
            used_s, waited_s = running.cpu_s() - before_s, running.waited_s() - waited_s
            took_s = time.perf_counter() - began_s
    return Turn(what, name, arrived / 1e6 / used_s, used_s / took_s, waited=waited_s / took_s)


TURNS: dict[str, Callable[[Stage, str, str, Size], Turn]] = {
    "keep-alive": _throughput, "tls": _throughput, "cache": _throughput, "bodies": _throughput, "latency": _latency,
    "idle": _idle, "fetch": _throughput, "fetch, cached": _throughput, "tunnel": _tunnel}


def measure(stage: Stage, size: Size, seed: int, figures: Sequence[Figure] = FIGURES,
            say: Callable[[str], object] = lambda words: None) -> list[Turn]:
    """All rounds of what these figures need, of the peers that are here. What has failed is not tried again."""
    dice, turns = random.Random(seed), list[Turn]()
    needed = wanted(figures, stage.found)
    for number in range(1, size.rounds + 1):
        for what in dice.sample(list(needed), len(needed)):
            for name in dice.sample(needed[what], len(needed[what])):
                if not any(turn.error for turn in turns if (turn.what, turn.name) == (what, name)):
                    say(f"round {number} of {size.rounds}, {what}: {name}")
                    turns.append(_turn(stage, what, name, size))
    return turns


def _turn(stage: Stage, what: str, name: str, size: Size) -> Turn:
    try:
        return TURNS[what](stage, what, name, size)
    except LabError as error:
        return Turn(what, name, nan, error=f"{name} failed: {error.saw}")


def wanted(figures: Iterable[Figure], found: Mapping[str, Found]) -> dict[str, list[str]]:
    """Who is to be measured, by what: whoever is here of those that the figures need."""
    needed: dict[str, list[str]] = {}
    for figure in figures:
        for name in figure.names:
            if not obstacle(figure.what) and not found[name].why_not and name not in needed.get(figure.what, ()):
                needed.setdefault(figure.what, []).append(name)
    return needed


def obstacle(what: str) -> str:
    """Why something can't be measured of anybody; "" if it can."""
    if what == "idle" and most_open() < proxy_idle.CONNECTIONS + 200:
        return f"this system lets a program have only {most_open():,} files open"
    return ""


def rows(turns: Collection[Turn], found: Mapping[str, Found],
         figures: Iterable[Figure] = FIGURES) -> list[dict[str, Any]]:
    """The table `proxy`: a row a figure; one that could not be measured says why."""
    return [_row(figure, turns, found[figure.against]) for figure in figures]


def _row(figure: Figure, turns: Collection[Turn], peer: Found) -> dict[str, Any]:
    ours, peers = _sides(figure, turns)
    if failed := [turn.error for turn in (*ours, *peers) if turn.error]:
        return _without(figure, failed[0], met=False if ours[-1].error else None)
    values = _values(figure, ours, peers)
    if not values:
        return _without(figure, peer.why_not or obstacle(figure.what) or "not measured")
    found = spread("median", values, 3)
    middle = found["median"]
    return {"figure": figure.label, "median": middle, "low": found["median_low"], "high": found["median_high"],
            "rounds": len(values), "bound": figure.bound, "must": figure.must, "aim": figure.aim,
            "met": figure.met(middle, figure.must), "aim_met": figure.met(middle, figure.aim),
            "own": _middle(ours), "against": figure.against, "version": peer.version,
            "peer": _middle(peers) if figure.against != OURS else None,
            "unit": WHATS[figure.what].unit, "busy": _busy(ours), "peer_busy": _busy(peers), "why_not": ""}


def _sides(figure: Figure, turns: Collection[Turn]) -> tuple[list[Turn], list[Turn]]:
    """Our turns, and those of whom the figure is against."""
    ours, peers = ([turn for turn in turns if (turn.what, turn.name) == (figure.what, name)]
                   for name in (OURS, figure.against))
    return ours, peers


def _values(figure: Figure, ours: Sequence[Turn], peers: Sequence[Turn]) -> list[float]:
    """The figure, round by round."""
    return [own.value if figure.against == OURS else own.value / other.value
            for own, other in zip(ours, peers, strict=False) if figure.against == OURS or other.value]


def verdicts(turns: Collection[Turn], figures: Iterable[Figure]) -> list[Verdict]:
    """Whether each figure reaches what it must, where nothing failed."""
    sides = {figure: _sides(figure, turns) for figure in figures}
    return [verdict for figure, (ours, peers) in sides.items() if not any(turn.error for turn in (*ours, *peers))
            for verdict in figure.judge(_values(figure, ours, peers))]


def _without(figure: Figure, why_not: str, met: bool | None = None) -> dict[str, Any]:
    """A row without a value. met: False if it is our own fault."""
    return {"figure": figure.label, "median": None, "low": None, "high": None, "rounds": 0, "bound": figure.bound,
            "must": figure.must, "aim": figure.aim, "met": met, "aim_met": met, "own": None,
            "against": figure.against, "version": "", "peer": None, "unit": WHATS[figure.what].unit, "busy": None,
            "peer_busy": None, "why_not": why_not}


def _middle(turns: Sequence[Turn]) -> float:
    return round(median(turn.value for turn in turns), 2)


def _busy(turns: Sequence[Turn]) -> float | None:
    parts = [turn.busy for turn in turns if turn.busy is not None]
    return round(median(parts), 2) if parts else None


def installed(peers: Iterable[Peer]) -> dict[str, Found]:
    """These, found or installed. Ours is compiled, if it is not yet (l7proxy/compiled.py)."""
    if os.environ.get("LAYER_LAB_COMPILED") != "0":
        compiled.main()
    return install(peers, lambda words: print(f"lab: {words}", file=sys.stderr, flush=True))


@cache
def everybody() -> dict[str, Found]:
    """The peers and the load, found or installed; first called outside the capsule, where there is a network."""
    return installed((*PEERS.values(), LOAD))


def played(table: str, place: type[Stage], found: Mapping[str, Found], figures: Sequence[Figure], options: Options,
           display: Display, note: str = "") -> Part:
    """Measure these figures on a stage of that kind: the part of that name. note: what is to be known of the peers."""
    with place(capsule.LAB / table, found) as stage:
        turns = measure(stage, QUICK if options.quick else FULL, options.seed, figures, display.say)
        made = rows(turns, stage.found, figures)
    words = "" if stage.cores.alone else " There is one core, so the proxy was not alone on it."
    if os.environ.get("LAYER_LAB_COMPILED") == "0" or not compiled.folder().is_dir():
        words += " Ours was not compiled (l7proxy/compiled.py says what that takes)."
    words += disturbed([turn.waited for turn in turns if turn.waited is not None])
    return Part(table, made, moral(made) + note + words, not contradictions(made), shown=for_people(made),
                verdicts=verdicts(turns, figures))


def part(options: Options, display: Display) -> Part:
    """Measure it."""
    return played("proxy", Stage, everybody(), FIGURES, options, display)


PARTS = (part,)
