"""The lab of `algorithms`, and its rounds: every algorithm at every layer, all at once.

                      :8100 ┌ srv1 srv2 srv3        32 services for equal servers, and 32 with the weights 1:2:4,
    20 hosts ── VIP ── ...  ┤ ...                   each with a VIP of its own and, on every server, a port and a
                      :8163 └ srv1 srv2 srv3        queue of its own; and copies of some

A round of heavy-tailed sessions is decided by the few longest of them, so a handful of rounds says little. So rivals
have copies: pairs of them, each pair with sessions of its own, beside everybody else.

What is asked, predicted and made of it stands in algorithms.py.
"""

from __future__ import annotations

import dataclasses
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import quote

from balancing import ALGORITHMS, LAYERS, HealthCheck, Service
from experiments.lab import RUNS, Lab
from experiments.openloop import Call, Visit, play, visits
from experiments.services import service
from experiments.sessions import ONE, Lengths, Traffic, plan
from experiments.usage import Usage
from layerlab import LabError
from topologies import addresses

SERVERS, CLIENTS = 3, 20
FIRST_PORT = 8100           # cell K's servers listen on FIRST_PORT + K
TEST_S = 0.01               # what a test asks of a worker, in seconds
IDLE_TIMEOUT_S = {"l2": 1, "l3": 1, "l4": 3}  # so short that a client's next session is mostly another unit
STAGGER_S = 0.3             # over which the cells' beginnings are spread
SLOW, SLOWNESS = "srv1", 3.0
TURNS = 0.25                # after which part of the round it turns slow
TESTED = "least-response-time"  # the only one that reads what tests measure
HEALTH = HealthCheck(interval_s=0.3, timeout_s=5.0, source=addresses.PROBE, path="/_probe")


@dataclass(frozen=True)
class Case:
    """One kind of servers and sessions.

    workers:    of each server; where they differ, they are the servers' weights, too.
    service_s:  how long a request keeps a worker: so long that every case has about as many sessions a second.
    busy:       the utilisation (sessions.py).
    turns_slow: whether srv1 takes SLOWNESS times as long from then on. lasts: as times the other cases' rounds.
    """

    name: str
    workers: tuple[int, ...] = (1, 1, 1)
    service_s: float = 0.25
    lengths: Lengths = ONE
    busy: float = 0.65
    turns_slow: bool = False
    lasts: float = 1.0

    @property
    def weighted(self) -> bool:
        """Whether servers differ, and weights say so."""
        return len(set(self.workers)) > 1


EQUAL, UNEQUAL, HEAVY, TURNING = CASES = (
    Case("equal servers"),
    Case("capacities 1:2:4", workers=(1, 2, 4), service_s=0.58),
    Case("heavy-tailed sessions", service_s=0.12, lengths=Lengths(shape=1.2, most=20), busy=0.85,
         lasts=2.0),
    Case("one turns slow", turns_slow=True, lasts=1.5),
)
CELLS = tuple((layer, algorithm) for layer in LAYERS for algorithm in ALGORITHMS)
RIVALS = ("round-robin", "least-connections")
COPIED = {  # who has copies, in which case and where
    EQUAL.name: [("l4", name) for name in RIVALS],
    HEAVY.name: [(layer, name) for layer in ("l4", "l7") for name in RIVALS],
    TURNING.name: [("l7", name) for name in (*RIVALS, "least-response-time")],
}


@dataclass(frozen=True)
class Size:
    """How many rounds of each case, and for how many seconds sessions arrive in each.

    pace: by what every service time is multiplied. layers: which are tried. copies: of all in COPIED.
    """

    rounds: int = 5
    seconds: float = 6.0
    pace: float = 1.2
    layers: tuple[str, ...] = tuple(LAYERS)
    copies: int = 3

    @property
    def cells(self) -> list[tuple[str, str]]:
        """Those of CELLS that are tried."""
        return [cell for cell in CELLS if cell[0] in self.layers]

    def copied(self, cases: Iterable[str]) -> list[tuple[str, str, int]]:
        """The copies in any of these cases: layer, algorithm, and a number from 1: that of their sessions."""
        who = dict.fromkeys(cell for case in cases for cell in COPIED.get(case, ()))
        return [(*cell, copy + 1) for cell in who for copy in range(self.copies)]


QUICK, FULL = Size(rounds=3, seconds=1.2, pace=0.6, layers=("l4", "l7"), copies=4), Size()


@dataclass
class Cell:
    """One algorithm at one layer in one case, over all rounds.

    took_s: of each request that was answered, by round. late_s: of each session. units: the balancer's decisions.
    """

    took_s: list[list[float]] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    share: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    units: int = 0

    def add(self, calls: Sequence[Call]) -> None:
        """One more round. Raises LabError if nothing was answered."""
        answered = [call for call in calls if not call.error]
        if not answered:
            raise LabError(f"none of {len(calls)} requests was answered, the first: {calls[0].error}", "an answer",
                           "./lab doctor")
        self.took_s.append([call.took_s for call in answered])
        self.late_s += [call.late_s for call in calls if call.number == 1]
        self.share += Counter(call.server for call in answered)
        self.failed += len(calls) - len(answered)


Key = tuple[str, str, str]  # case, layer, algorithm


@dataclass
class Found:
    """All that a run has found.

    copies:   rounds that have the same place had the same sessions, whoever the rival.
    cpu:      the part of the machine that the lab used in its busiest round, by case; busy: that anybody used.
    tests_ms: what the tests of TESTED measured of each server, smoothed, at the end of each round.
    """

    cells: dict[Key, Cell] = field(default_factory=lambda: defaultdict(Cell))
    copies: dict[Key, Cell] = field(default_factory=lambda: defaultdict(Cell))
    cpu: dict[str, float] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)
    tests_ms: dict[Key, list[dict[str, float | None]]] = field(default_factory=lambda: defaultdict(list))


# -- the lab -----------------------------------------------------------------------------------


def services(size: Size = FULL) -> list[Service]:
    """Every algorithm at every layer, once for equal servers and once with the weights of the unequal case; copies."""
    wanted = [(case, *cell, 0) for case in (EQUAL, UNEQUAL) for cell in size.cells]
    copies = [(EQUAL, *one) for one in size.copied(COPIED)]
    return [_service(number, *one) for number, one in enumerate([*wanted, *copies])]


def _service(number: int, case: Case, layer: str, algorithm: str, copy: int) -> Service:
    health = HEALTH if algorithm == TESTED else None
    one = service(layer, number, servers=SERVERS, algorithm=algorithm, weights=case.workers, health=health)
    port = FIRST_PORT + number
    backends = tuple(dataclasses.replace(backend, port=port) for backend in one.backends)
    return dataclasses.replace(one, name=name_of(case, layer, algorithm, copy), port=port, backends=backends,
                               idle_timeout_s=IDLE_TIMEOUT_S.get(layer, one.idle_timeout_s))


def name_of(case: Case, layer: str, algorithm: str, copy: int = 0) -> str:
    """The service that is a cell of a case, or a copy of one, from 1."""
    return f"{layer} {algorithm}{' weighted' if case.weighted else ''}{f' copy {copy}' if copy else ''}"


def lab_for(size: Size = FULL, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    found = services(size)
    ports = (*RUNS[""], *(one.port or 0 for one in found))
    return Lab("flat", found, clients=CLIENTS, servers=SERVERS, workers=1, apart=True, service_time_s=TEST_S,
               runs={"": ports}, say=lambda words: say(f"algorithms: {words}"))


def introduce(lab: Lab, clients: Iterable[str] = ()) -> None:
    """Tell every client every VIP's MAC: else each pair would ask by ARP first, and the kernel's table overflow.

    clients: only to these.
    """
    for name in clients or lab.topo.client_names():
        macs = ((one.vip, one.vmac if one.row.in_switch else addresses.mac(addresses.PROXY)) for one in lab.services)
        lines = "\n".join(f"neigh replace {vip} lladdr {mac} dev {name}-eth0 nud permanent" for vip, mac in macs)
        lab.net[name].cmd(f"ip -batch - <<end\n{lines}\nend")


# -- the rounds --------------------------------------------------------------------------------


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Found:
    """All rounds of all cases, after one of each kind of service that only warms up. Raises LabError."""
    dice, found, spans = random.Random(seed), Found(), []
    introduce(lab)
    for case in (EQUAL, UNEQUAL):
        _round(lab, case, dataclasses.replace(size, seconds=0.4), random.Random(seed))
    for number in range(1, size.rounds + 1):
        for case in dice.sample(CASES, len(CASES)):
            say(f"algorithms: round {number} of {size.rounds}, {case.name}")
            began_s = time.time()
            calls, cpu, busy = _round(lab, case, size, dice)
            spans.append((began_s, time.time(), case))
            found.cpu[case.name] = max(cpu, found.cpu.get(case.name, 0.0))
            found.busy[case.name] = max(busy, found.busy.get(case.name, 0.0))
            _file(found, case, size, calls)
            for layer in size.layers:
                found.tests_ms[case.name, layer, TESTED].append(_tests_ms(lab, case, layer))
    _count_units(lab, found, spans)
    return found


def _file(found: Found, case: Case, size: Size, calls: dict[str, list[Call]]) -> None:
    """Add a round's calls to what has been found."""
    for cell in size.cells:
        found.cells[case.name, *cell].add(calls[name_of(case, *cell)])
    for layer, rival, copy in size.copied([case.name]):
        found.copies[case.name, layer, rival].add(calls[name_of(case, layer, rival, copy)])


def _round(lab: Lab, case: Case, size: Size, dice: random.Random) -> tuple[dict[str, list[Call]], float, float]:
    """Every cell of a case at once. Returns the calls by service, and what part of the machine the lab and all used."""
    for server, workers in zip(lab.topo.server_names(), case.workers, strict=True):
        lab.set_capacity(server, workers=workers, slowness=1)
    wanted = list(_visits(lab, case, size, dice))
    usage = Usage(_pids(lab))
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in _play(lab, case, wanted, size.seconds * case.lasts * TURNS + STAGGER_S / 2):
        calls[call.visit.label].append(call)
    return calls, *usage.parts()


def _visits(lab: Lab, case: Case, size: Size, dice: random.Random) -> Iterator[Visit]:
    """The same sessions to every cell of a case, the cells one after another in a shuffled order; others to copies."""
    service_s = case.service_s * size.pace
    traffic = Traffic(case.busy, sum(case.workers), service_s, size.seconds * case.lasts, CLIENTS, case.lengths)
    plans = [plan(traffic, dice.randrange(2**32)) for _ in range(size.copies + 1)]
    wanted = [*((*cell, 0) for cell in size.cells), *size.copied([case.name])]
    by_name, clients = {one.name: one for one in lab.services}, lab.clients()
    for place, cell in enumerate(dice.sample(wanted, len(wanted))):
        one = by_name[name_of(case, *cell)]
        yield from visits(plans[cell[2]], clients, (str(one.vip), one.port or 0), path=f"/?sleep={service_s:g}",
                          offset_s=place / len(wanted) * STAGGER_S, label=one.name)


def _play(lab: Lab, case: Case, wanted: Sequence[Visit], turns_s: float) -> list[Call]:
    """Play a round; where the case has it so, one server turns slow meanwhile."""
    with ThreadPoolExecutor(1) as aside:
        turning = aside.submit(_turn_slow, lab, turns_s) if case.turns_slow else None
        calls = play(wanted)
        if turning:
            turning.result()
    return calls


def _turn_slow(lab: Lab, after_s: float) -> None:
    time.sleep(after_s)
    lab.set_capacity(SLOW, slowness=SLOWNESS)


def _tests_ms(lab: Lab, case: Case, layer: str) -> dict[str, float | None]:
    """What the balancer says that tests have measured, in milliseconds."""
    target = f"/services/{quote(name_of(case, layer, TESTED))}"
    pool = lab.api("GET", target, proxy=not LAYERS[layer].in_switch)
    return {server["name"]: server["response_ms"] for server in pool["servers"]}


def _pids(lab: Lab) -> dict[str, int]:
    """Whatever of the lab keeps the machine busy: what balances, the servers, and this process, which asks."""
    servers = {name: lab.processes[name].pid for name in lab.topo.server_names()}
    return {**lab.pids(), **servers, "load": os.getpid()}


def _count_units(lab: Lab, found: Found, spans: Sequence[tuple[float, float, Case]]) -> None:
    """Decisions, from the balancers' own events: they say when."""
    for event in lab.events("Assigned"):
        layer, algorithm, *more = event["service"].split()
        for began_s, ended_s, case in spans:
            if began_s <= event["t"] <= ended_s and more == ["weighted"] * case.weighted:
                found.cells[case.name, layer, algorithm].units += 1
