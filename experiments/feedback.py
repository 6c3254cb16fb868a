"""Question: to judge servers by test packets, or by a fixed ratio: which balances better, when, and what if tests lag?

Prediction: while capacities are as the weights say, the fixed ratio can't be beaten by tests alone: between two tests
all requests run to the server that was quickest in the last one, so each in turn is overrun, and the slowest that is
found quick is overrun most. When the largest server has slowed down, weights go on sending it more than it can do, its
queue grows without end, and tests balance better. The older a test, the larger the herd: to know something old is worse
than to know nothing (Mitzenmacher; Dahlin). What the lab calls least-response-time multiplies a test's result by how
many requests a server has, which the balancer knows without any test: so it has no herd, and may be no worse than the
fixed ratio even where the lecture says that it is.

Method: one lab at L7 (feedback_lab.py), where tests wait in the program's queue and so see what a client would: below,
the kernel answers them, as `algorithms` shows. Every way to choose gets the same sessions at the same time, each with
queues of its own: Poisson arrivals in an open loop, each request 0.1 s of a worker, capacities 1:2:4. Halfway the
largest server takes four times as long, as if a neighbour took its CPU, and nobody tells the weights. A test itself
keeps a worker for 5 ms, ten times a second in the fresh case: that is in the figures.

    weights              weighted round robin, with weights that are right before the change and wrong after it
    tests alone          whoever the last test found quickest (quickest.py); a test of each server every 0.1 s
    tests alone, stale   the same, a test every second
    tests x busy         least-response-time, every 0.1 s; and stale, every second

    p50 ... p99          from when a request was meant to begin; who gives up after 3 s counts with those
    share                the largest server's part of the answers
    swing                how far that part goes from its weight, in periods of 0.2 s of the steady phase, as times what
                         chance does

Sources: M. Mitzenmacher, "How Useful Is Old Information?", IEEE TPDS 11(1), 2000. M. Dahlin, "Interpreting Stale Load
Information", IEEE TPDS 11(10), 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from experiments import distribution
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.feedback_claims import Round, verdicts
from experiments.feedback_lab import (
    CHANGED,
    FRESH,
    FULL,
    PERIOD_S,
    PHASES,
    QUICK,
    SLOW,
    STALE,
    STEADY,
    WARM_S,
    WAYS,
    WEIGHTS,
    Found,
    Way,
    lab_for,
    measure,
    of_phase,
    shares,
    swing,
)
from experiments.margins import percentile_ms
from experiments.openloop import Call

Rows = Sequence[Mapping[str, Any]]
MOST_LATE_MS = 25.0  # beyond it the machine was measured


def rounds(found: Found) -> list[Round]:
    """What each round came to, as claims are judged by it."""
    def p95_ms(calls: Sequence[Call], phase: str) -> float:
        return percentile_ms([one.took_s for one in of_phase(calls, phase, found.seconds)], 95)

    return [Round({(way, phase): p95_ms(calls[way.name], phase) for way in WAYS for phase in PHASES},
                  {way: swing(calls[way.name], WARM_S, found.seconds) for way in WAYS}) for calls in found.calls]


def _of(found: Found, way: Way, phase: str) -> list[Call]:
    """All rounds' calls of a way in a phase."""
    return [one for calls in found.calls for one in of_phase(calls[way.name], phase, found.seconds)]


def rows(found: Found) -> list[dict[str, object]]:
    """The table `feedback`: each way in each phase."""
    return [_row(found, way, phase) for phase in PHASES for way in WAYS]


def _row(found: Found, way: Way, phase: str) -> dict[str, object]:
    calls = _of(found, way, phase)
    took_s = [one.took_s for one in calls]
    answered = [one.server for one in calls if one.server]
    begin_s, end_s = (WARM_S, found.seconds) if phase == STEADY else (found.seconds, 2 * found.seconds)
    swings = [swing(one[way.name], begin_s, end_s) for one in found.calls]
    return {"phase": phase, "way": way.name, "test_every_s": way.interval_s or None, "requests": len(calls),
            "gave_up": len(calls) - len(answered),
            **{f"p{percent}_ms": round(percentile_ms(took_s, percent), 1) for percent in (50, 95, 99)},
            "share": round(answered.count(SLOW) / (len(answered) or 1), 3), "swing": round(fmean(swings), 2),
            "late_p99_ms": round(percentile_ms([one.late_s for one in calls], 99), 1),
            "cpu": round(found.cpu, 3), "machine_busy": round(found.busy, 3)}


def course(found: Found) -> list[dict[str, object]]:
    """The table `feedback_course`: the largest server's share in the last repetition, period by period."""
    last, end_s = found.calls[-1], 2 * found.seconds
    each = {way.name: shares(last[way.name], 0.0, end_s) for way in WAYS}
    return [{"second": round((place + 1) * PERIOD_S, 2), "slow": place * PERIOD_S >= found.seconds,
             **{name: round(found_[place], 3) for name, found_ in each.items()}}
            for place in range(round(end_s / PERIOD_S))]


def latency(found: Found) -> list[dict[str, object]]:
    """The table `feedback_latency`: all percentiles that the requests carry, phase by phase."""
    return [row for phase, panel in ((STEADY, "as the weights say"), (CHANGED, "one server slowed down"))
            for row in distribution.rows({way.name: [one.took_s for one in _of(found, way, phase)] for way in WAYS},
                                         panel)]


# -- in words ----------------------------------------------------------------------------------


def contradictions(table: Rows) -> list[str]:
    """What in the table `feedback` came out otherwise than predicted, a clause each."""
    tail = {(row["phase"], row["way"]): row["p95_ms"] for row in table}
    swings = {row["way"]: row["swing"] for row in table if row["phase"] == STEADY}
    return [words for holds, words in (
        (tail[STEADY, WEIGHTS.name] < tail[STEADY, FRESH.name], "steady, tests alone were no worse than right weights"),
        (tail[CHANGED, FRESH.name] < tail[CHANGED, WEIGHTS.name], "tests alone did no better than wrong weights"),
        (tail[CHANGED, FRESH.name] < tail[CHANGED, STALE.name], "stale tests were no worse than fresh ones"),
        (swings[WEIGHTS.name] < swings[FRESH.name], "tests alone made no herd"),
    ) if not holds]


def moral(table: Rows) -> str:
    """What is to be seen in the table `feedback`."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    tail = {(row["phase"], row["way"]): row["p95_ms"] for row in table}
    words = "; ".join(f"{way.name} {tail[STEADY, way.name]:.0f} and {tail[CHANGED, way.name]:.0f}" for way in WAYS)
    late = max(row["late_p99_ms"] for row in table)
    busy = f"the lab used {100 * table[0]['cpu']:.0f} % of the machine, 99 of 100 sessions began within {late:.0f} ms"
    trust = f"Not to be trusted, for the machine is in these figures: {busy}." if late > MOST_LATE_MS else \
        f"The machine was not what was measured: {busy}."
    return f"{wrong}p95 in ms, before and after {SLOW} slowed down: {words}. {trust}"


def for_people(table: Rows) -> list[dict[str, object]]:
    """The table `feedback` with fewer columns, narrow enough for a terminal."""
    return [{"phase": row["phase"], "way": row["way"], "requests": row["requests"], "gave up": row["gave_up"],
             "p50 ms": row["p50_ms"], "p95 ms": row["p95_ms"], f"{SLOW}'s share": row["share"], "swing": row["swing"]}
            for row in table]


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Three tables of one run."""
    found: list[Found] = []

    def came_to(options: Options, display: Display) -> Part:
        with lab_for(display.say) as lab:
            found.append(measure(lab, QUICK if options.quick else FULL, options.seed, display.say))
        table = rows(found[0])
        return Part("feedback", table, moral(table), not contradictions(table), shown=for_people(table),
                    verdicts=verdicts(rounds(found[0])))

    def went(options: Options, display: Display) -> Part:
        return Part("feedback_course", course(found[0]), f"{SLOW}'s share of the answers in the last repetition, every "
                                                         f"{PERIOD_S:g} s; it slows down halfway.")

    def spread(options: Options, display: Display) -> Part:
        return Part("feedback_latency", latency(found[0]), "All percentiles that the requests carry.")

    return came_to, went, spread
