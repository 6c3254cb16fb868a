"""The matrix: every algorithm at every layer, over TCP and, where the layer has it, UDP. On real traffic, by name.

A lab is started for each layer and protocol, and holds all eight algorithms; each cell is a test of its own.

    cell ──► everybody is answered, by the server that was decided for, at the address that was asked
         └─► the decisions are the very ones that the algorithm takes in a pool without a network
"""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from balancing import ALGORITHMS, LAYERS, Pool, Service, Unit
from tests.experiments.matrix import CLIENTS, EACH, services
from topologies import addresses

ROOT = Path(__file__).parents[2]
PROTOCOLS = {layer: ("tcp", "udp") if row.in_switch else ("tcp",)  # a proxy of HTTP has no datagrams to balance
             for layer, row in LAYERS.items()}
CELLS = [(algorithm, layer, protocol) for layer in LAYERS for protocol in PROTOCOLS[layer] for algorithm in ALGORITHMS]

Found = dict[str, Any]
found_in: dict[tuple[str, str], dict[str, Found]] = {}  # one run serves the eight cells of its layer and protocol


@pytest.fixture
def found(algorithm: str, layer: str, protocol: str) -> Found:
    """What happened in this cell."""
    if (layer, protocol) not in found_in:
        done = subprocess.run([sys.executable, "-m", "topologies.capsule", sys.executable, "-m",
                               "tests.experiments.matrix", layer, protocol],
                              cwd=ROOT, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        found_in[layer, protocol] = json.loads(done.stdout)
    return found_in[layer, protocol][algorithm]


def test_the_matrix_is_whole() -> None:
    assert len(CELLS) == len(set(CELLS)) == len(ALGORITHMS) * (2 * len(LAYERS) - 1)
    assert {(layer, protocol) for _, layer, protocol in CELLS} == {
        ("l2", "tcp"), ("l2", "udp"), ("l3", "tcp"), ("l3", "udp"), ("l4", "tcp"), ("l4", "udp"), ("l7", "tcp")}


@pytest.mark.parametrize(("algorithm", "layer", "protocol"), CELLS, ids=map("-".join, CELLS))
def test_an_algorithm_decides_here_as_it_does_anywhere(algorithm: str, layer: str, protocol: str,
                                                       found: Found) -> None:
    (service,) = (one for one in services(layer, protocol) if one.algorithm == algorithm)
    answers, decided = found["answers"], {event["unit"]: event["backend"] for event in found["events"]
                                          if event["event"] == "Assigned"}
    assert [answer["error"] for answer in answers] == [""] * CLIENTS * EACH
    assert len(decided) == (CLIENTS if layer in ("l2", "l3") else CLIENTS * EACH), "units, each decided about once"
    if layer == "l7":
        assert list(decided.values()) == [answer["server"] for answer in answers], "one after another"
    else:
        assert [decided[unit_seen(layer, answer)] for answer in answers] == [answer["server"] for answer in answers]
    if protocol == "udp":
        assert {answer["peer"] for answer in answers} == {f"{service.vip}:{service.port}"}
    assert [event["backend"] for event in found["events"] if event["event"] == "Assigned"] == replayed(
        service, found["events"])


def unit_seen(layer: str, answer: Found) -> str:
    """The unit that the asker belonged to, by what the server saw of it."""
    ip, _, port = answer["client_seen"].rpartition(":")
    return {"l2": addresses.mac(ip_address(ip)), "l3": ip, "l4": f"{ip} {port}"}[layer]  # type: ignore[arg-type]


def replayed(service: Service, events: list[Found]) -> list[str]:
    """What the algorithm decides, without a network, for the same units in the same order."""
    pool, owners, names = Pool(service), {}, []
    for event in events:
        if event["event"] == "Assigned":
            unit = Unit(tuple(event["unit"].split()), key(event["unit"]))
            owners[event["unit"]] = server = pool.assign(unit)
            names.append(server.name)
        elif event["event"] == "Released":
            pool.release(Unit((event["unit"],), b""), owners.pop(event["unit"]))
    return names


def key(unit: str) -> bytes:
    """What a hash reads: the MAC at L2, the source address from L3 up."""
    first = unit.split()[0]
    return bytes.fromhex(first.replace(":", "")) if first.count(":") == 5 else ip_address(first.split(":")[0]).packed
