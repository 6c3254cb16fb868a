"""The lab of `hot-spots`, and its rounds: connections that are opened, held, and counted where they are.

                            ┌ srv1
    h1 ... h8 ── VIP 0..8 ──┤ ...      a VIP for each algorithm at L4, and one for round robin at L7;
    8 addresses each        └ srv8     the same connections to all of them, mixed

What is asked, predicted and made of it stands in hot_spots.py.
"""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from balancing import ALGORITHMS, Service
from experiments.clients import ClientHost
from experiments.connections import PORTS, Connection, allow_sockets, ask, closing
from experiments.flowtable import expire_units
from experiments.lab import Lab
from experiments.services import HEALTH, service

SERVERS, HOSTS, ADDRESSES = 8, 8, 8
CLIENTS = 48                   # of the addresses, in each round
HITTERS_NUMBER, HITTERS_PART = 3, 0.6
EXTRA = 12                     # requests that a heavy connection makes beyond its first; as many are heavy as servers
ALIKE, HITTERS, NAT, ELEPHANTS = "clients alike", "heavy hitters", "one NAT", "heavy connections"
ONE_BY_ONE = "round-robin, L7"
TESTED = "least-response-time"  # the only one that reads what tests measure


@dataclass(frozen=True)
class Size:
    """How many rounds, and how many connections each service gets in each situation of a round; of NAT a quarter."""

    rounds: int = 8
    connections: int = 288


QUICK, FULL = Size(rounds=5, connections=96), Size()


@dataclass(frozen=True)
class Load:
    """What one service's servers had in one situation of one round.

    share:       requests that each server answered.
    connections: requests of each connection. clients: of each client.
    """

    situation: str
    algorithm: str
    share: Mapping[str, int]
    connections: Sequence[int]
    clients: Sequence[int]
    unanswered: int = 0


# -- the lab -----------------------------------------------------------------------------------


def services() -> list[Service]:
    """Every algorithm at L4, and round robin at L7, each named as its row."""
    found = [service("l4", number, servers=SERVERS, algorithm=name, health=HEALTH if name == TESTED else None)
             for number, name in enumerate(ALGORITHMS)]
    found.append(service("l7", len(found), servers=SERVERS, health=None))
    return [dataclasses.replace(one, name=name)
            for one, name in zip(found, (*ALGORITHMS, ONE_BY_ONE), strict=True)]


def lab_for(say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up."""
    return Lab("flat", services(), clients=HOSTS, servers=SERVERS, workers=1000, say=lambda words: say(
        f"hot-spots: {words}"))


# -- the rounds --------------------------------------------------------------------------------


def owners(situation: str, number: int, dice: random.Random) -> list[int]:
    """Whose each of `number` connections is, as places among the clients, in the order in which they are opened."""
    if situation == NAT:
        return [0] * number
    hitters, heavy = (HITTERS_NUMBER, round(HITTERS_PART * number)) if situation == HITTERS else (0, 0)
    found = [place % hitters for place in range(heavy)]
    found += [hitters + place % (CLIENTS - hitters) for place in range(number - heavy)]
    dice.shuffle(found)
    return found


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Iterator[Load]:
    """All rounds. Yields what each service's servers had in each situation."""
    allow_sockets()
    dice, everybody = random.Random(seed), lab.crowd(ADDRESSES)
    ports = iter(dice.sample(PORTS, len(PORTS)))
    for number in range(1, size.rounds + 1):
        for situation in (ALIKE, HITTERS, NAT):
            say(f"hot-spots: round {number} of {size.rounds}, {situation}")
            clients = dice.sample(everybody, CLIENTS)
            whose = owners(situation, size.connections // (4 if situation == NAT else 1), dice)
            held = _opened(lab.services, [(clients[place], next(ports)) for place in whose])
            with closing([one for own in held.values() for one in own]):
                yield from _situation(situation, whose, held, dice)
            lab.wait("the balancer to let go of what was closed", lambda: not expire_units())


def _opened(services: Sequence[Service], pairs: Sequence[tuple[ClientHost, int]]) -> dict[str, list[Connection]]:
    """The connections that are to be, from the same addresses and ports to every service."""
    return {one.name: [Connection(client, port, (str(one.vip), one.port or 0)) for client, port in pairs]
            for one in services}


def _situation(situation: str, whose: Sequence[int], held: Mapping[str, list[Connection]], dice: random.Random,
               ) -> Iterator[Load]:
    """Open all and see who answers; of clients alike then let some make many more requests."""
    answers = _ask_all(held)
    yield from (_load(situation, name, found, whose, [1] * len(whose)) for name, found in answers.items())
    if situation == ALIKE:
        heavy = dice.sample(range(len(whose)), SERVERS)
        for _ in range(EXTRA):
            more = _ask_all({name: [own[place] for place in heavy] for name, own in held.items()})
            answers = {name: [*found, *more[name]] for name, found in answers.items()}
        requests = [1 + EXTRA * (place in heavy) for place in range(len(whose))]
        yield from (_load(ELEPHANTS, name, found, whose, requests) for name, found in answers.items())


def _ask_all(held: Mapping[str, Sequence[Connection]]) -> dict[str, list[str]]:
    """One request on each connection, the services' by turns; who answered."""
    found = ask(itertools.chain.from_iterable(zip(*held.values(), strict=True)))
    return {name: found[place::len(held)] for place, name in enumerate(held)}


def _load(situation: str, name: str, answers: Sequence[str], whose: Sequence[int], requests: Sequence[int]) -> Load:
    counted, clients = Counter(answers), Counter[int]()
    for owner, number in zip(whose, requests, strict=True):
        clients[owner] += number
    share = {f"srv{number}": counted[f"srv{number}"] for number in range(1, SERVERS + 1)}
    return Load(situation, name, share, requests, list(clients.values()), counted[""])
