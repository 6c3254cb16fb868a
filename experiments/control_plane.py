"""Question: what does the controller do for a new connection, as there are more of them, and what if it is gone?

Prediction: reactive asks the controller for each new connection, so its controller's CPU grows with the load, and at
some rate answers no longer keep up; hashed and tracked ask nothing, at any rate. Without a controller, open connections
go on everywhere, and new ones are answered where the switch decides; where the controller does, none are. A server that
dies then is noticed by nobody: its share of new connections is lost, until a controller is there again.

Method: one lab for both tables, an L4 service a realisation on the same three servers. Table `control_plane`: new
connections begin at a steady rate, whether or not those before them are answered (openloop.py); rates and realisations
in a shuffled order.

    first_answer_p50_ms, _p99_ms   from when a connection was meant to begin to its answer: with the first packet's way
                                   to the controller, where it has one. Of those that were answered
    late_p99_ms                    how late the driver itself was: where that is not small, the machine was measured
    packet_ins, flow_entries       packets to the controller, and the service's rules at the end of the step
    switch_cpu_pct, controller_cpu_pct     of one core, during the step

Table `without_controller` (stranded.py): the controller is killed, then srv2's link is cut, then a new controller is
started; in each stage, open connections are asked and new ones opened.

The claims: every connection is a case; of those that a dead server loses some part must be seen, not how large it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from experiments.connections import allow_sockets
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.flowtable import of_service, rules
from experiments.lab import Lab
from experiments.openloop import Call, Visit, play
from experiments.stranded import REALISATIONS, lab_for
from experiments.stranded import contradictions as stranded_contradictions
from experiments.stranded import measure as strand
from experiments.stranded import moral as stranded_moral
from experiments.stranded import verdicts as stranded_verdicts
from experiments.usage import Usage
from experiments.verdicts import Claim, Rule, Verdict, of_part

Rows = Sequence[Mapping[str, Any]]

DECIDES = "the switch decides"
ASKS_NOBODY = Claim(0, "a new connection asks the controller nothing", Rule(
    "the part of new connections that sent it no packet", ">", 0.95), only_if=DECIDES)

QUICK, FULL = ((50, 200), 1.0), ((50, 100, 200, 400, 800), 3.0)  # rates in new connections/s, seconds a step
PATIENCE_S = 3.0
WARM_UP_PER_S = 20


def measure(lab: Lab, rates: Sequence[int], seconds: float, seed: int,
            say: Callable[[str], object] = lambda words: None) -> Iterator[dict[str, object]]:
    """Each rate with each realisation, in a shuffled order. Yields a row of `control_plane` for each."""
    allow_sockets()
    dice = random.Random(seed)
    for name in REALISATIONS:
        play(_visits(lab, name, WARM_UP_PER_S, 0.5), PATIENCE_S)
    wanted = [(rate, name) for rate in rates for name in REALISATIONS]
    for rate, name in dice.sample(wanted, len(wanted)):
        say(f"control-plane: {name}, {rate} new connections/s")
        yield _step(lab, name, rate, seconds)


def _step(lab: Lab, name: str, rate: int, seconds: float) -> dict[str, object]:
    asked, usage = len(lab.events("PacketIn", name)), Usage(lab.pids())
    calls = play(_visits(lab, name, rate, seconds), PATIENCE_S)
    spent_ms, whole_s = usage.spent_ms(), max(call.at_s + call.took_s for call in calls)
    held = of_service(rules(), next(one.id for one in lab.services if one.name == name))
    return row(name, rate, calls, whole_s) | {
        "packet_ins": len(lab.events("PacketIn", name)) - asked, "flow_entries": len(held),
        "switch_cpu_pct": round(spent_ms["switch"] / whole_s / 10, 1),
        "controller_cpu_pct": round(spent_ms["controller"] / whole_s / 10, 1)}


def _visits(lab: Lab, name: str, rate: int, seconds: float) -> list[Visit]:
    """New connections at a steady rate, one request each, from all clients in turn."""
    clients, one = lab.clients(), next(one for one in lab.services if one.name == name)
    return [Visit(number / rate, clients[number % len(clients)], (str(one.vip), one.port or 0), ("/",))
            for number in range(int(rate * seconds))]


def row(name: str, rate: int, calls: Sequence[Call], whole_s: float) -> dict[str, object]:
    """What the clients saw of a step. whole_s: until the last of them was answered, or had waited long enough."""
    took_ms = sorted(1000 * call.took_s for call in calls if not call.error)
    late_ms = sorted(1000 * call.late_s for call in calls)
    return {"realisation": name, "offered_per_s": rate, "connections": len(calls), "answered": len(took_ms),
            "answered_per_s": round(len(took_ms) / whole_s), "first_answer_p50_ms": _percentile(took_ms, 50),
            "first_answer_p99_ms": _percentile(took_ms, 99), "late_p99_ms": _percentile(late_ms, 99)}


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Nearest rank; None of nothing."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))], 2) if ordered else None


def in_order(found: Rows) -> list[Mapping[str, Any]]:
    """Realisation by realisation, as the load grows."""
    return sorted(found, key=lambda one: (REALISATIONS.index(one["realisation"]), one["offered_per_s"]))


def verdicts(rows: Rows) -> list[Verdict]:
    """Whether connections ask the controller, where the switch decides and beyond."""
    switch, controller = ([row for row in rows if (row["realisation"] == "reactive") is asks] for asks in (False, True))
    return [ASKS_NOBODY.judge(*(of_part(sum(max(0, row["connections"] - row["packet_ins"]) for row in own),
                                        sum(row["connections"] for row in own)) for own in (switch, controller)))]


def contradictions(rows: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    found = [f"{one['realisation']} at {one['offered_per_s']}/s sent {one['packet_ins']} packets to the controller, "
             f"of {one['connections']} connections" for one in rows
             if (one["packet_ins"] and one["realisation"] != "reactive")
             or (one["packet_ins"] < one["answered"] and one["realisation"] == "reactive")]
    asking = [one["controller_cpu_pct"] for one in rows if one["realisation"] == "reactive"]
    return found + ["reactive's controller was not busier at the highest rate than at the lowest"
                    for _ in range(len(asking) > 1 and asking[-1] <= asking[0])]


def moral(rows: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(rows))}. " if contradictions(rows) else ""
    words = [f"{one['realisation']} {one['answered_per_s']}/s answered, p50 {one['first_answer_p50_ms']} ms, "
             f"{one['packet_ins']} packet-ins, controller {one['controller_cpu_pct']} % of a core"
             for one in rows if one["offered_per_s"] == rows[-1]["offered_per_s"]]
    return f"{wrong}At {rows[-1]['offered_per_s']} new connections/s: {'; '.join(words)}."


def for_people(rows: Rows) -> list[dict[str, object]]:
    """The table with fewer columns, narrow enough for a terminal."""
    return [{"": one["realisation"], "offered/s": one["offered_per_s"], "answered/s": one["answered_per_s"],
             "p50 ms": one["first_answer_p50_ms"], "p99 ms": one["first_answer_p99_ms"],
             "packet-ins": one["packet_ins"], "flows": one["flow_entries"], "CPU %: switch": one["switch_cpu_pct"],
             "controller": one["controller_cpu_pct"]} for one in rows]


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Both tables, of one lab: the second begins when the first has been measured."""
    rest: list[Rows] = []

    def loaded(options: Options, display: Display) -> Part:
        rates, seconds = QUICK if options.quick else FULL
        with lab_for("control-plane", display.say) as lab:
            rows = in_order(list(measure(lab, rates, seconds, options.seed, display.say)))
            rest.append(list(strand(lab, 40 if options.quick else 120, options.seed, display.say)))
        return Part("control_plane", rows, moral(rows), not contradictions(rows), shown=for_people(rows),
                    verdicts=verdicts(rows))

    def stranded(options: Options, display: Display) -> Part:
        return Part("without_controller", rest[0], stranded_moral(rest[0]), not stranded_contradictions(rest[0]),
                    verdicts=stranded_verdicts(rest[0]))

    return loaded, stranded
