"""The lab of `control-plane`, and its stages without a controller: who is answered then, and who is not.

    stage                 what has happened
    with controller       nothing
    controller killed     SIGKILL; the switch keeps its rules
    and a server dies     srv2's link is cut, and nobody looks
    controller again      another one is started; its tests find srv2

In each stage every connection that was opened at first is asked, and as many new ones are opened, asked and left. What
is asked, predicted and made of it stands in control_plane.py.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from balancing import HealthCheck
from experiments.connections import Connection, Sources, allow_sockets, ask, closing
from experiments.faults import FAULTS
from experiments.lab import Lab
from experiments.services import service
from experiments.verdicts import Claim, Rule, Verdict, of_part
from topologies import addresses

REALISATIONS = ("reactive", "hashed", "tracked")
ALGORITHM, VICTIM, CLIENTS = "weighted-round-robin", "srv2", 10
CHECK = HealthCheck(interval_s=0.5, timeout_s=1.5, rise=2, fall=3, slow_start_s=0, source=addresses.PROBE)
PATIENCE_S = 1.5   # a switch that asks nobody answers in a millisecond
SETTLE_S = 0.4     # until the switch has looked at all that it has cached in the light of new rules
STAGES = ("with controller", "controller killed", "and a server dies", "controller again")
KILLED, DIES = STAGES[1:3]

NEW_ONES = Claim(0, "new connections are answered without a controller", Rule(
    "the part of new connections that is answered while it is dead", ">", 0.9), only_if="the switch decides")
OPEN_ONES = Claim(0, "open connections go on without a controller, whoever decided", Rule(
    "the part of open connections that goes on while it is dead", ">", 0.9))
NOBODY_LOOKS = Claim(0, "a server that dies then keeps being given its share of new connections", Rule(
    "the part of new connections that is lost where the switch decides", ">", 0.1))
CLAIMS = (NEW_ONES, OPEN_ONES, NOBODY_LOOKS)

Rows = Sequence[Mapping[str, Any]]


def lab_for(experiment: str, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up: a service a realisation, named after it."""
    found = (service("l4", number, health=CHECK, realisation=word, algorithm=ALGORITHM)
             for number, word in enumerate(REALISATIONS))
    named = [replace(one, name=one.realisation) for one in found]
    return Lab("flat", named, clients=CLIENTS, workers=1000, say=lambda words: say(f"{experiment}: {words}"))


def measure(lab: Lab, number: int, seed: int, say: Callable[[str], object] = lambda words: None,
            ) -> Iterator[dict[str, object]]:
    """All stages with `number` connections to each realisation. Yields a row of `without_controller` for each."""
    allow_sockets()
    sources, targets = Sources(lab.clients(), seed), {one.name: (str(one.vip), one.port or 0) for one in lab.services}
    live = {name: [Connection(*source, target) for source in sources.take(number)] for name, target in targets.items()}
    with closing([connection for own in live.values() for connection in own]):
        owners = {name: ask(own) for name, own in live.items()}
        for stage in STAGES:
            say(f"control-plane: {stage}")
            _reach(lab, stage)
            for name, target in targets.items():
                held = _held(live[name], owners[name], stage)
                new = [Connection(*source, target) for source in sources.take(number)]
                with closing(new):
                    yield row(name, stage, held, ask(new, PATIENCE_S))


def _held(live: Sequence[Connection], owners: Sequence[str], stage: str) -> dict[str, int]:
    """What became of the open connections to servers that are there; of the others nothing is asked."""
    dead = STAGES.index(stage) >= STAGES.index(DIES)
    asked = [(connection, owner) for connection, owner in zip(live, owners, strict=True)
             if owner and not (dead and owner == VICTIM)]
    found = ask([connection for connection, _ in asked], PATIENCE_S)
    return {"open": len(asked), "kept": sum(now == then for now, (_, then) in zip(found, asked, strict=True))}


def _reach(lab: Lab, stage: str) -> None:
    """Let happen what the stage is about."""
    if stage == KILLED:
        dead = lab.processes.pop("controller")
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
    elif stage == DIES:
        FAULTS["link-cut"].inflict(lab, VICTIM)
    elif stage == "controller again":
        ready = len(lab.events("Ready"))
        lab.start_controller()
        lab.connect_controller()
        lab.wait("the second controller's rules", lambda: len(lab.events("Ready")) == ready + len(lab.services))
        lab.wait(f"its tests to find {VICTIM}", lambda: {event["service"] for event in lab.events("Down")
                                                        if event["backend"] == VICTIM} == set(REALISATIONS))
    time.sleep(SETTLE_S)


def row(name: str, stage: str, held: Mapping[str, int], new: Sequence[str]) -> dict[str, object]:
    """One row of the table `without_controller`. open, kept: of those whose server is there."""
    return {"realisation": name, "stage": stage, **held, "new": len(new), "new_answered": sum(map(bool, new)),
            "new_at_srv2": new.count(VICTIM)}


def verdicts(rows: Rows) -> list[Verdict]:
    """What came of CLAIMS."""
    def part(count: str, whole: str, *stages: str, asks: Sequence[bool] = (False, True)) -> tuple[int, int]:
        own = [one for one in rows if one["stage"] in stages and (one["realisation"] == "reactive") in asks]
        return sum(one[count] for one in own), sum(one[whole] for one in own)

    answered, new = part("new_answered", "new", DIES, asks=[False])
    return [NEW_ONES.judge(*(of_part(*part("new_answered", "new", KILLED, asks=[asks])) for asks in (False, True))),
            OPEN_ONES.judge(of_part(*part("kept", "open", KILLED, DIES))),
            NOBODY_LOOKS.judge(of_part(new - answered, new))]


def contradictions(rows: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    return [f"{one['realisation']}, {one['stage']}: {words}" for one in rows for holds, words in _expectations(one)
            if not holds]


def _expectations(one: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """What is predicted of a row, and what to say if it is otherwise."""
    answered, whole = one["new_answered"], one["new"]
    right = {"with controller": answered == whole, "controller again": answered == whole,
             "controller killed": answered == (0 if one["realisation"] == "reactive" else whole),
             "and a server dies": answered == 0 if one["realisation"] == "reactive" else 0 < answered < whole}
    stays = one["realisation"] != "hashed" or one["stage"] != "controller again"  # its table moves a few by itself
    return [(right[one["stage"]], f"{answered} of {whole} new connections were answered"),
            (not stays or one["kept"] == one["open"], f"{one['kept']} of {one['open']} open connections went on")]


def moral(rows: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(rows))}. " if contradictions(rows) else ""
    stages = (f"{stage}: " + ", ".join(f"{one['realisation']} {one['new_answered']} of {one['new']} new and "
                                       f"{one['kept']} of {one['open']} open" for one in rows if one["stage"] == stage)
              for stage in STAGES)
    return f"{wrong}Answered were, {'; '.join(stages)}."
