"""Question: how long does a choice take, and how does that grow with the servers?

Prediction: no algorithm looks at every server. From 3 servers to 3,000 the time of a choice grows by no more than the
logarithm does, ln 3000 / ln 3 or 7.3 times, where looking at every server takes hundreds of times as long. What an O(1)
algorithm grows by is the memory's: 3,000 servers with their units don't fit into the processor's nearest cache.

Method: pools of 3, 30, 300 and 3,000 servers, all equal or of weights 1 to 5, each with three units a server. Timed is
a unit's life, Pool.release of one and Pool.assign of the next (use.py): so all that a choice makes an algorithm do
later is in it, and so is the pool's own counting, which `no-choice` shows by itself. `min-scan` is the baseline, the
plain min() over all servers, in the same rounds. One process, its CPU time, without garbage collection; the order is
shuffled anew each round.

The exponent is the slope of the time over the servers, both logarithmic: 0 for O(1), 1 for O(n).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from statistics import linear_regression
from typing import Any

from balancing import ALGORITHMS
from benchmarks import maglev_table
from benchmarks.rounds import interleave, spread
from benchmarks.speed_words import (
    Rows,
    beside_the_scan,
    contradictions,
    growth,
    own_part,
    part_of,
    sizes,
    small_pools,
)
from benchmarks.use import WEIGHTS, Use
from benchmarks.yardsticks import YARDSTICKS, Scan
from experiments.display import Display
from experiments.experiment import Options, Part

KINDS = {**ALGORITHMS, **YARDSTICKS}
Case = tuple[str, str, int]  # algorithm, weights, servers


@dataclass(frozen=True)
class Size:
    """How much is measured: how many servers, how many rounds, how long one sample takes, in seconds."""

    servers: tuple[int, ...] = (3, 30, 300, 3000)
    rounds: int = 9
    sample_s: float = 0.02


QUICK, FULL = Size(rounds=5, sample_s=0.005), Size()


def measure(size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> dict[Case, list[float]]:
    """Nanoseconds of a unit's life in each round, by case."""
    uses: dict[Case, Use] = {}
    for servers in size.servers:
        say(f"algorithms: pools of {servers} servers")
        for algorithm in KINDS:
            for weights in WEIGHTS:
                uses[algorithm, weights, servers] = use = Use(algorithm, weights, servers, seed)
                use.warm_up(size.sample_s)
    samples = {case: use.sample for case, use in uses.items()}
    return interleave(samples, size.rounds, seed, lambda words: say(f"algorithms: {words}"))


def rows(found: dict[Case, list[float]], size: Size) -> list[dict[str, Any]]:
    """The table `algorithms_speed`: a row for each algorithm with each weights, the yardsticks last."""
    return [_row(algorithm, weights, found, size) for algorithm in KINDS for weights in WEIGHTS]


def _row(algorithm: str, weights: str, found: dict[Case, list[float]], size: Size) -> dict[str, Any]:
    own, scan = ([found[name, weights, servers] for servers in size.servers] for name in (algorithm, Scan.name))
    rounds = list(zip(*own, strict=True))  # each with the times of all sizes
    row: dict[str, Any] = {"algorithm": algorithm, "weights": weights, "bound": KINDS[algorithm].bound,
                           "rounds": len(rounds)}
    for servers, times in zip(size.servers, own, strict=True):
        row |= spread(f"ns_{servers}", times)
    row |= spread("growth", [times[-1] / times[0] for times in rounds], 3)
    row |= spread("exponent", [exponent(size.servers, times) for times in rounds], 3)
    return row | spread("beside_scan", [one / other for one, other in zip(own[-1], scan[-1], strict=True)], 4)


def exponent(servers: Sequence[int], times: Sequence[float]) -> float:
    """The e in time ~ servers^e, fitted by least squares.

    >>> round(exponent([3, 30, 300], [100, 1000, 10000]), 6)
    1.0
    """
    return linear_regression([log(number) for number in servers], [log(time) for time in times]).slope


def moral(table: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    words = growth(table), beside_the_scan(table), small_pools(table), own_part(table)
    return " ".join(filter(None, words))


def for_people(table: Rows) -> list[dict[str, Any]]:
    """The same table, narrow enough for a terminal: medians, and the range of the growth."""
    return [{
        "algorithm": row["algorithm"], "weights": row["weights"], "bound": row["bound"],
        **{f"{servers:,} servers, ns": round(row[f"ns_{servers}"]) for servers in sizes(table)},
        "grows": f"{row['growth']:.2f} ({row['growth_low']:.2f} to {row['growth_high']:.2f})",
        "exponent": f"{row['exponent']:.2f}",
        "beside the scan": part_of(row["beside_scan"]),
    } for row in table]


def part(options: Options, display: Display) -> Part:
    """Measure it."""
    size = QUICK if options.quick else FULL
    table = rows(measure(size, options.seed, display.say), size)
    return Part("algorithms_speed", table, moral(table), not contradictions(table), shown=for_people(table))


PARTS = (part, maglev_table.part)
