"""Question: which algorithm answers soonest, at each layer, when servers and sessions are not all alike?

Prediction: on equal servers with short sessions nobody is far ahead of round robin: taking turns is hard to beat.
Where capacities differ, round robin falls behind at every layer: it knows neither weights nor load. Where one server
turns slow, it falls behind whoever sees how busy servers are, at L4 and L7. (Not below: there a unit ends when nothing
is heard of it for a while, so just those who wait longest count as gone.) With heavy-tailed sessions the layer matters
more than the algorithm: up to L4 a long session stays where it began, at L7 each of its requests is placed anew.
`least-response-time` sees a slow program at L7 only, where its tests wait in the program's queue; below, the kernel
answers them, and it is `least-connections` with noise.

Method: one lab with a VIP for every algorithm at every layer, each with a queue of its own on every server (a port),
so cells don't stand in each other's way and all of them run at once. In each round every cell gets the same sessions:
an open loop of Poisson arrivals (sessions.py, openloop.py), some milliseconds after each other in an order shuffled
anew. Cases take turns in a shuffled order, too. What cells do share is the machine; so how busy it was, and how late
sessions began, is measured and said.

    utilisation  0.65, with heavy-tailed sessions 0.85: work that arrives in a second / workers of all servers
    a session    one TCP connection from one of 20 hosts, at random; its requests follow each other
    a unit       at L2 and L3 the host, until nothing is heard of it for 1 to 2 s; at L4 the connection; at L7 the
                 request
    p50 ... p99  of all requests, each from when it was meant to begin
    jain         of the requests for each worker: 1 where every worker had as many
    failed       at L2 and L3 a host that opens another connection when its flow has just gone is placed anew, with
                 the connection that it still has, whose server then is not the one that knows it

Only `least-response-time` is tested for health here, because only it reads what tests measure. `--quick` tries L4 and
L7 alone, with shorter service times. What the lecture claims is judged at these two, in algorithms_claims.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from balancing import ALGORITHMS, LAYERS
from experiments.algorithms_claims import verdicts
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.fairness import jain
from experiments.margins import NOBODY, contest, percentile_ms, pooled
from experiments.rounds import (
    CASES,
    CELLS,
    EQUAL,
    FULL,
    HEAVY,
    QUICK,
    SLOW,
    SLOWNESS,
    TURNING,
    UNEQUAL,
    Case,
    Found,
    lab_for,
    measure,
)

YARDSTICK = "round-robin"
FAR = 1.25                    # a margin over the yardstick that would be news on equal servers
TOLERABLE = 0.01              # part of a cell's requests that may fail; see `failed` above
SEEN = 1.5                    # how much slower than the others a slow server must look to be seen
MOST_BUSY, MOST_LATE_MS = 0.9, 25.0  # beyond either the machine was measured, and not the algorithms

Rows = Sequence[Mapping[str, Any]]


def rows(found: Found) -> list[dict[str, object]]:
    """The table `algorithms`: case by case, layer by layer."""
    return [_row(found, case, *cell) for case in CASES for cell in CELLS if (case.name, *cell) in found.cells]


def _row(found: Found, case: Case, layer: str, algorithm: str) -> dict[str, object]:
    cell = found.cells[case.name, layer, algorithm]
    took_s = pooled(cell.took_s)
    share = {f"srv{n}": cell.share[f"srv{n}"] for n in range(1, len(case.workers) + 1)}
    evenness = jain(count / workers for count, workers in zip(share.values(), case.workers, strict=True))
    return {
        "case": case.name, "layer": layer, "algorithm": algorithm, "rounds": len(cell.took_s),
        "sessions": len(cell.late_s), "requests": len(took_s), "failed": cell.failed, "units": cell.units,
        "share": share, "jain": round(evenness or 0.0, 3),
        **{f"p{percent}_ms": round(percentile_ms(took_s, percent), 1) for percent in (50, 95, 99)},
        "tests_ms": _median(found.tests_ms.get((case.name, layer, algorithm), [])),
        "late_p99_ms": round(percentile_ms(cell.late_s, 99), 1),
        "cpu": round(found.cpu[case.name], 3), "machine_busy": round(found.busy[case.name], 3),
    }


def _median(tests_ms: Sequence[Mapping[str, float | None]]) -> dict[str, float] | None:
    """What tests measured of each server in the median of the rounds; None where a round has not measured them all."""
    whole = [{name: value for name, value in one.items() if value} for one in tests_ms]
    if not whole or any(len(some) < len(one) for some, one in zip(whole, tests_ms, strict=True)):
        return None
    return {name: round(median(one[name] for one in whole), 3) for name in whole[0]}


def best(found: Found) -> list[dict[str, object]]:
    """The table `best`: who won each case at each layer, and by how much."""
    return [{"case": case.name, "layer": layer,
             **contest({name: found.cells[case.name, layer, name].took_s for name in ALGORITHMS}, YARDSTICK)}
            for case in CASES for layer in LAYERS if (case.name, layer, YARDSTICK) in found.cells]


# -- what comes of it --------------------------------------------------------------------------


def not_as_said(rows: Rows) -> list[str]:
    """Where the table `algorithms` is otherwise than predicted, a clause each."""
    tail = {row["layer"]: row["p95_ms"] for row in rows if (row["case"], row["algorithm"]) == (HEAVY.name, YARDSTICK)}
    found = [f"{row['failed']} requests failed in {row['case']!r} at {row['layer'].upper()} with {row['algorithm']}"
             for row in rows if row["failed"] > TOLERABLE * row["requests"]]
    if {"l4", "l7"} <= set(tail) and tail["l7"] >= tail["l4"]:
        found.append(f"with {HEAVY.name} {YARDSTICK} was no quicker at L7 than at L4")
    if seen_slow(rows).get("l7", SLOWNESS) < SEEN:
        found.append("tests at L7 did not see which server had turned slow")
    return found


def seen_slow(rows: Rows) -> dict[str, float]:
    """How many times the others' response time tests measured of the server that had turned slow, by layer."""
    found = {}
    for row in rows:
        tests_ms = row.get("tests_ms") if row["case"] == TURNING.name else None
        if tests_ms and all(tests_ms.values()):
            others = [value for server, value in tests_ms.items() if server != SLOW]
            found[str(row["layer"])] = tests_ms[SLOW] / (sum(others) / len(others))
    return found


def contradictions(rows: Rows) -> list[str]:
    """Where the table `best` is otherwise than predicted, a clause each."""
    return [f"{row['case']}, {row['layer'].upper()}: {YARDSTICK} was {words}" for row in rows
            for holds, words in _expectations(row) if not holds]


def _expectations(row: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """What is predicted of a row, and what to say if it is otherwise."""
    low, high = row["round_robin_margin_low"], row["round_robin_margin_high"]
    if row["case"] == EQUAL.name:
        return [(low < FAR, f"far behind in every round, {low:.2f} times the best")]
    if row["case"] == UNEQUAL.name:
        return [(low > 1, "not behind in every round")]
    if row["case"] == TURNING.name and row["layer"] in ("l4", "l7"):
        return [(high > 1, "not behind in any round")]
    return []


def strain(rows: Rows) -> str:
    """How busy the machine was, in a sentence, and what follows from it."""
    cpu, busy, late_ms = (max(row[column] for row in rows) for column in ("cpu", "machine_busy", "late_p99_ms"))
    figures = f"the lab used at most {100 * cpu:.0f} % of the machine, which was at most {100 * busy:.0f} % busy, " \
              f"and 99 of 100 sessions began within {late_ms:.0f} ms of their time"
    strained = busy > MOST_BUSY or late_ms > MOST_LATE_MS
    return f"Not to be trusted, for the machine is in these figures: {figures}." if strained else \
        f"The machine was not what was measured: {figures}."


def moral(rows: Rows) -> str:
    """What is to be seen in the table `algorithms`."""
    wrong = f"Otherwise than predicted: {'; '.join(not_as_said(rows))}. " if not_as_said(rows) else ""
    tails = ", ".join(f"{row['layer'].upper()} {row['p95_ms']:.0f} ms" for row in rows
                      if (row["case"], row["algorithm"]) == (HEAVY.name, YARDSTICK))
    seen = ", ".join(f"{layer.upper()} {times:.1f}" for layer, times in seen_slow(rows).items())
    return (f"{wrong}p95 with {HEAVY.name}, {YARDSTICK}: {tails}. How many times as slow as the others tests found "
            f"{SLOW} when it had turned slow ({SLOWNESS:g} times): {seen or 'not measured'}. {strain(rows)}")


def moral_of_best(rows: Rows) -> str:
    """What is to be seen in the table `best`."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(rows))}. " if contradictions(rows) else ""
    nobody = Counter(row["case"] for row in rows if row["winner"] == NOBODY)
    beside = "; ".join(f"{case.name} {_ends([row['round_robin_margin'] for row in rows if row['case'] == case.name])}"
                       for case in CASES)
    return (f"{wrong}How many times the best one's p95 {YARDSTICK} had, layer by layer: {beside}. Nobody was ahead of "
            f"all others in every round in {nobody.total()} of {len(rows)} contests; who was level is in the table.")


def _ends(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"


# -- for people --------------------------------------------------------------------------------


def for_people(rows: Rows) -> list[dict[str, object]]:
    """p95 of every algorithm, the layers side by side."""
    found = {(row["case"], row["algorithm"], row["layer"]): row["p95_ms"] for row in rows}
    return [{"case": case, "algorithm": algorithm,
             **{f"p95 ms, {layer.upper()}": round(found[case, algorithm, layer]) for layer in LAYERS
                if (case, algorithm, layer) in found}}
            for case, algorithm in dict.fromkeys((row["case"], row["algorithm"]) for row in rows)]


def best_for_people(rows: Rows) -> list[dict[str, object]]:
    """The table `best` with its ranges in one column each, narrow enough for a terminal."""
    return [{"case": row["case"], "layer": row["layer"], "winner": row["winner"], "lowest p95": row["lowest_p95"],
             "over": row["runner_up"], "by": _range(row, "margin"),
             f"over {YARDSTICK}": _range(row, "round_robin_margin"), "level with": len(row["level_with"])}
            for row in rows]


def _range(row: Mapping[str, Any], name: str) -> str:
    return f"{row[name]:.2f} ({row[f'{name}_low']:.2f} to {row[f'{name}_high']:.2f})"


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Two tables of one run: how soon everybody answered, and who was best."""
    found: list[Found] = []

    def everybody(options: Options, display: Display) -> Part:
        size = QUICK if options.quick else FULL
        with lab_for(size, display.say) as lab:
            found.append(measure(lab, size, options.seed, display.say))
        table = rows(found[0])
        return Part("algorithms", table, moral(table), not not_as_said(table), shown=for_people(table),
                    verdicts=verdicts(found[0]))

    def the_best(options: Options, display: Display) -> Part:
        table = best(found[0])
        return Part("best", table, moral_of_best(table), not contradictions(table), shown=best_for_people(table),
                    style=lambda row, column: "green" if column == "winner" and row[column] != NOBODY else "")

    return everybody, the_best
