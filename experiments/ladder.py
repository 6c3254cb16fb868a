"""Question: what can each layer tell apart, and so spread over the servers?

Prediction: a triangle. Downwards the balancer sees more; to the right the clients show less.

              flat             routed            nat               pooled
              own MACs         behind a router   behind a NAT      one client, one connection
        L2    spread           one server        one server        one server
        L3    spread           spread            one server        one server
        L4    spread           spread            spread            one server
        L7    spread           spread            spread            spread

Method: three labs, each with the same four services at once (round robin, one VIP a layer). In each
cell every client sends HTTP requests, each in a TCP connection of its own; in `pooled`, which uses
the `flat` lab, one client sends them all in one keep-alive connection. `share` is what the servers
counted themselves, `units` the balancer's own assignments.

The claims: what part of the requests went elsewhere than to the busiest server, of three that serve evenly two thirds.
The answers of a cell are taken in ROUNDS rounds, one after another, each for itself ("batch means": A. Law, Simulation
Modeling and Analysis, 9.5.3); a layer's rounds are those of all situations that show it what it goes by, and beyond its
condition those of all that hide it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from balancing import LAYERS, Service
from experiments import triangle
from experiments.cell import SITUATIONS, Cell
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.fairness import jain, servers_used
from experiments.lab import Lab
from experiments.services import service
from experiments.traffic import Answer, Plan, Step, run_plan, spread
from experiments.verdicts import Claim, Rule, Verdict, of_rounds
from layerlab import LabError
from topologies import addresses

TOPOLOGIES_USED = ("flat", "routed", "nat")
ORDER = [(layer, situation) for layer in LAYERS for situation in SITUATIONS]
ROUNDS = 4  # that the requests of a cell are taken in

SPREADS = Rule("part of the requests that others than the busiest server answered", ">", 0.3)
CLAIMS = {
    "l2": Claim(4, "L2 balances by MAC", SPREADS, "each client shows a MAC of its own"),
    "l3": Claim(4, "L3 balances by IP", SPREADS, "each client shows an address of its own"),
    "l4": Claim(4, "L4 balances by port", SPREADS, "each request comes in a connection of its own"),
    "l7": Claim(4, "L7 balances by content, in whatever connection requests come", SPREADS),
}


@dataclass(frozen=True)
class Size:
    """How much traffic: clients, servers, and how many requests each client makes in a cell."""

    clients: int = 12
    servers: int = 3
    requests: int = 20

    def __post_init__(self) -> None:
        most = addresses.MAX_HOSTS - 1  # `pooled` wants one client more
        if not 1 <= self.clients <= most:
            raise LabError(f"{self.clients} clients", f"a whole number from 1 to {most}", "--clients 12")
        if self.requests < 1:
            raise LabError(f"{self.requests} requests of each client", "at least 1", "--requests 20")


QUICK, FULL = Size(requests=4), Size(requests=20)


def ladder(size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Iterator[Cell]:
    """Measure all sixteen cells and yield each as it is done, topology by topology.

    Raises LabError if a lab doesn't start or a request isn't answered.
    """
    for topology in TOPOLOGIES_USED:
        with lab_for(topology, size, say) as lab:
            for situation in (topology, "pooled") if topology == "flat" else (topology,):
                for one in lab.services:
                    say(f"{situation}: {size.clients * size.requests} requests to {one.layer}")
                    yield measure(lab, one, situation, plan(lab, one, situation, size, seed))


def lab_for(topology: str, size: Size, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab of one situation, not yet up. One client more than asked for: `pooled` wants a new face."""
    return Lab(topology, services(size.servers), clients=size.clients + 1, servers=size.servers,
               say=lambda words: say(f"{topology}: {words}"))


def services(servers: int) -> tuple[Service, ...]:
    """One service a layer, each on a VIP of its own, all with round robin."""
    return tuple(service(layer, number, servers=servers) for number, layer in enumerate(LAYERS))


def plan(lab: Lab, one: Service, situation: str, size: Size, seed: int) -> Plan:
    """The requests of one cell: the same ones for the same seed."""
    url = f"http://{one.vip}"
    *clients, newcomer = lab.clients()  # one who has not been placed yet, for `pooled`
    if situation == "pooled":
        return Plan(tuple(Step(newcomer, url + "/") for _ in range(size.clients * size.requests)), "kept")
    return spread(clients, url, requests_each=size.requests, seed=seed)


def measure(lab: Lab, one: Service, situation: str, requests: Plan) -> Cell:
    """Run one cell's traffic and read off what the servers and the balancer counted."""
    counted, assigned = lab.counts(), len(lab.events("Assigned", one.name))
    answers = run_plan(requests, concurrency=4)
    check(one, answers)
    share = {name: after - counted[name] for name, after in lab.counts().items()}
    units = len(lab.events("Assigned", one.name)) - assigned
    return Cell(one.layer, situation, sum(share.values()), units, share, servers_used(share), jain(share.values()),
                elsewhere(answers))


def elsewhere(answers: Sequence[Answer]) -> tuple[float, ...]:
    """What part of them others than the busiest server gave, round by round; rounds of one answer say nothing."""
    ends = [len(answers) * number // ROUNDS for number in range(ROUNDS + 1)]
    rounds = [Counter(answer.server for answer in answers[begin:end]) for begin, end in pairwise(ends)]
    return tuple(1 - max(found.values()) / found.total() for found in rounds if found.total() > 1)


def check(one: Service, answers: Sequence[Answer]) -> None:
    """Raise LabError if a request was not answered: a cell with holes says nothing."""
    if failed := [answer for answer in answers if answer.error]:
        raise LabError(f"{len(failed)} of {len(answers)} requests to {one!r} failed, the first from "
                       f"{failed[0].client}: {failed[0].error}", "an answer to each", "./lab doctor")


def rows(cells: Sequence[Cell]) -> list[dict[str, object]]:
    """The table `ladder`: layers downwards, situations to the right."""
    ordered = sorted(cells, key=lambda cell: ORDER.index((cell.layer, cell.situation)))
    return [{name: value for name, value in asdict(cell).items() if name != "elsewhere"} for cell in ordered]


def verdicts(cells: Sequence[Cell]) -> list[Verdict]:
    """What came of the claims; nothing of a layer that had too few requests for two rounds."""
    found = []
    for layer, claim in CLAIMS.items():
        shown, hidden = ([part for cell in cells if cell.layer == layer and cell.predicted is predicted
                          for part in cell.elsewhere] for predicted in (True, False))
        if min(len(shown), len(hidden) if claim.only_if else 2) > 1:
            found.append(claim.judge(of_rounds(shown), of_rounds(hidden) if claim.only_if else None))
    return found


def moral(cells: Sequence[Cell]) -> str:
    """What is to be seen, read off the cells."""
    wrong = [cell for cell in cells if not cell.as_predicted]
    if not wrong:
        return ("The triangle: a layer spreads what it can tell apart. Behind a router L2 sees one MAC, behind a NAT "
                "L3 sees one address, and in a kept connection L4 sees one connection, however many requests are in "
                "it; only L7 still has something to choose.")
    names = ", ".join(f"{cell.layer}/{cell.situation}" for cell in wrong)
    return f"Not the triangle: {len(wrong)} of {len(cells)} cells came out otherwise than predicted: {names}."


def size_of(options: Options) -> Size:
    """How much traffic the options ask for. Raises LabError if no lab can be built for it."""
    size = dataclasses.replace(QUICK if options.quick else FULL, **options.size)
    for topology in TOPOLOGIES_USED:
        lab_for(topology, size)
    return size


def part(options: Options, display: Display) -> Part:
    """Measure it, in three labs, one after another."""
    cells: list[Cell] = []
    for cell in ladder(size_of(options), options.seed, display.say):
        cells.append(cell)
        display.show(triangle.draw(cells))
    return Part("ladder", rows(cells), moral(cells), all(cell.as_predicted for cell in cells),
                picture=triangle.draw(cells), style=_ink, verdicts=verdicts(cells))


def _ink(row: Mapping[str, object], column: str) -> str:
    """Green where the load was spread, red where it came out otherwise than predicted."""
    cell = Cell(**dict(row))  # type: ignore[arg-type]
    return ("green" if cell.spread else "") if cell.as_predicted else "bold red"
