"""Question: what does Maglev's table cost, which makes its choices O(1)?

Prediction: each of the m slots is looked for in permutations that are ever fuller, O(m log m) steps on average
(Eisenbud et al., NSDI 2016, section 3.4), however many servers there are: with 3,000 the table takes at most ln m, or
11, times as long as with 3.

Method: balancing/maglev.py's own `table` at its full size, 65,537 slots, in rounds as for the algorithms. A pool pays
this once for each change of its servers or weights; a slow start changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from time import thread_time_ns
from typing import Any

from balancing.maglev import SIZE, table
from benchmarks.rounds import interleave, quiet, spread
from benchmarks.use import WEIGHTS
from experiments.display import Display
from experiments.experiment import Options, Part

Case = tuple[str, int]  # weights, servers


@dataclass(frozen=True)
class Size:
    """How much is measured: how many servers, how many rounds, how many slots."""

    servers: tuple[int, ...] = (3, 30, 300, 3000)
    rounds: int = 9
    slots: int = SIZE

    @property
    def limit(self) -> float:
        """How many steps a slot may take on average."""
        return log(self.slots)


QUICK, FULL = Size(rounds=3), Size()


def measure(size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> dict[Case, list[float]]:
    """Milliseconds to fill a table in each round, by case."""
    fills = {(weights, servers): partial(fill_ms, servers, weight, size.slots)
             for servers in size.servers for weights, weight in WEIGHTS.items()}
    return interleave(fills, size.rounds, seed, lambda words: say(f"maglev_table: {words}"))


def fill_ms(servers: int, weight: Callable[[int], int], slots: int) -> float:
    """How long one table takes, in milliseconds of CPU."""
    weights = {f"srv{number}": weight(number) for number in range(1, servers + 1)}
    with quiet():
        began_ns = thread_time_ns()
        table(weights, slots)
        return (thread_time_ns() - began_ns) / 1e6


def rows(found: dict[Case, list[float]], size: Size) -> list[dict[str, Any]]:
    """The table `maglev_table`: a row for each number of servers with each weights."""
    return [{"servers": servers, "weights": weights, "slots": size.slots, "rounds": len(times),
             **spread("ms", times, 2)} for (weights, servers), times in found.items()]


def growth(table: Sequence[dict[str, Any]], weights: str) -> float:
    """How many times as long the most servers take as the fewest."""
    own = [row["ms"] for row in table if row["weights"] == weights]
    return float(own[-1] / own[0])


def moral(table: Sequence[dict[str, Any]], size: Size) -> str:
    """What is to be seen, in the run's own figures."""
    grown = max(growth(table, weights) for weights in WEIGHTS)
    wrong = f"Otherwise than predicted: {grown:.1f} times as long. " if grown > size.limit else ""
    return (f"{wrong}A table of {size.slots:,} slots takes {table[0]['ms']:.0f} ms for {size.servers[0]} servers and "
            f"{table[-1]['ms']:.0f} ms for {size.servers[-1]:,}, {grown:.1f} times as long at most; a pool pays that "
            "once for each change.")


def part(options: Options, display: Display) -> Part:
    """Measure it."""
    size = QUICK if options.quick else FULL
    table = rows(measure(size, options.seed, display.say), size)
    return Part("maglev_table", table, moral(table, size), all(growth(table, one) <= size.limit for one in WEIGHTS))
