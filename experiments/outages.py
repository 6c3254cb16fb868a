"""The lab of `failover`, and its outages: steady traffic, a fault at one server, and what became of both.

    began ─────── fault ──────────────── repair ─────────────── over
          1 s      │        3 s            │        3 s
                   └─► Down? ─► lost?      └─► Up ─► a unit there again?

    group 1   srv1 [srv2] srv3     each with a service a layer of its own, and its second server is the victim:
    group 2   srv4 [srv5] srv6     so all faults can happen at once, each in one group
    group 3   srv7 [srv8] srv9

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

from balancing import LAYERS, HealthCheck, Service
from experiments.faults import FAULTS, Fault
from experiments.lab import Lab
from experiments.openloop import Call, Visit, play
from experiments.services import service
from topologies import addresses

EACH = 3                            # servers of a group
CHECK = HealthCheck(interval_s=0.5, timeout_s=1.0, rise=2, fall=2, slow_start_s=0, source=addresses.PROBE,
                    path="/_probe")
KEPT, NEWCOMERS = 6, 30             # hosts
PACE_S, NEWCOMERS_PER_S = 0.25, 8   # of each kept connection; of all newcomers, at each layer of each group
STEADY_S, FAULT_S, AFTER_S = 1.0, 3.0, 3.0
FIRST_NEWCOMER_S = 0.4              # by when all that are kept have their servers, evenly
PATIENCE_S = 1.0                    # of a client, for an answer
IDLE_TIMEOUT_S = {"l2": 1, "l3": 1}  # so short that a newcomer is mostly a new unit; from L4 up each connection is one
LONG_S = 60                         # what they have otherwise: a connection says itself when it ends
SILENCE_S = 2.5                     # after which even a unit at L2 or L3 has ended

Events = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Size:
    """How many rounds of all faults."""

    rounds: int = 6


QUICK, FULL = Size(rounds=1), Size()


@dataclass(frozen=True)
class Times:
    """When traffic began, the fault came to the victim and was put right: in seconds since the epoch, as events have
    it."""

    victim: str
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


def group_name(layer: str, group: int) -> str:
    """The service of a layer that is over a group's servers. group: 0 and up."""
    return f"{layer} group {group + 1}"


def victim_of(group: int) -> str:
    """The second server of a group."""
    return f"srv{EACH * group + 2}"


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up: a group for each fault."""
    found = [_service(layer, group, EACH * len(FAULTS)) for group in range(len(FAULTS)) for layer in LAYERS]
    return Lab("flat", found, clients=KEPT + NEWCOMERS, servers=EACH * len(FAULTS), workers=1000,
               say=lambda words: say(f"failover: {words}"))


def _service(layer: str, group: int, servers: int) -> Service:
    one = service(layer, group * len(LAYERS) + list(LAYERS).index(layer), servers=servers, health=CHECK)
    return dataclasses.replace(one, name=group_name(layer, group), idle_timeout_s=IDLE_TIMEOUT_S.get(layer, LONG_S),
                               backends=one.backends[EACH * group:EACH * (group + 1)])


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Iterator[Outcome]:
    """All faults in every round, each in another group, drawn anew. Yields what each did to each layer.

    Raises LabError.
    """
    dice = random.Random(seed)
    for number in range(1, size.rounds + 1):
        faults = dice.sample(list(FAULTS.values()), len(FAULTS))
        say(f"failover: round {number} of {size.rounds}: " + ", ".join(
            f"{victim_of(group)} is {fault.name}" for group, fault in enumerate(faults)))
        yield from _round(lab, faults, dice)
        if number < size.rounds:
            time.sleep(SILENCE_S)
            lab.wait("every server to be up at every layer", lambda: _all_up(lab))


def _round(lab: Lab, faults: Sequence[Fault], dice: random.Random) -> Iterator[Outcome]:
    moments_s = [STEADY_S + dice.uniform(0, CHECK.interval_s) for _ in faults]  # anywhere between two tests
    began_s = time.time()
    with ThreadPoolExecutor(len(faults)) as aside:
        happening = [aside.submit(_happen, lab, fault, victim_of(group), moment_s)
                     for group, (fault, moment_s) in enumerate(zip(faults, moments_s, strict=True))]
        calls = play(_traffic(lab, dice), PATIENCE_S)
        times = [Times(victim_of(group), began_s, *one.result()) for group, one in enumerate(happening)]
    for group, fault in enumerate(faults):
        for layer in LAYERS:
            name = group_name(layer, group)
            own = [call for call in calls if call.visit.label == name]
            yield outcome(layer, fault.name, own, lab.events("", name), times[group])


def _happen(lab: Lab, fault: Fault, victim: str, after_s: float) -> tuple[float, float]:
    """Let the fault come and be put right; return when either began."""
    time.sleep(after_s)
    fault_s = time.time()
    fault.inflict(lab, victim)
    time.sleep(FAULT_S)
    repair_s = time.time()
    fault.repair(lab, victim)
    return fault_s, repair_s


def _traffic(lab: Lab, dice: random.Random) -> Iterator[Visit]:
    """To each layer of each group: connections that are kept, and newcomers."""
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
    down_s = first(events, "Down", times.victim, times.fault_s, times.repair_s)
    back_s = first(events, "Assigned", times.victim, times.repair_s)
    moved = moved_hosts(calls, times) if layer in ("l2", "l3") else moved_units(events, times)
    return Outcome(layer, fault, None if down_s is None else down_s - times.fault_s, len(calls),
                   sum(bool(call.error) for call in calls), moved, None if back_s is None else back_s - times.repair_s)


def first(events: Events, kind: str, server: str, since_s: float, until_s: float = float("inf")) -> float | None:
    """When a server's first event of a kind was, within a span; None if there was none."""
    return min((event["t"] for event in events if (event["event"], event.get("backend")) == (kind, server)
                and since_s <= event["t"] < until_s), default=None)


def moved_hosts(calls: Sequence[Call], times: Times) -> int:
    """At L2 and L3, where a unit is a host: how many that asked all the while were served by another server than the
    victim, and then by a third. (The balancer's events would not do: a host that was silent for a while is a new unit.)
    """
    kept: dict[Visit, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.number):
        if call.visit.persists:
            kept[call.visit].append(call)
    return sum(_was_moved(own, times.victim, times.fault_s - times.began_s) for own in kept.values())


def _was_moved(own: Sequence[Call], victim: str, fault_s: float) -> bool:
    """Whether a host got another server after the fault, though its own was not the victim. fault_s: as calls count."""
    before = [call.server for call in own if call.server and call.at_s + call.took_s < fault_s]
    after = {call.server for call in own if call.server and call.at_s >= fault_s}
    return bool(before) and before[-1] != victim and not after <= {before[-1]}


def moved_units(events: Events, times: Times) -> int:
    """At L4 and L7, where no two units have one name: how many were with a server that was not the victim, and then
    were given to another."""
    owners: dict[str, str] = {}
    moved = set()
    for event in events:
        if event["event"] == "Assigned" and event["t"] >= times.began_s:
            before = owners.setdefault(event["unit"], event["backend"])
            if before not in (times.victim, event["backend"]):
                moved.add(event["unit"])
            owners[event["unit"]] = event["backend"]
    return len(moved)


def _all_up(lab: Lab) -> bool:
    """Whether no server's last word at any layer is Down."""
    last = {(event["service"], event["backend"]): event["event"] for event in lab.events()
            if event["event"] in ("Up", "Down")}
    return "Down" not in last.values()
