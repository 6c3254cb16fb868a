"""Question: how near to plain switching is balancing by flow rules, by each of the three realisations?

Prediction: every figure of figures.py is reached, and of hashed and tracked services no packet goes to the controller.

Method: one lab with a TCP service of each realisation at L4, all on one bridge, with the same three servers. In each
round, in an order shuffled anew, each figure has a turn, and a turn has plain switching beside it:

    plain ─► pipeline (first warm, then counted) ─► plain        connections, throughput
    plain, pipeline, plain, pipeline, ... a connection each      connect latency

The ratio is taken within the turn; reported are the median and the range of the rounds. Long flows are answers of
16 MiB, one after another in kept connections. Warm means that the switch goes on from what it has cached: its
verdicts expire after 10 s without a packet, so a busy service has them all.

Clients, servers and switch share the machine's cores: whatever the others use flatters the ratio. So it is counted
what part of the lab's CPU the switch had (`switch_share`), and how much work it did for the same CPU (`by_cpu`, a ratio
to plain as well): what would be found if nothing but the switch took time.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import growth, paths
from benchmarks.dataplane_words import contradictions, for_people, moral
from benchmarks.figures import FIGURES, PIPELINES, UNITS, Figure
from benchmarks.paths import Sample
from benchmarks.rounds import spread
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.lab import Lab
from experiments.services import service
from experiments.verdicts import Verdict

IDLE_TIMEOUT_S = 2  # of reactive's flows: what one turn leaves must be gone before the next
FLOWS_WARM_S = 0.15


@dataclass(frozen=True)
class Size:
    """How much: clients at a time, servers, rounds; seconds of each part of a turn; connections timed; flows at a time.

    warm_s: of new connections before they are counted: a verdict for each slot and client takes some thousand.
    """

    clients: int = 10
    servers: int = 3
    rounds: int = 7
    seconds: float = 0.4
    connects: int = 150
    flows: int = 6
    warm_s: float = 1.5


QUICK, FULL = Size(rounds=2, connects=60, warm_s=1.0), Size()


@dataclass(frozen=True)
class Turn:
    """One figure in one round: the way, and plain switching beside it, in the figure's unit."""

    figure: Figure
    own: Sample
    plain: Sample

    @property
    def ratio(self) -> float:
        """The way's speed, or time, as a part of plain switching's."""
        return self.own.per_second / self.plain.per_second


def lab_for(size: Size, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up: a service a realisation. Untested: a load like this one can keep tests waiting too long."""
    found = [dataclasses.replace(service("l4", number, servers=size.servers, algorithm="random", realisation=word,
                                         health=None), name=word, idle_timeout_s=IDLE_TIMEOUT_S)
             for number, word in enumerate(PIPELINES)]
    return Lab("flat", found, clients=size.clients, servers=size.servers, workers=1000,
               say=lambda words: say(f"dataplane: {words}"))


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> list[Turn]:
    """All rounds. Raises LabError if a connection fails."""
    dice, turns = random.Random(seed), []
    for number in range(1, size.rounds + 1):
        for figure in dice.sample(FIGURES, len(FIGURES)):
            say(f"dataplane: round {number} of {size.rounds}, {figure.label}")
            turns.append(TURNS[figure.what](lab, figure, size))
    return turns


def _connections(lab: Lab, figure: Figure, size: Size) -> Turn:
    before = paths.connections(lab, paths.plain(lab), size.seconds, paths.WARM_S)
    own = paths.connections(lab, _vip(lab, figure), size.seconds, size.warm_s)
    paths.settle(lab)
    return Turn(figure, own, before + paths.connections(lab, paths.plain(lab), size.seconds, paths.WARM_S))


def _throughput(lab: Lab, figure: Figure, size: Size) -> Turn:
    before, own, after = (paths.throughput(lab, targets, size.seconds, size.flows, FLOWS_WARM_S)
                          for targets in (paths.plain(lab), _vip(lab, figure), paths.plain(lab)))
    return Turn(figure, own, before + after)


def _latency(lab: Lab, figure: Figure, size: Size) -> Turn:
    """A sample of a time has it as what is done in a second, so that it is compared like all others."""
    plain, own = paths.latencies(lab, (paths.plain(lab), _vip(lab, figure)), size.connects)
    paths.settle(lab)
    return Turn(figure, Sample(1, paths.p50(own)), Sample(1, paths.p50(plain)))


TURNS: dict[str, Callable[[Lab, Figure, Size], Turn]] = {
    "connections": _connections, "throughput": _throughput, "latency": _latency}


def _vip(lab: Lab, figure: Figure) -> paths.Targets:
    return paths.through(next(one for one in lab.services if one.name == figure.pipeline))


def rows(turns: Sequence[Turn], packet_ins: dict[str, int]) -> list[dict[str, Any]]:
    """The table `dataplane`: a row a figure. packet_ins: in the whole run, by pipeline."""
    return [_row(figure, [turn for turn in turns if turn.figure == figure], packet_ins[figure.pipeline])
            for figure in FIGURES]


def _row(figure: Figure, turns: Sequence[Turn], packet_ins: int) -> dict[str, Any]:
    found = spread("ratio", [turn.ratio for turn in turns], 3)
    middle = found["ratio"]
    own = spread("own", [turn.own.per_second for turn in turns], 3)["own"]
    plain = spread("plain", [turn.plain.per_second for turn in turns], 3)["plain"]
    return {"figure": figure.label, "median": middle, "low": found["ratio_low"], "high": found["ratio_high"],
            "rounds": len(turns), "bound": figure.bound, "must": figure.must, "aim": figure.aim,
            "met": figure.met(middle, figure.must), "aim_met": figure.met(middle, figure.aim),
            "plain": plain, "own": own, "unit": UNITS[figure.what], **_cpu(turns), "packet_ins": packet_ins}


def _cpu(turns: Sequence[Turn]) -> dict[str, float | None]:
    """The switch's part of the lab's CPU, by plain switching and by the pipeline; and its work for the same CPU."""
    own, plain = (sum(samples[1:], samples[0]) for samples in ([turn.own for turn in turns],
                                                                 [turn.plain for turn in turns]))
    return {"plain_switch_share": plain.switch_share, "switch_share": own.switch_share,
            "by_cpu": paths.by_cpu(own, plain)}


def verdicts(turns: Sequence[Turn]) -> list[Verdict]:
    """Whether each figure reaches what it must."""
    return [verdict for figure in FIGURES
            for verdict in figure.judge([turn.ratio for turn in turns if turn.figure == figure])]


def packet_ins(lab: Lab) -> dict[str, int]:
    """How many packets of each service went to the controller so far."""
    return {one.name: len(lab.events("PacketIn", one.name)) for one in lab.services}


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own."""
    size = QUICK if options.quick else FULL
    with lab_for(size, display.say) as lab:
        turns = measure(lab, size, options.seed, display.say)
        table = rows(turns, packet_ins(lab))
    return Part("dataplane", table, moral(table), not contradictions(table), shown=for_people(table),
                verdicts=verdicts(turns))


PARTS = (part, growth.part)
