"""One lab of the matrix: all algorithms at one layer, over TCP or UDP. `python -m tests.experiments.matrix l4 udp`.

Run in a capsule; prints what happened as JSON, by algorithm, for the tests to judge (test_matrix.py). Connections and
sockets stay open to the end, so no unit ends but at L7, where a request ends when it is answered.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from contextlib import ExitStack

from balancing import ALGORITHMS, Service
from experiments.clients import session
from experiments.datagrams import datagrams
from experiments.lab import Lab
from experiments.services import service
from experiments.traffic import Answer, ask

CLIENTS, EACH = 4, 3
WEIGHTS = (2, 1, 1)


def services(layer: str, protocol: str) -> list[Service]:
    """A VIP for each algorithm. Nobody is tested for health: a measured time is not the same twice."""
    found = [service(layer, number, algorithm=name, weights=WEIGHTS, protocol=protocol, health=None)
             for number, name in enumerate(ALGORITHMS)]
    return [dataclasses.replace(one, name=one.algorithm) for one in found]


def run(layer: str, protocol: str) -> dict[str, dict[str, object]]:
    """Every client asks each service EACH times; return the answers and the balancer's events, by algorithm."""
    with Lab("flat", services(layer, protocol), clients=CLIENTS) as lab, ExitStack() as open_ones:
        answers = {one.name: ask_all(lab, one, open_ones) for one in lab.services}
        return {name: {"answers": [dataclasses.asdict(answer) for answer in found], "events": lab.events("", name)}
                for name, found in answers.items()}


def ask_all(lab: Lab, one: Service, open_ones: ExitStack) -> list[Answer]:
    """Each request in a connection of its own, each datagram from a port of its own."""
    found: list[Answer] = []
    for client in lab.clients():
        if one.protocol == "udp":
            found += datagrams(client, str(one.vip), one.port or 0, ["hello"] * EACH)
            continue
        for _ in range(EACH):
            found.append(ask(open_ones.enter_context(session(client)), client, f"http://{one.vip}/"))
    return found


if __name__ == "__main__":
    json.dump(run(*sys.argv[1:]), sys.stdout)
