"""Question: what does each step up cost?

Prediction: whoever has to be asked costs. At L4 every connection is a unit and asks the controller, so new connections
are slower than plain switching in every round, while kept ones only follow rules. At L7 every request passes through a
program, so requests are slower, kept or not. L2 and L3 know the client already, and nothing is predicted of them
but that they are near.

Method: one lab with all four layers at once, and plain switching beside them: the same clients speak to the
same servers by their host addresses. In each round every path gets its turn, in an order shuffled anew, so
that a machine that is busy for a while slows all of them; ratios to plain are taken within a round, and what
is reported is their median and range. A turn is

    fresh connections, one user a client ─► connections_per_s, CPU, packet-ins
    one kept connection a client         ─► requests_per_s
    one client alone, kept               ─► latency

The claims: a layer costs something where all of the interval of its ratios to plain, round by round, is below 1; so
they can come out as "doesn't hold" for a layer that is as fast.

Load, servers, switch, controller and proxy share the machine's cores: the ratios say what a path costs beside
plain switching here, not how fast any of them could be.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from balancing import LAYERS
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.flowtable import of_service, rules
from experiments.lab import Lab
from experiments.load import drive, users
from experiments.services import PORTS, service
from experiments.usage import Usage
from experiments.verdicts import Claim, Rule, Verdict, of_ratios
from topologies import addresses

PLAIN = "plain"
PATHS = (PLAIN, *LAYERS)
IDLE_TIMEOUT_S = 5  # or the flows of one turn's connections would burden the next turn's


@dataclass(frozen=True)
class Size:
    """How much load: clients, servers, how many rounds, and how long each part of a turn lasts, in seconds."""

    clients: int = 12
    servers: int = 3
    rounds: int = 7
    seconds: float = 1.0


QUICK, FULL = Size(rounds=5, seconds=0.2), Size()  # more rounds are worth more than longer ones: Student's t

KINDS = {"connections": "new connections", "requests": "requests on kept connections"}
CLAIMS = {(layer, kind): Claim(4, f"{layer.upper()} has its cost: {words} are fewer than by plain switching",
                               Rule(f"{words}, as a part of plain switching's", "<", 1))
          for kind, words in KINDS.items() for layer in LAYERS}


@dataclass(frozen=True)
class Turn:
    """What one path did in one round. CPU in milliseconds per 1,000 requests in fresh connections."""

    path: str
    connections_per_s: float
    requests_per_s: float
    latency_p50_ms: float
    latency_p99_ms: float
    cpu_ms: dict[str, float]
    flow_entries: int
    packet_ins: int


def lab_for(size: Size, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up: a service a layer."""
    found = (service(layer, number, servers=size.servers) for number, layer in enumerate(LAYERS))
    brief = [dataclasses.replace(one, idle_timeout_s=IDLE_TIMEOUT_S) for one in found]
    return Lab("flat", brief, clients=size.clients, servers=size.servers, workers=1000,
               say=lambda words: say(f"cost: {words}"))


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> list[Turn]:
    """All rounds. Raises LabError if a request fails."""
    dice, turns = random.Random(seed), []
    for number in range(1, size.rounds + 1):
        for path in dice.sample(PATHS, len(PATHS)):
            say(f"cost: round {number} of {size.rounds}, {path}")
            turns.append(_turn(lab, path, size.seconds))
    return turns


def _turn(lab: Lab, path: str, seconds: float) -> Turn:
    clients, targets = lab.clients(), _targets(lab, path)
    before, usage = _packet_ins(lab, path), Usage(lab.pids())
    fresh = drive(users(clients, targets, fresh=True), seconds)
    spent, entries, asked = usage.spent_ms(), _entries(lab, path), _packet_ins(lab, path) - before
    kept = drive(users(clients, targets, fresh=False), seconds)
    alone = drive(users(clients[:1], targets, fresh=False), seconds / 2)
    return Turn(path, fresh.per_second, kept.per_second, alone.percentile_ms(50), alone.percentile_ms(99),
                {name: 1000 * ms / len(fresh.elapsed_s) for name, ms in spent.items()},
                entries, asked)


def _targets(lab: Lab, path: str) -> list[tuple[str, int]]:
    """What the clients connect to: the servers themselves in turn, or the path's VIP."""
    if path == PLAIN:
        return [(str(addresses.server(n)), PORTS["tcp"]) for n in range(1, lab.topo.n_servers + 1)]
    return [(str(lab.service(path).vip), PORTS["tcp"])]


def _entries(lab: Lab, path: str) -> int:
    """How many rules the switch holds for this path alone."""
    return 0 if path == PLAIN else len(of_service(rules(), lab.service(path).id))


def _packet_ins(lab: Lab, path: str) -> int:
    """How many of its packets have gone to the controller so far."""
    return 0 if path == PLAIN else len(lab.events("PacketIn", lab.service(path).name))


def rows(turns: Sequence[Turn]) -> list[dict[str, object]]:
    """The table `cost`: one row a path; medians over the rounds, and ratios to plain switching with their range."""
    return [_row(path, [turn for turn in turns if turn.path == path],
                 [turn for turn in turns if turn.path == PLAIN]) for path in PATHS]


def _row(path: str, own: Sequence[Turn], plain: Sequence[Turn]) -> dict[str, object]:
    row: dict[str, object] = {"layer": path, "rounds": len(own)}
    for name in ("connections_per_s", "requests_per_s"):
        row[name] = round(median(getattr(turn, name) for turn in own))
    for name in ("latency_p50_ms", "latency_p99_ms"):
        row[name] = round(median(getattr(turn, name) for turn in own), 3)
    for name in ("switch", "controller", "proxy"):
        row[f"{name}_cpu_ms"] = round(median(turn.cpu_ms.get(name, 0.0) for turn in own), 1)
    row |= {"flow_entries": max(turn.flow_entries for turn in own), "packet_ins": sum(turn.packet_ins for turn in own)}
    for name in ("connections", "requests"):
        row |= _ratio(name, own, plain)
    return row


def _ratio(name: str, own: Sequence[Turn], plain: Sequence[Turn]) -> dict[str, object]:
    """Ratios within each round: their median, lowest and highest."""
    rate = f"{name}_per_s"
    ratios = [getattr(one, rate) / getattr(other, rate) for one, other in zip(own, plain, strict=True)]
    return {f"{name}_ratio": round(median(ratios), 3), f"{name}_ratio_low": round(min(ratios), 3),
            f"{name}_ratio_high": round(max(ratios), 3)}


def verdicts(turns: Sequence[Turn]) -> list[Verdict]:
    """What came of the claims."""
    def rates(path: str, kind: str) -> list[float]:
        return [getattr(turn, f"{kind}_per_s") for turn in turns if turn.path == path]

    return [claim.judge(of_ratios(zip(rates(layer, kind), rates(PLAIN, kind), strict=True)))
            for (layer, kind), claim in CLAIMS.items()]


def contradictions(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What came out otherwise than predicted, a clause each: where a path that has to ask was not slower."""
    by_path = {row["layer"]: row for row in found}
    return [f"{path.upper()} was not slower than plain switching in every round in {KINDS[kind]}"
            for path, kind in (("l4", "connections"), ("l7", "requests"))
            if path in by_path and by_path[path][f"{kind}_ratio_high"] >= 1]


def moral(found: Sequence[dict[str, object]]) -> str:
    """What is to be seen, in the run's own figures."""
    by_path = {row["layer"]: row for row in found}
    words = [f"{path.upper()} {by_path[path]['connections_ratio']} ({by_path[path]['connections_ratio_low']} to "
             f"{by_path[path]['connections_ratio_high']})" for path in LAYERS]
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(found))}. " if contradictions(found) else ""
    return (f"{wrong}New connections beside plain switching, median and range of {found[0]['rounds']} interleaved "
            f"rounds: {', '.join(words)}. In connections that are kept: "
            + ", ".join(f"{path.upper()} {by_path[path]['requests_ratio']}" for path in LAYERS) + ".")


def for_people(found: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The same table with its ratios in one column each, narrow enough for a terminal."""
    return [{
        "": row["layer"], "new conn/s": row["connections_per_s"], "beside plain": _range(row, "connections"),
        "req/s kept": row["requests_per_s"], "beside plain ": _range(row, "requests"),
        "p50 ms": row["latency_p50_ms"], "p99 ms": row["latency_p99_ms"],
        "CPU ms per 1,000: switch": row["switch_cpu_ms"], "controller": row["controller_cpu_ms"],
        "proxy": row["proxy_cpu_ms"], "flows": row["flow_entries"], "packet-ins": row["packet_ins"],
    } for row in found]


def _range(row: dict[str, object], name: str) -> str:
    return f"{row[f'{name}_ratio']} ({row[f'{name}_ratio_low']} to {row[f'{name}_ratio_high']})"


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own."""
    size = QUICK if options.quick else FULL
    with lab_for(size, display.say) as lab:
        turns = measure(lab, size, options.seed, display.say)
    found = rows(turns)
    return Part("cost", found, moral(found), not contradictions(found), shown=for_people(found),
                verdicts=verdicts(turns))
