"""A SYN flood within bounds: who has to remember it, and what do people notice?

    h2 ──► SYN from addresses where nobody is, each another one ──► L4's VIP ──► a realisation ──► servers
    h3 ... ──► people, before and meanwhile

Prediction: each SYN is a unit of its own. Reactive, the controller decides on every one of them and the switch holds a
flow for it; tracked, conntrack holds an entry; hashed, nobody remembers anything but the servers, which hold a
connection half open whoever chose them. Within these bounds people are served all the same. (Servers beyond their
bounds would send SYN cookies, RFC 4987 3.6.)

Bounds: SYNS SYNs in a flood at PER_S a second, which is less than a controller in Python can follow; no flood lasts
for ten seconds. Method: rounds, in each every realisation once, in an order shuffled anew: people ask for a while
before, and then while the flood comes from a process of its own, in an open loop. What is counted as remembered is
what bears an address of this very flood. Latency is compared within a round.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from balancing import Service
from controller.cookies import Kind
from experiments.flowtable import of_service, rules
from experiments.frames import End, segment
from experiments.margins import percentile_ms
from experiments.openloop import Call
from experiments.packets_lab import REALISATIONS, SOURCE, PacketLab
from experiments.rawsocket import pour, raw_socket
from experiments.verdicts import Claim, Interval, Rule, Verdict, of_part
from topologies import addresses

NOWHERE = IPv4Network("10.96.0.0/12")  # where nobody is; servers are told that the way there is by h2
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+\b")
PER_S = 500
PEOPLE_PER_S = 100.0
WHO = {"reactive": "l4", "hashed": "l4 hashed", "tracked": "l4 tracked"}  # a realisation's service

KEPT = "part of the SYNs that left an entry in switch or conntrack"
ASKED = "part of the SYNs that the controller decided on"
WHEN = ("before", "meanwhile")
FEW, MOST = 0.1, 0.9
CLAIMS: dict[tuple[str, str], Claim] = {
    ("reactive", "kept"): Claim(0, "reactive: the switch holds a flow for each SYN of a flood", Rule(KEPT, ">", MOST)),
    ("hashed", "kept"): Claim(0, "hashed: nobody between clients and servers remembers a flood", Rule(KEPT, "<", FEW)),
    ("tracked", "kept"): Claim(0, "tracked: conntrack holds an entry for each SYN of a flood", Rule(KEPT, ">", MOST)),
    ("reactive", "asked"): Claim(0, "reactive: the controller decides on each SYN of a flood", Rule(ASKED, ">", MOST)),
    **{(word, "asked"): Claim(0, f"{word}: the controller hears nothing of a flood", Rule(ASKED, "<", FEW))
       for word in ("hashed", "tracked")},
    **{(word, "served"): Claim(0, f"{word}: people are served during a flood",
                               Rule("part of people's requests that were answered", ">", 0.95))
       for word in REALISATIONS},
    **{(word, "slower"): Claim(0, f"{word}: most people wait no longer during a flood",
                               Rule("part of the requests slower than nine of ten before it", "<", 0.5))
       for word in REALISATIONS},
                }

PREDICTED = frozenset(claim for (_, what), claim in CLAIMS.items() if what != "slower")  # that is the machine's as well


@dataclass(frozen=True)
class Size:
    """How many rounds, how many SYNs in each flood, and for how many seconds people ask before it."""

    rounds: int
    syns: int
    calm_s: float


QUICK, FULL = Size(rounds=3, syns=150, calm_s=0.3), Size(rounds=5, syns=600, calm_s=1.5)


@dataclass(frozen=True)
class Memory:
    """What is held of one flood.

    flows: in the switch. tracked: in conntrack. decided: by the controller. half_open: connections, at servers.
    """

    flows: int
    tracked: int
    decided: int
    half_open: int


@dataclass(frozen=True)
class Turn:
    """One realisation in one round: what a flood left, and people's calls before and meanwhile."""

    realisation: str
    syns: int
    left: Memory
    before: Sequence[Call]
    meanwhile: Sequence[Call]

    @property
    def kept(self) -> int:
        """Entries between clients and servers."""
        return self.left.flows + self.left.tracked


def measure(lab: PacketLab, size: Size, seed: int, say: Callable[[str], object]) -> list[Turn]:
    """All rounds."""
    dice, turns = random.Random(seed), list[Turn]()
    sources = (NOWHERE[number] for number in dice.sample(range(256, NOWHERE.num_addresses - 1),
                                                        size.rounds * len(REALISATIONS) * size.syns))
    for name in lab.topo.server_names():
        lab.net[name].cmd(f"ip route add {NOWHERE} via {addresses.client(2)}")
    for number in range(1, size.rounds + 1):
        for word in dice.sample(REALISATIONS, len(REALISATIONS)):
            say(f"packets: flood {number} of {size.rounds}, {word}")
            one = lab.by_name(WHO[word])
            ends = [End(addresses.mac(ip), str(ip), dice.randrange(1024, 65_536))
                    for ip in itertools.islice(sources, size.syns)]
            frames = [segment(end, lab.vip_end(one), "S", seq=dice.randrange(2**32)) for end in ends]
            before, meanwhile = _ask_and_flood(lab, one, frames, size)
            left = memory(lab, one, {end.ip for end in ends})
            turns.append(Turn(word, len(frames), left, before, meanwhile))
    return turns


def _ask_and_flood(lab: PacketLab, one: Service, frames: Sequence[bytes], size: Size) -> tuple[list[Call], list[Call]]:
    """People's calls before the flood, and meanwhile."""
    calm = lab.ask([one], PEOPLE_PER_S, size.calm_s)
    with raw_socket(lab.netns(SOURCE), f"{SOURCE}-eth0") as wire:
        flood = multiprocessing.get_context("fork").Process(target=pour, args=(wire, frames, PER_S))
        flood.start()
        meanwhile = lab.ask([one], PEOPLE_PER_S, size.syns / PER_S)
        flood.join()
    return calm, meanwhile


def memory(lab: PacketLab, one: Service, ips: Collection[str]) -> Memory:
    """What is held now of a flood from these addresses to a service."""
    flows = [rule.text for rule in of_service(rules(), one.id) if rule.cookie and rule.cookie.kind is Kind.UNIT]
    decided = [str(event["unit"]) for event in lab.events("Assigned", one.name)]
    half_open = [lab.net[backend.name].cmd(f"ss -Htn state syn-recv src {backend.ip}") for backend in one.backends]
    lines = [line for text in half_open for line in text.splitlines()]
    return Memory(*(naming(found, ips) for found in (flows, _conntrack(one), decided, lines)))


def naming(lines: Sequence[str], ips: Collection[str]) -> int:
    """How many of the lines name one of these addresses."""
    return sum(any(word in ips for word in ADDRESS.findall(line)) for line in lines)


def _conntrack(one: Service) -> list[str]:
    """Entries of a service, which has a zone of its own."""
    found = subprocess.run(["ovs-appctl", "dpctl/dump-conntrack", f"zone={one.id}"], check=True, capture_output=True,
                           text=True)
    return found.stdout.splitlines()


# -- the table ---------------------------------------------------------------------------------


def by_realisation(turns: Sequence[Turn]) -> dict[str, list[Turn]]:
    """Each one's rounds, in their order."""
    found: dict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        found[turn.realisation].append(turn)
    return {word: found[word] for word in REALISATIONS if word in found}


def rows(turns: Sequence[Turn]) -> list[dict[str, object]]:
    """The table `flood`: a row a realisation, over all rounds."""
    return [{
        "realisation": word, "rounds": len(own), "syns": sum(turn.syns for turn in own), "per_s": PER_S,
        "flows": sum(turn.left.flows for turn in own), "conntrack": sum(turn.left.tracked for turn in own),
        "decided": sum(turn.left.decided for turn in own), "half_open": sum(turn.left.half_open for turn in own),
        **_people("before", [call for turn in own for call in turn.before]),
        **_people("meanwhile", [call for turn in own for call in turn.meanwhile]),
    } for word, own in by_realisation(turns).items()]


def _people(when: str, calls: Sequence[Call]) -> dict[str, object]:
    took_s = [call.took_s for call in calls if not call.error]
    return {f"asked_{when}": len(calls), f"answered_{when}": len(took_s),
            **{f"p{percent}_{when}_ms": round(percentile_ms(took_s, percent), 3) if took_s else None
               for percent in (50, 95)}}


def for_people(found: Sequence[Mapping[str, object]]) -> list[dict[str, object]]:
    """The same, narrow enough for a terminal."""
    return [{
        "": row["realisation"], "SYNs": row["syns"], "flows": row["flows"], "conntrack": row["conntrack"],
        "decisions": row["decided"], "half open": row["half_open"],
        **{f"people {when}": f"{row[f'answered_{when}']}/{row[f'asked_{when}']}, p50 {row[f'p50_{when}_ms']} ms, p95 "
                              f"{row[f'p95_{when}_ms']} ms" for when in WHEN},
    } for row in found]


def verdicts(turns: Sequence[Turn]) -> Iterator[Verdict]:
    """What came of the claims."""
    found = by_realisation(turns)
    for (word, what), claim in CLAIMS.items():
        yield claim.judge(MEASURES[what](found[word]))


def _of_syns(counted: Callable[[Turn], int]) -> Callable[[Sequence[Turn]], Interval]:
    return lambda own: of_part(sum(map(counted, own)), sum(turn.syns for turn in own))


def _served(own: Sequence[Turn]) -> Interval:
    calls = [call for turn in own for call in turn.meanwhile]
    return of_part(sum(not call.error for call in calls), len(calls))


def _slower(own: Sequence[Turn]) -> Interval:
    bounds = [percentile_ms([call.took_s for call in turn.before], 90) for turn in own]
    slow = sum(1000 * call.took_s > bound for turn, bound in zip(own, bounds, strict=True) for call in turn.meanwhile)
    return of_part(slow, sum(len(turn.meanwhile) for turn in own))


MEASURES: Mapping[str, Callable[[Sequence[Turn]], Interval]] = {
    "kept": _of_syns(lambda turn: turn.kept), "asked": _of_syns(lambda turn: turn.left.decided),
    "served": _served, "slower": _slower,
}
