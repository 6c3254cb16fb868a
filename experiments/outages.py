"""The lab of `failover`, and its outages: steady traffic, a fault at one server, and what became of both.

    began ─────── fault ──────────────── repair ─────────────── over
          1 s      │        3 s            │        3 s
                   └─► Down? ─► lost?      └─► Up ─► a unit there again?

What is asked, predicted and made of it stands in failover.py.
"""

from __future__ import annotations

import dataclasses
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from balancing import LAYERS, HealthCheck
from experiments.faults import FAULTS, Fault
from experiments.lab import Lab
from experiments.openloop import Call, Visit, play
from experiments.services import service
from topologies import addresses

VICTIM = "srv2"
CHECK = HealthCheck(interval_s=0.5, timeout_s=1.0, rise=2, fall=2, slow_start_s=0, source=addresses.PROBE,
                    path="/_probe")
KEPT, NEWCOMERS = 6, 30             # hosts
PACE_S, NEWCOMERS_PER_S = 0.2, 8    # of each kept connection; of all newcomers, at each layer
STEADY_S, FAULT_S, AFTER_S = 1.0, 3.0, 3.0
FIRST_NEWCOMER_S = 0.4              # by when all that are kept have their servers, evenly
PATIENCE_S = 1.0                    # of a client, for an answer
IDLE_TIMEOUT_S = 1                  # so short that a newcomer is mostly a new unit, also at L2 and L3
SILENCE_S = 2.5                     # after which even a unit at L2 or L3 has ended

Events = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Size:
    """How many rounds of each fault."""

    rounds: int = 3


QUICK, FULL = Size(rounds=1), Size()


@dataclass(frozen=True)
class Times:
    """When traffic began, the fault came and was put right: in seconds since the epoch, as events have it."""

    began_s: float
    fault_s: float
    repair_s: float


@dataclass(frozen=True)
class Outcome:
    """What one fault did to one layer, in one round (failover.py explains the columns)."""

    layer: str
    fault: str
    noticed_s: float | None
    requests: int
    requests_lost: int
    units_moved: int
    back_s: float | None


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    found = (service(layer, number, health=CHECK) for number, layer in enumerate(LAYERS))
    brief = [dataclasses.replace(one, idle_timeout_s=IDLE_TIMEOUT_S) for one in found]
    return Lab("flat", brief, clients=KEPT + NEWCOMERS, workers=1000, say=lambda words: say(f"failover: {words}"))


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Iterator[Outcome]:
    """Every fault in every round, in a shuffled order. Yields what it did to each layer. Raises LabError."""
    dice = random.Random(seed)
    for number in range(1, size.rounds + 1):
        for name in dice.sample(list(FAULTS), len(FAULTS)):
            say(f"failover: round {number} of {size.rounds}, {VICTIM} is {name}")
            yield from _round(lab, FAULTS[name], dice)
            time.sleep(SILENCE_S)
            lab.wait(f"{VICTIM} to be up at every layer", lambda: _up_everywhere(lab))


def _round(lab: Lab, fault: Fault, dice: random.Random) -> Iterator[Outcome]:
    with ThreadPoolExecutor(1) as aside:
        moment_s = STEADY_S + dice.uniform(0, CHECK.interval_s)  # anywhere between two tests
        began_s, happening = time.time(), aside.submit(_happen, lab, fault, moment_s)
        calls = play(_traffic(lab, dice), PATIENCE_S)
        times = Times(began_s, *happening.result())
    for one in lab.services:
        own = [call for call in calls if call.visit.label == one.name]
        yield outcome(one.layer, fault.name, own, lab.events("", one.name), times)


def _happen(lab: Lab, fault: Fault, after_s: float) -> tuple[float, float]:
    """Let the fault come and be put right; return when either began."""
    time.sleep(after_s)
    fault_s = time.time()
    fault.inflict(lab, VICTIM)
    time.sleep(FAULT_S)
    repair_s = time.time()
    fault.repair(lab, VICTIM)
    return fault_s, repair_s


def _traffic(lab: Lab, dice: random.Random) -> Iterator[Visit]:
    """To each layer: connections that are kept, and newcomers."""
    clients, whole_s = lab.clients(), STEADY_S + CHECK.interval_s + FAULT_S + AFTER_S
    keepers, newcomers = clients[:KEPT], clients[KEPT:]
    for one in lab.services:
        target = (str(one.vip), one.port or 0)
        for client in keepers:
            yield Visit(dice.uniform(0, PACE_S), client, target, ("/",) * int(whole_s / PACE_S), one.name, PACE_S, True)
        for _ in range(int(whole_s * NEWCOMERS_PER_S)):
            yield Visit(dice.uniform(FIRST_NEWCOMER_S, whole_s), dice.choice(newcomers), target, ("/",), one.name)


def outcome(layer: str, fault: str, calls: Sequence[Call], events: Events, times: Times) -> Outcome:
    """What a fault at the victim did to one layer, by its clients' calls and its balancer's events."""
    down_s = first(events, "Down", times.fault_s, times.repair_s)
    back_s = first(events, "Assigned", times.repair_s)
    moved = moved_hosts(calls, times) if layer in ("l2", "l3") else moved_units(events, times)
    return Outcome(layer, fault, None if down_s is None else down_s - times.fault_s, len(calls),
                   sum(bool(call.error) for call in calls), moved, None if back_s is None else back_s - times.repair_s)


def first(events: Events, kind: str, since_s: float, until_s: float = float("inf")) -> float | None:
    """When the victim's first event of a kind was, within a span; None if there was none."""
    return min((event["t"] for event in events if (event["event"], event.get("backend")) == (kind, VICTIM)
                and since_s <= event["t"] < until_s), default=None)


def moved_hosts(calls: Sequence[Call], times: Times) -> int:
    """At L2 and L3, where a unit is a host: how many that asked all the while were served by another server than the
    victim, and then by a third. (The balancer's events would not do: a host that was silent for a while is a new unit.)
    """
    kept: dict[Visit, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.number):
        if call.visit.persists:
            kept[call.visit].append(call)
    return sum(_was_moved(own, times.fault_s - times.began_s) for own in kept.values())


def _was_moved(own: Sequence[Call], fault_s: float) -> bool:
    """Whether a host got another server after the fault, though its own was not the victim. fault_s: as calls count."""
    before = [call.server for call in own if call.server and call.at_s + call.took_s < fault_s]
    after = {call.server for call in own if call.server and call.at_s >= fault_s}
    return bool(before) and before[-1] != VICTIM and not after <= {before[-1]}


def moved_units(events: Events, times: Times) -> int:
    """At L4 and L7, where no two units have one name: how many were with a server that was not the victim, and then
    were given to another."""
    owners: dict[str, str] = {}
    moved = set()
    for event in events:
        if event["event"] == "Assigned" and event["t"] >= times.began_s:
            before = owners.setdefault(event["unit"], event["backend"])
            if before not in (VICTIM, event["backend"]):
                moved.add(event["unit"])
            owners[event["unit"]] = event["backend"]
    return len(moved)


def _up_everywhere(lab: Lab) -> bool:
    """Whether the victim's last word at every layer is not Down."""
    last = {event["service"]: event["event"] for event in lab.events()
            if event["event"] in ("Up", "Down") and event["backend"] == VICTIM}
    return "Down" not in last.values()
