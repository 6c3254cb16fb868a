"""Question: one server with k workers, or k servers with one: what do they do, how soon do they answer, and where does
either end?

Prediction: at the same power the one large server answers sooner: a queue before k workers (M/M/k) never lets one idle
while somebody waits, k queues chosen blindly (k times M/M/1) do. A balancer that looks at two servers before it chooses
wins most of that back. So what speaks against the large server is not its latency but its price, and that its workers
hinder each other: both are put in here, from a price list (prices.py) and from a law (Gunther's USL with a contention
of 0.05 and a coherence of 0.02, as slowness of a server that sleeps and so has none of its own), and verdicts on them
say "by construction". k servers deliver k times what one does, as long as what stands before them isn't the limit: of
servers that take no time, eight deliver no more than one. Then the controller that is asked for each connection is
the first limit, the proxy the second, the switch the last.

Method: one lab with a cell for each way and each k, each with queues of its own, all at once (scale_lab.py): Poisson
arrivals in an open loop, drawn (exponential) service times, equally much for each worker. Beside them cells that get
more than they can do, and whose answers are counted. In each round every balancer also has a turn with servers that
take no time, as fast as connections come back; turns are in an order shuffled anew.

    scale           at equal load: mean, p50 ... p99 of the response time, from when a request was meant to begin;
                    beside it theory (theory.py), and the same requests, each at the server that it was at, in queues
                    on paper: what is more than that is the lab's own, the layer's cost and a busy machine's
    scale_power     flooded: what a way does, in workers; and what it was told to be
    prices          what a core costs
    balancer_limit  servers that take no time: new connections/s, whose CPU they cost, and how many workers of
                    SERVICE_S they would keep busy: from there on, more servers are no use
    scale_latency   the whole distribution at the most and the fewest workers, theory beside it

Theory holds in the long run; rounds begin with empty queues, so their first half second isn't counted, and what is left
of that makes short rounds a little quicker than theory. Load, servers and balancers share the machine's cores: a limit
that is found here is one of this machine, and their order is what is claimed. How near to theory the mean comes takes
more rounds than --quick has: there that verdict is "undecided" as a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from experiments import distribution, prices
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.margins import percentile_ms
from experiments.scale_claims import LIMITED, Round, verdicts
from experiments.scale_lab import (
    BLIND,
    COHERENCE,
    CONTENTION,
    FLOOD_S,
    FLOODED,
    FULL,
    HINDERED,
    KS,
    LIMITS,
    LOOKING,
    MOST,
    QUICK,
    SERVICE_S,
    STEADY,
    UP,
    UTILISATION,
    Cell,
    Found,
    Turn,
    counted,
    delivered,
    lab_for,
    measure,
    on_paper,
    slowness,
    theory,
)
from experiments.theory import two_choices
from experiments.verdicts import Verdict

Rows = Sequence[Mapping[str, Any]]
MOST_LATE_MS = 25.0  # beyond it the machine was measured


# -- rounds ------------------------------------------------------------------------------------


def rounds(found: Found) -> list[Round]:
    """What each round came to, as claims are judged by it."""
    return [_round(found, number) for number in range(len(found.calls))]


def _round(found: Found, number: int) -> Round:
    calls = found.calls[number]
    power = {cell.way: delivered(calls[cell], found.seconds) * FLOOD_S for cell in FLOODED if cell.k in (1, MOST)}
    pairs = {cell: _beside(found, number, cell) for cell in STEADY}
    tail, choices = ({(cell.way, cell.k): percentile_ms([pair[place] for pair in own], 95)
                      for cell, own in pairs.items()} for place in (0, 1))
    paper = _times([pair for cell in STEADY for pair in pairs[cell]])
    book = _times([(took_s, queue.mean_s) for cell in STEADY if (queue := theory(cell)) for took_s, _ in pairs[cell]])
    return Round(power, tail, choices, paper, book, {(one.way, one.k): one.per_s for one in found.turns[number]})


def _times(pairs: Sequence[tuple[float, float]]) -> float:
    """How many times the others the first ones are, taken together."""
    return sum(one for one, _ in pairs) / sum(other for _, other in pairs)


def _beside(found: Found, number: int, cell: Cell) -> list[tuple[float, float]]:
    """Each counted call of a cell in a round: what it took, and what it would have taken on paper."""
    calls = found.calls[number][cell]
    paper = on_paper(cell, calls)
    return [(one.took_s, paper[one]) for one in counted(calls)]


# -- tables ------------------------------------------------------------------------------------


def rows(found: Found) -> list[dict[str, object]]:
    """The table `scale`: each way at each number of workers, at equal load."""
    return [_row(found, cell) for cell in STEADY]


def _row(found: Found, cell: Cell) -> dict[str, object]:
    pairs = [pair for number in range(len(found.calls)) for pair in _beside(found, number, cell)]
    took_s = [took for took, _ in pairs]
    every = [one for calls in found.calls for one in calls[cell]]
    return {"way": cell.way, "workers": cell.k, "requests": len(took_s),
            "failed": sum(bool(one.error) for one in every), "asked": cell.k * UTILISATION,
            "done": round(median(delivered(calls[cell], found.seconds) for calls in found.calls) * SERVICE_S, 2),
            "mean_ms": round(1000 * fmean(took_s), 1), "theory_mean_ms": _theory_ms(cell),
            "paper_mean_ms": round(1000 * fmean(paper for _, paper in pairs), 1),
            **{f"p{percent}_ms": round(percentile_ms(took_s, percent), 1) for percent in (50, 95, 99)},
            "theory_p95_ms": round(1000 * queue.percentile_s(95), 1) if (queue := theory(cell)) else None,
            "paper_p95_ms": round(percentile_ms([paper for _, paper in pairs], 95), 1),
            "late_p99_ms": round(percentile_ms([one.late_s for one in every], 99), 1),
            "cpu": round(found.cpu, 3), "machine_busy": round(found.busy, 3)}


def _theory_ms(cell: Cell) -> float | None:
    """The mean by theory: that of two choices is for very many servers."""
    if cell.way == LOOKING:
        return round(1000 * two_choices(UTILISATION, SERVICE_S), 1)
    return round(1000 * queue.mean_s, 1) if (queue := theory(cell)) else None


def power(found: Found) -> list[dict[str, object]]:
    """The table `scale_power`: what each way does when it is asked for more than it can."""
    return [_power(cell, [delivered(calls[cell], found.seconds) * FLOOD_S for calls in found.calls])
            for cell in FLOODED]


def _power(cell: Cell, workers: Sequence[float]) -> dict[str, object]:
    return {"way": cell.way, "workers": cell.k, "power": round(median(workers), 2), "power_low": round(min(workers), 2),
            "power_high": round(max(workers), 2), "told": round(cell.k / slowness(cell), 2)}


def limits(turns: Sequence[Sequence[Turn]]) -> list[dict[str, object]]:
    """The table `balancer_limit`: what passes to servers that take no time."""
    return [_limit(way, k, [one for turn in turns for one in turn if (one.way, one.k) == (way, k)])
            for way, k in LIMITS]


def _limit(way: str, k: int, turns: Sequence[Turn]) -> dict[str, object]:
    connections, per_s = sum(one.connections for one in turns), median(one.per_s for one in turns)
    spent = {name: sum(one.cpu_ms[name] for one in turns) / connections for name in turns[0].cpu_ms}
    servers = sum(ms for name, ms in spent.items() if name.startswith("srv"))
    before = {name: spent.get(name, 0.0) for name in ("switch", "controller", "proxy")}
    dearest = max(before, key=lambda name: before[name])
    return {"way": way, "servers": k, "rounds": len(turns), "connections_per_s": round(per_s),
            "low": round(min(one.per_s for one in turns)), "high": round(max(one.per_s for one in turns)),
            **{f"{name}_cpu_ms": round(ms, 3) for name, ms in before.items()}, "servers_cpu_ms": round(servers, 3),
            "load_cpu_ms": round(spent["load"], 3), "dearest": dearest,
            "a_core_of_it_per_s": round(1000 / before[dearest]) if before[dearest] else None,
            "feeds_workers": round(per_s * SERVICE_S)}


def latency(found: Found) -> list[dict[str, object]]:
    """The table `scale_latency`: percentiles at the fewest and at the most workers, and theory's."""
    made: list[dict[str, object]] = []
    for cell in STEADY:
        if cell.k in (KS[0], MOST) and cell.way != HINDERED:
            panel = f"{cell.k} worker{'s' * (cell.k > 1)}, each {100 * UTILISATION:.0f} % busy"
            took_s = [one.took_s for calls in found.calls for one in counted(calls[cell])]
            made += distribution.rows({cell.way: took_s}, panel)
            if queue := theory(cell):
                made += distribution.theory_rows(cell.way, queue.percentile_s, len(took_s), panel)
    return made


# -- in words ----------------------------------------------------------------------------------


def contradictions(table: Rows) -> list[str]:
    """What in the table `scale` came out otherwise than predicted, a clause each."""
    tail, choices = ({row["way"]: row[column] for row in table if row["workers"] == MOST}
                     for column in ("p95_ms", "paper_p95_ms"))
    return [words for holds, words in (
        (tail[UP] < tail[BLIND], "one large server answered no sooner than small ones chosen blindly"),
        (choices[LOOKING] < choices[BLIND], "to look at two servers was no better than to choose blindly"),
        (not any(row["failed"] for row in table), "requests failed"),
    ) if not holds]


def moral(table: Rows) -> str:
    """What is to be seen in the table `scale`."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    words = "; ".join(f"{row['way']} {row['p95_ms']:.0f} ms" + (f" (theory {row['theory_p95_ms']:.0f})"
                                                               if row["theory_p95_ms"] else "")
                      for row in table if row["workers"] == MOST)
    late = max(row["late_p99_ms"] for row in table)
    busy = f"the lab used {100 * table[0]['cpu']:.0f} % of the machine, 99 of 100 sessions began within {late:.0f} ms"
    trust = f"Not to be trusted, for the machine is in these figures: {busy}." if late > MOST_LATE_MS else \
        f"The machine was not what was measured: {busy}."
    return f"{wrong}p95 with {MOST} workers at equal load: {words}. {trust}"


def moral_of_power(table: Rows) -> str:
    """What is to be seen in the table `scale_power`."""
    words = ", ".join(f"{row['way']} {row['power']:.1f}" for row in table if row["workers"] == MOST)
    return (f"What {MOST} workers do, in workers: {words}. That those of one machine hinder each other is put in "
            f"(contention {CONTENTION:g}, coherence {COHERENCE:g}).")


def moral_of_limits(table: Rows) -> str:
    """What is to be seen in the table `balancer_limit`."""
    found = {(row["way"], row["servers"]): row for row in table}
    words = "; ".join(f"{way} {found[way, MOST]['connections_per_s']}/s to {MOST} servers, "
                      f"{found[way, 1]['connections_per_s']}/s to one, enough for {found[way, MOST]['feeds_workers']} "
                      f"workers of {1000 * SERVICE_S:.0f} ms" for way in LIMITED)
    return f"New connections to servers that take no time: {words}."


def moral_of_prices() -> str:
    """What is to be seen in the table `prices`."""
    return (f"A core costs {prices.growth(prices.CHIPS):.1f} times as much in the largest chip as in the smallest, and "
            f"{prices.growth(prices.RENTED):.1f} times in a rented machine. Looked up, not measured.")


def for_people(table: Rows) -> list[dict[str, object]]:
    """The table `scale` with fewer columns, narrow enough for a terminal."""
    return [{"way": row["way"], "workers": row["workers"], "asked": row["asked"], "done": row["done"],
             "mean ms": row["mean_ms"], "theory": row["theory_mean_ms"], "on paper": row["paper_mean_ms"],
             "p95 ms": row["p95_ms"], "theory p95": row["theory_p95_ms"]} for row in table]


def limits_for_people(table: Rows) -> list[dict[str, object]]:
    """The table `balancer_limit` with fewer columns."""
    return [{"way": row["way"], "servers": row["servers"], "new connections/s": row["connections_per_s"],
             "dearest": row["dearest"], "a core of it": row["a_core_of_it_per_s"],
             f"feeds workers of {1000 * SERVICE_S:.0f} ms": row["feeds_workers"]} for row in table]


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Five tables of one run."""
    found: list[Found] = []

    def equal_load(options: Options, display: Display) -> Part:
        with lab_for(display.say) as lab:
            found.append(measure(lab, QUICK if options.quick else FULL, options.seed, display.say))
        table, judged = rows(found[0]), list[Verdict](verdicts(rounds(found[0])))
        return Part("scale", table, moral(table), not contradictions(table), shown=for_people(table), verdicts=judged)

    def flooded(options: Options, display: Display) -> Part:
        table = power(found[0])
        return Part("scale_power", table, moral_of_power(table))

    def priced(options: Options, display: Display) -> Part:
        return Part("prices", prices.rows(), moral_of_prices())

    def limited(options: Options, display: Display) -> Part:
        table = limits(found[0].turns)
        return Part("balancer_limit", table, moral_of_limits(table), shown=limits_for_people(table))

    def spread(options: Options, display: Display) -> Part:
        return Part("scale_latency", latency(found[0]), "All percentiles that the requests carry; theory beside them.")

    return equal_load, flooded, priced, limited, spread
