"""Drawings of networks: what is wired is what is drawn, and nothing overlaps."""

from __future__ import annotations

from itertools import combinations

import pytest

from experiments.report.network import WIDTH, draw
from topologies import TOPOLOGIES, Flat, Nat


@pytest.mark.parametrize("servers", [1, 3, 12])
@pytest.mark.parametrize("clients", [1, 4, 12])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_it_fits_and_nothing_overlaps(name: str, clients: int, servers: int) -> None:
    drawing = draw(TOPOLOGIES[name](clients=clients, servers=servers))
    for node in drawing.nodes:
        assert node.x - node.width / 2 >= 0
        assert node.x + node.width / 2 <= WIDTH
        assert node.y - node.height / 2 >= 0
        assert node.y + node.height / 2 <= drawing.height
    for one, other in combinations(drawing.nodes, 2):
        beside = abs(one.x - other.x) >= (one.width + other.width) / 2
        assert beside or abs(one.y - other.y) >= (one.height + other.height) / 2
    assert all(left.x < right.x for left, right in drawing.links)


def test_links_are_the_topologys_own() -> None:
    drawing = draw(Nat(clients=2, servers=1))
    assert {frozenset((one.name, other.name)) for one, other in drawing.links} == {
        frozenset(pair) for pair in (("s1", "srv1"), ("s1", "proxy"), ("nat1", "s1"), ("nat1", "s2"), ("s2", "h1"),
                                     ("s2", "hN"))}


def test_a_gateway_shows_both_its_addresses_the_clients_side_first() -> None:
    (gateway,) = [node for node in draw(Nat(clients=2, servers=1)).nodes if node.kind == "nat"]
    assert gateway.words == ("NAT", "192.168.0.1", "10.0.0.1")


def test_many_hosts_are_drawn_as_a_few() -> None:
    drawing = draw(Flat(clients=12, servers=9))
    names = [node.name for node in drawing.nodes]
    assert names == ["h1", "h2", "hN", "s1", "srv1", "srv2", "srv9", "proxy"]
    assert len(drawing.dots) == 2
    assert [node.words for node in drawing.nodes if node.name == "hN"] == [("10.0.1.N",)]
    assert {node.kind for node in drawing.nodes} == {"client", "switch", "server", "host"}
