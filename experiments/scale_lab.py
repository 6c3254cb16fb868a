"""The lab of `scale`, and its rounds: one server with k workers, and k servers with one, all at once.

                 ┌── srv1:9000    k workers            up             asked directly, through plain switching
    clients ── s1┤── srv2:9001    k slower workers     up, hindered   the same; slowness by the USL (theory.py)
                 ├── VIP ── srv1 ... srvk              out, blind     L4, the switch's hash: at random
                 └── VIP ── proxy ── srv1 ... srvk     out, looking   L7, the less busy of two at random

Each is a cell with a port, and so with queues, of its own. What is asked and made of it stands in scale.py.
"""

from __future__ import annotations

import dataclasses
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from balancing import Service
from experiments.draws import Exponential
from experiments.lab import RUNS, Lab
from experiments.load import drive, users
from experiments.openloop import Call, Visit, play, visits
from experiments.players import play_in
from experiments.rounds import introduce
from experiments.services import service
from experiments.sessions import Traffic, plan
from experiments.theory import MMc, usl
from experiments.usage import Usage
from topologies import addresses

KS = (1, 2, 4, 8)
MOST = KS[-1]
CLIENTS, FIRST_PORT = 12, 9000
SERVICE_S, UTILISATION = 0.06, 0.5   # of the load that is equal for each worker
FLOOD_S, FLOOD = 0.1, 1.6            # and of the load that is more than they can do, as times what they can
WARM_S = 0.5                         # what is not counted, for queues begin empty
CONTENTION, COHERENCE = 0.05, 0.02   # what workers on one machine cost each other: stated, not measured
UP, HINDERED, BLIND, LOOKING, REACTIVE, PLAIN = (
    "up", "up, hindered", "out, blind", "out, looking", "out, reactive", "plain")
WORDS = {BLIND: ("l4", "random", "hashed"), LOOKING: ("l7", "power-of-two-choices", "proxy"),
         REACTIVE: ("l4", "power-of-two-choices", "reactive")}


@dataclass(frozen=True)
class Cell:
    """One way to have k workers. flooded: whether more is asked of it than it can do."""

    way: str
    k: int
    flooded: bool = False

    def __str__(self) -> str:
        return f"{self.way}, {self.k}{' flooded' if self.flooded else ''}"


STEADY = tuple(Cell(way, k) for way in (UP, HINDERED, BLIND, LOOKING) for k in KS if way == UP or k > 1)
FLOODED = (Cell(UP, 1, True), *(Cell(way, k, True) for way in (HINDERED, BLIND) for k in KS[1:]),
           Cell(LOOKING, MOST, True))
TRIED = STEADY + FLOODED
LIMITS = tuple((way, k) for way in (PLAIN, BLIND, LOOKING, REACTIVE) for k in (1, MOST))  # servers that take no time
BALANCED = tuple(dict.fromkeys([cell for cell in TRIED if cell.way in WORDS]
                               + [Cell(way, k) for way, k in LIMITS if way in WORDS]))
ALONE = tuple(cell for cell in TRIED if cell.way not in WORDS)
PORTS = {cell: FIRST_PORT + number for number, cell in enumerate(BALANCED + ALONE)}


@dataclass(frozen=True)
class Size:
    """How many rounds, for how many seconds sessions arrive in each, how long a turn at the limit lasts, and from how
    many processes sessions come: to begin one costs more than it gains in a short round.
    """

    rounds: int = 6
    seconds: float = 8.0
    turn_s: float = 0.5
    processes: int = 2


QUICK, FULL = Size(rounds=3, seconds=2.0, turn_s=0.15, processes=1), Size()


@dataclass(frozen=True)
class Turn:
    """One turn at the limit: so many new connections in so many seconds, and what each program used in all."""

    way: str
    k: int
    connections: int
    seconds: float
    cpu_ms: dict[str, float]

    @property
    def per_s(self) -> float:
        """New connections a second."""
        return self.connections / self.seconds


@dataclass
class Found:
    """All that a run has found, round by round. cpu: the part of the machine that the lab used in its busiest round;
    busy: that anybody used. seconds: for how long sessions arrived in each.
    """

    calls: list[dict[Cell, list[Call]]] = field(default_factory=list)
    turns: list[list[Turn]] = field(default_factory=list)
    cpu: float = 0.0
    busy: float = 0.0
    seconds: float = 0.0


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    found = [_service(number, cell) for number, cell in enumerate(BALANCED)]
    return Lab("flat", found, clients=CLIENTS, servers=MOST, workers=1, apart=True,
               runs={"": (*RUNS[""], *PORTS.values())}, say=lambda words: say(f"scale: {words}"))


def _service(number: int, cell: Cell) -> Service:
    layer, algorithm, realisation = WORDS[cell.way]
    one = service(layer, number, servers=cell.k, algorithm=algorithm, realisation=realisation, health=None)
    backends = tuple(dataclasses.replace(backend, port=PORTS[cell]) for backend in one.backends)
    return dataclasses.replace(one, name=str(cell), backends=backends, idle_timeout_s=5)


def targets(lab: Lab) -> dict[Cell, tuple[str, int]]:
    """What clients connect to, cell by cell."""
    own = {one.name: (str(one.vip), one.port or 0) for one in lab.services}
    return {cell: own.get(str(cell)) or (str(addresses.server(number_of(cell))), port) for cell, port in PORTS.items()}


def number_of(cell: Cell) -> int:
    """Which server a cell that is one server is on: they take turns, so that no program has more to do than others."""
    return ALONE.index(cell) % MOST + 1


def slowness(cell: Cell) -> float:
    """How many times as long as alone a worker takes."""
    return cell.k / usl(cell.k, CONTENTION, COHERENCE) if cell.way == HINDERED else 1.0


def equip(lab: Lab) -> None:
    """Give the servers that are alone their workers, and those that hinder each other their slowness."""
    for cell in ALONE:
        lab.set_capacity(f"srv{number_of(cell)}", port=PORTS[cell], workers=cell.k, slowness=slowness(cell))


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Found:
    """All rounds, after one that only warms up. Raises LabError."""
    dice, found = random.Random(seed), Found(seconds=size.seconds)
    introduce(lab)
    equip(lab)
    play(_visits(lab, 0.4, dice))
    for number in range(1, size.rounds + 1):
        say(f"scale: round {number} of {size.rounds}")
        usage, calls = Usage(pids(lab)), defaultdict[Cell, list[Call]](list)
        for call in play_in(size.processes, _visits(lab, size.seconds, dice)):
            calls[_cell_of(call)].append(call)
        cpu, busy = usage.parts()
        found.cpu, found.busy = max(found.cpu, cpu), max(found.busy, busy)
        found.calls.append(dict(calls))
        found.turns.append([turn(lab, *one, size.turn_s) for one in dice.sample(LIMITS, len(LIMITS))])
    return found


_BY_NAME = {str(cell): cell for cell in TRIED}


def _cell_of(call: Call) -> Cell:
    return _BY_NAME[call.visit.label]


def _visits(lab: Lab, seconds: float, dice: random.Random) -> Iterator[Visit]:
    """Poisson arrivals at each cell, equally many for each worker, and the same for all ways that have as many; service
    times are drawn, or all alike in a flood.
    """
    clients, where = lab.clients(), targets(lab)
    seeds = {(k, flooded): dice.randrange(2**32) for k in KS for flooded in (False, True)}
    for cell in TRIED:
        traffic = Traffic(FLOOD / slowness(cell), cell.k, FLOOD_S, seconds, CLIENTS) if cell.flooded else Traffic(
            UTILISATION, cell.k, SERVICE_S, seconds, CLIENTS, services=Exponential(SERVICE_S))
        path = f"/?sleep={FLOOD_S}" if cell.flooded else "/"
        yield from visits(plan(traffic, seeds[cell.k, cell.flooded]), clients, where[cell], path=path, label=str(cell))


def turn(lab: Lab, way: str, k: int, seconds: float) -> Turn:
    """As many new connections as come back, to servers that take no time: whatever limits it, it is not sleep."""
    if way == PLAIN:
        wanted = [(str(addresses.server(n)), RUNS[""][0]) for n in range(1, k + 1)]
    else:
        wanted = [targets(lab)[Cell(way, k)]]
    usage = Usage(pids(lab))
    measured = drive(users(lab.clients(), wanted, fresh=True), seconds)
    return Turn(way, k, len(measured.elapsed_s), measured.seconds, usage.spent_ms())


def pids(lab: Lab) -> dict[str, int]:
    """Whatever of the lab keeps the machine busy: what balances, the servers, and this process, which asks."""
    servers = {name: lab.processes[name].pid for name in lab.topo.server_names()}
    return {**lab.pids(), **servers, "load": os.getpid()}


# -- what a round came to ----------------------------------------------------------------------


def counted(calls: Sequence[Call]) -> list[Call]:
    """Those that were answered, and that didn't begin while the queues were still as good as empty."""
    return [call for call in calls if not call.error and call.at_s >= WARM_S]


def delivered(calls: Sequence[Call], seconds: float) -> float:
    """Answers a second, from when the queues have filled until no more are asked: by the time between answers."""
    ends = sorted(call.at_s + call.took_s for call in calls if not call.error)
    inside = [end for end in ends if WARM_S <= end <= seconds]
    return (len(inside) - 1) / (inside[-1] - inside[0]) if len(inside) > 1 else 0.0


def service_of(call: Call) -> float:
    """What a call asked of its server, in seconds."""
    return float(call.visit.paths[call.number - 1].partition("sleep=")[2])


def on_paper(cell: Cell, calls: Sequence[Call]) -> dict[Call, float]:
    """What the same calls would take in queues on paper, first come first served, each at the server that it was at.

    Each goes to the worker that is free first (J. Kiefer, J. Wolfowitz, "On the Theory of Queues with Many Servers",
    Transactions of the AMS 78, 1955). In seconds.
    """
    workers = 1 if cell.way in WORDS else cell.k
    free: dict[str, list[float]] = defaultdict(lambda: [0.0] * workers)
    found = {}
    for call in sorted((one for one in calls if not one.error), key=lambda one: one.at_s):
        own = free[call.server]
        first = min(range(workers), key=own.__getitem__)
        own[first] = max(own[first], call.at_s) + service_of(call) * slowness(cell)
        found[call] = own[first] - call.at_s
    return found


def theory(cell: Cell) -> MMc | None:
    """The queue that a cell is by the book: M/M/k, or k times M/M/1 where it is chosen blindly."""
    if cell.way == UP:
        return MMc(cell.k, UTILISATION, SERVICE_S)
    return MMc(1, UTILISATION, SERVICE_S) if cell.way == BLIND else None
