"""Question: when a pool changes, whose connections break, who is moved without need, and what does it cost?

Prediction, of connections whose server is still there:

                                     leaves      comes back     drained        re-weighted 1 to 3
    modulo hash                      many move   many           many           many
    select group, bucket deleted     many        many           many           many
    select group, weight 0           many        many           many           many
    select group, dead watch port    none        its share      its share      many
    Maglev slots                     hardly any  its share      its share      what it gains
    tracked, reactive                none        none           none           none

`many` is a fifth or more: who hashes over another number of buckets has another law. Where nothing is remembered, even
the best table must take connections from those who have them when a server comes back or is drained: its share, and
hardly more (1 %, beside what Maglev's own table moves). Only who remembers can let them be: and he needs nothing more
of the table than that it shares out the new ones.

Method (changes.py): four equal servers. Connections are opened and asked who answers; srv2 changes; they are asked
again. Servers say their names in every answer, so every connection is checked on every answer. One that another server
gets is reset by it, for it knows of no such connection: so it is `broken` if it is reset or has no answer.

    connections_broken      open connections that broke; with_their_server: of them, those whose server had gone
    moved_needlessly_pct    of the connections whose server was still there, the part that was taken from it
    reopened_elsewhere_pct  of 5-tuples that are opened before, left, and opened again after, the part that another
                            server got, beyond the fewest that had to be moved for the same shares. Who remembers
                            connections owes a new one nothing: its 5-tuple may go anywhere, and nobody is hurt
    weight_error_pct        how far the share of a server in those is from its weight's, at the most, in percent points
    rules, tracked          flows and buckets in the switch, and connections in its conntrack, with all of them open

The modulo is over the connection (5-tuple), as the other schemes' hash is, not over the client. A cut link: schemes
without a controller are told of it, as an operator would; but for the watch port, which sees it.

The table `clients` is of hashes that read the client's address alone ("IP hash"): with nothing remembered, which of 80
addresses meet another server than before, although theirs is there? The same follows as above: modulo moves most of
them; Maglev hardly any when a server leaves, and when it comes back just those whom it had before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from balancing.maglev import table
from controller.pipelines import SLOTS
from experiments.changes import (
    FULL,
    QUICK,
    REALISATIONS,
    STATES,
    VICTIM,
    Met,
    Outcome,
    State,
    labs,
    measure,
    share_error,
)
from experiments.display import Display
from experiments.disruption_claims import client_rows, moral_of_clients, of_clients, of_connections
from experiments.experiment import Options, Part
from experiments.textbook import TEXTBOOK

Rows = Sequence[Mapping[str, Any]]

REMEMBER = ("tracked", "reactive")
WATCHES = "select group, dead watch port"
MANY_PCT = 20.0       # at least
BESIDE_MAGLEV_PCT = 1.0  # at most, beyond what its table moves
SIGMAS = 5            # chance is allowed that much


# -- rows --------------------------------------------------------------------------------------


def row(one: Outcome) -> dict[str, object]:
    """One row of the table `disruption`."""
    lost = sum(one.state.gone and name == VICTIM for name in one.before)
    broken = sum(bool(then) and not now for then, now in zip(one.before, one.after, strict=True))
    another = sum(bool(now) and now != then for then, now in zip(one.before, one.after, strict=True))
    opened = sum(map(bool, one.before))
    return {
        "scheme": one.scheme, "event": one.state.event, "connections": opened,
        "connections_broken": broken, "with_their_server": lost,
        "moved_needlessly_pct": _percent(broken + another - lost, opened - lost),
        "reopened_elsewhere_pct": reopened_elsewhere_pct(one),
        "weight_error_pct": round(100 * share_error(one.again, one.state.weights()), 1),
        "packet_ins": one.packet_ins, "rules": one.rules, "tracked": one.tracked,
        "tuples": len(one.again), "answered_by_another": another, "false_alarms": one.false_alarms,
        "unanswered": one.before.count("") + one.again.count(""),
    }


def reopened_elsewhere_pct(one: Outcome) -> float:
    """How many 5-tuples were moved beyond the fewest that the same shares ask for, of those whose server is there."""
    pairs = [pair for pair in zip(one.first, one.again, strict=True) if all(pair)]
    before, after = (Counter(side) for side in zip(*pairs, strict=True)) if pairs else (Counter(), Counter())
    fewest = sum((before - after).values())
    stayed = sum(not (one.state.gone and then == VICTIM) for then, _ in pairs)
    return _percent(sum(then != now for then, now in pairs) - fewest, stayed)


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


# -- the prediction ----------------------------------------------------------------------------


def bounds(scheme: str, event: str) -> tuple[float, float]:
    """What part of the connections whose server is still there should be moved, in percent: at least, and at most."""
    if scheme in REMEMBER or (scheme, event) == (WATCHES, "leaves"):
        return 0.0, 0.0
    if scheme == WATCHES and event != "re-weighted":
        return 0.0, 25.0
    return (MANY_PCT, 100.0) if scheme in TEXTBOOK else (0.0, maglevs_own_pct(event) + BESIDE_MAGLEV_PCT)


def maglevs_own_pct(event: str) -> float:
    """What part of the slots of those that are still there Maglev's table gives to others."""
    number = next(number for number, state in enumerate(STATES) if state.event == event)
    before, after = (_slots(state) for state in STATES[number - 1:number + 1])
    here = [pair for pair in zip(before, after, strict=True) if not (STATES[number].gone and pair[0] == VICTIM)]
    return 100 * sum(then != now for then, now in here) / len(here)


def _slots(state: State) -> list[str]:
    return table({name: weight for name, weight in state.weights().items() if weight}, SLOTS)


def contradictions(rows: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    return [f"{one['scheme']}, {one['event']}: {words}" for one in rows for holds, words in _expectations(one)
            if not holds]


def _expectations(one: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """What is predicted of a row, and what to say if it is otherwise."""
    low, high = bounds(one["scheme"], one["event"])
    moved, asks = one["moved_needlessly_pct"], one["scheme"] == "reactive"
    return [
        (moved >= low, f"only {moved} % were moved needlessly, not {low:g} % or more"),
        (moved <= high + _chance_pct(high, one["connections"]), f"{moved} % were moved needlessly, not {high:.1f} %"),
        (not one["answered_by_another"], f"{one['answered_by_another']} connections were answered by another server"),
        (bool(one["packet_ins"]) == asks, f"{one['packet_ins']} packets to the controller"),
        (not one["unanswered"], f"{one['unanswered']} new connections had no answer"),
        (not one["false_alarms"], f"{one['false_alarms']} servers were taken for dead and weren't"),
    ]


def _chance_pct(percent: float, number: int) -> float:
    """How far chance may bring a part of `number` connections from its mean."""
    part = min(percent, 50.0) / 100
    return 100 * SIGMAS * (part * (1 - part) / number) ** 0.5 if number else 0.0


# -- in words ----------------------------------------------------------------------------------


def moral(rows: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(rows))}. " if contradictions(rows) else ""
    schemes = (f"{scheme} {_span([one['moved_needlessly_pct'] for one in rows if one['scheme'] == scheme])}"
               for scheme in dict.fromkeys(one["scheme"] for one in rows))
    return f"{wrong}Connections moved although their server was there, over all events: {'; '.join(schemes)}."


def _span(found: Sequence[float]) -> str:
    low, high = min(found), max(found)
    return f"{low:g} %" if low == high else f"{low:g} to {high:g} %"


def for_people(rows: Rows) -> list[dict[str, object]]:
    """The table with fewer columns, narrow enough for a terminal."""
    return [{"event": one["event"], "scheme": one["scheme"], "open": one["connections"],
             "broken": one["connections_broken"], "with their server": one["with_their_server"],
             "moved needlessly %": one["moved_needlessly_pct"], "reopened elsewhere %": one["reopened_elsewhere_pct"],
             "weight error": one["weight_error_pct"], "packet-ins": one["packet_ins"], "rules": one["rules"],
             "tracked": one["tracked"]} for one in rows]


def in_order(found: Sequence[Outcome]) -> list[Outcome]:
    """Event by event, in each the schemes one after another."""
    events, schemes = [state.event for state in STATES], [*TEXTBOOK, *REALISATIONS]
    return sorted(found, key=lambda one: (events.index(one.state.event), schemes.index(one.scheme)))


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Two tables of one run, in two labs: what became of connections, and whom clients met."""
    met: Met = {}

    def connections(options: Options, display: Display) -> Part:
        found: list[Outcome] = []
        for lab in labs(display.say):
            with lab:
                found += measure(lab, QUICK if options.quick else FULL, options.seed, display.say)
                met.update(lab.met)
        rows = [row(one) for one in in_order(found)]
        return Part("disruption", rows, moral(rows), not contradictions(rows), shown=for_people(rows),
                    verdicts=of_connections(found))

    def clients(options: Options, display: Display) -> Part:
        rows = client_rows(met)
        return Part("clients", rows, moral_of_clients(rows), verdicts=of_clients(met))

    return connections, clients
