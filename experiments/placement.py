"""Question: a proxy can stand anywhere. The same service with it beside the client, beside the servers, and in two
tiers, an L4 balancer before several proxies, as large sites have it: what differs, and what if a proxy dies?

Prediction: every place serves the same, evenly. Each proxy that a request comes by costs it some latency. What differs
is who shares a proxy's fate: beside a client, that client alone; beside the servers, everybody; in two tiers nobody,
once the tier in front has noticed.

Method: one lab (placement_lab.py) in which all the places are there at once, with an open loop of Poisson arrivals at
each, the same sessions, one request each in a connection of its own. In each round first all is well; then the one
proxy beside the servers, one of the tier's two and one client's own are killed (SIGKILL) at the same moment, and
started again after DEAD_S.

    p50, p95   of all requests while all was well, from when each was meant to begin
    jain       of the servers' requests while all was well
    lost       requests without an answer, of those meant to begin while the proxies were dead
    lost_late  of those meant to begin later than NOTICE_S after the death: the tier in front should have noticed
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.fairness import jain
from experiments.margins import percentile_ms
from experiments.openloop import Call, play
from experiments.placement_lab import (
    CLIENT,
    CLIENTS,
    NONE,
    PLACES,
    SERVER,
    SERVERS,
    SERVICE_S,
    TIERS,
    VICTIMS,
    PlacedLab,
)
from experiments.sessions import Traffic, plan
from experiments.verdicts import Claim, Rule, Verdict, of_part, of_ratios, of_rounds

RATE_PER_S = 60.0   # requests of a place
DEAD_S, NOTICE_S, PATIENCE_S = 2.0, 1.0, 0.8
STAGGER_S = 0.05

SERVES = Claim(13, "the same service answers wherever the proxy stands", Rule(
    "the part of requests that is answered at the worst place", ">", 0.95))
EVEN = Claim(13, "wherever the proxy stands, the servers share the requests evenly", Rule(
    "Jain’s index at the worst place, per round", ">", 0.9))
ALONE = Claim(13, "a proxy beside a client dies for that client alone", Rule(
    "the part of other clients’ requests that is answered while one client’s proxy is dead", ">", 0.95))
OUTLIVES = Claim(13, "the service outlives a proxy, once its death is noticed", Rule(
    f"the part answered of requests later than {NOTICE_S:g} s after a proxy’s death", ">", 0.95),
    only_if="another tier stands in front of several")
DEARER = Claim(0, "each proxy that a request comes by costs it latency", Rule(
    "p50 by one proxy / p50 without, per round", ">", 1))
CLAIMS = (SERVES, EVEN, ALONE, OUTLIVES, DEARER)

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Size:
    """How many rounds, and for how many seconds all is well in each."""

    rounds: int = 8
    seconds: float = 5.0


QUICK, FULL = Size(rounds=3, seconds=1.2), Size()


@dataclass(frozen=True)
class Round:
    """One round. well, dead: the calls at each place while all was well, and while proxies were dead; late: which of
    the latter were meant to begin after the death should have been noticed."""

    well: Mapping[str, Sequence[Call]]
    dead: Mapping[str, Sequence[Call]]
    late: Mapping[str, Sequence[Call]]


def measure(lab: PlacedLab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> list[Round]:
    """All rounds, after one that only warms up. Raises LabError."""
    dice = random.Random(seed)
    _play(lab, 0.5, dice)
    found = []
    for number in range(1, size.rounds + 1):
        say(f"placement: round {number} of {size.rounds}")
        well = _play(lab, size.seconds, dice)
        with ThreadPoolExecutor(1) as aside:
            happening = aside.submit(_happen, lab)
            dead = _play(lab, DEAD_S, dice)
            happening.result()
        lab.wait_until_up()
        late = {place: [call for call in calls if call.at_s > NOTICE_S] for place, calls in dead.items()}
        found.append(Round(well, dead, late))
    return found


def _happen(lab: PlacedLab) -> None:
    """Let a proxy die at each place; start them again when all has been asked."""
    for host in VICTIMS.values():
        lab.kill_proxy(host)
    time.sleep(DEAD_S + PATIENCE_S)
    for host in VICTIMS.values():
        lab.start_proxy(host)


def _play(lab: PlacedLab, seconds: float, dice: random.Random) -> dict[str, list[Call]]:
    """The same sessions at every place, some milliseconds after each other in a shuffled order; the calls by place."""
    utilisation = RATE_PER_S * SERVICE_S
    sessions = plan(Traffic(utilisation, 1, SERVICE_S, seconds, CLIENTS), dice.randrange(2**32))
    order = dice.sample(PLACES, len(PLACES))
    wanted = [visit for place, name in enumerate(order)
              for visit in lab.visits(sessions, STAGGER_S * place / len(order), name)]
    calls: dict[str, list[Call]] = {place: [] for place in PLACES}
    for call in play(wanted, PATIENCE_S):
        calls[call.visit.label].append(call)
    return calls


# -- what comes of it --------------------------------------------------------------------------


def rows(rounds: Sequence[Round]) -> list[dict[str, object]]:
    """The table `placement`: a row for each place."""
    return [_row(place, rounds) for place in PLACES]


def _row(place: str, rounds: Sequence[Round]) -> dict[str, object]:
    well, dead, late = ([call for one in rounds for call in getattr(one, kind)[place]] for kind in
                        ("well", "dead", "late"))
    took_s = [call.took_s for call in well if not call.error]
    share = Counter(call.server for call in well if not call.error)
    return {"place": place, "rounds": len(rounds), "requests": len(well), "failed": lost(well),
            **{f"p{percent}_ms": round(percentile_ms(took_s, percent), 1) for percent in (50, 95, 99)},
            "share": {f"srv{number}": share[f"srv{number}"] for number in SERVERS}, "jain": _jain(well),
            "died": VICTIMS.get(place, ""), "while_dead": len(dead), "lost": lost(dead), "later": len(late),
            "lost_late": lost(late)}


def lost(calls: Iterable[Call]) -> int:
    """How many were not answered."""
    return sum(bool(call.error) for call in calls)


def _jain(calls: Iterable[Call]) -> float:
    share = Counter(call.server for call in calls if not call.error)
    return round(jain(share[f"srv{number}"] for number in SERVERS) or 0.0, 3)


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """What came of CLAIMS."""
    well = {place: [call for one in rounds for call in one.well[place]] for place in PLACES}
    worst = max(PLACES, key=lambda place: lost(well[place]) / len(well[place]))
    others = [call for one in rounds for call in one.dead[CLIENT] if call.visit.client.name != VICTIMS[CLIENT]]
    tiers, single = ([call for one in rounds for call in one.late[place]] for place in (TIERS, SERVER))
    return [SERVES.judge(_answered(well[worst])),
            EVEN.judge(of_rounds(min(_jain(one.well[place]) for place in PLACES) for one in rounds)),
            ALONE.judge(_answered(others)),
            OUTLIVES.judge(_answered(tiers), _answered(single)),
            DEARER.judge(of_ratios((_p50_ms(one, SERVER), _p50_ms(one, NONE)) for one in rounds))]


def _answered(calls: Sequence[Call]) -> Any:
    return of_part(len(calls) - lost(calls), len(calls))


def _p50_ms(one: Round, place: str) -> float:
    return percentile_ms([call.took_s for call in one.well[place] if not call.error], 50)


def contradictions(table: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    found = {row["place"]: row for row in table}
    return [words for holds, words in (
        (not any(row["failed"] for row in table), "requests failed while all was well"),
        (found[SERVER]["lost_late"] == found[SERVER]["later"], "the one proxy was dead, and somebody was served"),
        (found[TIERS]["lost_late"] < 0.05 * found[TIERS]["later"], "the tier in front did not notice a proxy’s death"),
        (not found[NONE]["lost"], "requests without a proxy were lost"),
    ) if not holds]


def moral(table: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    speed = ", ".join(f"{row['place']} {row['p50_ms']:.0f} ms" for row in table)
    died = "; ".join(f"{row['place']} {row['lost']} of {row['while_dead']}, later {row['lost_late']} of {row['later']}"
                     for row in table if row["died"])
    return f"{wrong}p50: {speed}. Lost while a proxy was dead: {died}."


def for_people(table: Rows) -> list[dict[str, object]]:
    """What fits on a terminal."""
    return [{"place": row["place"], "p50 ms": row["p50_ms"], "p95 ms": row["p95_ms"], "jain": row["jain"],
             "died": row["died"], "lost": f"{row['lost']} of {row['while_dead']}",
             "after it could be noticed": f"{row['lost_late']} of {row['later']}"} for row in table]


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own."""
    with PlacedLab(display.say) as lab:
        rounds = measure(lab, QUICK if options.quick else FULL, options.seed, display.say)
    table = rows(rounds)
    return Part("placement", table, moral(table), not contradictions(table), shown=for_people(table),
                verdicts=verdicts(rounds))
