"""A topology as a drawing: where its nodes and links go on the page.

    clients │ s2 │ r1 │ s1 │ servers, proxy        columns: the way to the clients is left of s1,
     h1 ────┤    │    │    ├─── srv1               everything else right of it
     ⋮      ├────┼────┤    ├─── ⋮
     hN ────┘    │    │    └─── proxy

Nothing here knows a topology by name: a new one is drawn from its own nodes, links and addresses.
Many hosts of one kind are drawn as the first two and the last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from topologies import LabTopo
from topologies.nodes import Gateway, NatGateway, ServerHost

WIDTH = 420
ROW, DOTS, GAP, LINE = 44, 14, 10, 14  # points
WIDE, NARROW, MOST_GAP = 88, 40, 70
MOST = 4  # hosts of one kind that are all drawn
BALANCER = "s1"  # the switch that carries the services


@dataclass(frozen=True)
class Node:
    """A node on the page. kind: client, server, host, switch, router or nat. x, y: its middle."""

    name: str
    kind: str
    addresses: tuple[str, ...]
    x: float
    y: float

    @property
    def width(self) -> float:
        """A switch is a square."""
        return NARROW if self.kind == "switch" else WIDE

    @property
    def height(self) -> float:
        """A line for each of its words below the name."""
        return ROW + LINE * (len(self.words) - 1) if self.words else NARROW

    @property
    def words(self) -> tuple[str, ...]:
        """What stands below the name."""
        kind = {"router": "router", "nat": "NAT"}.get(self.kind)
        return (kind, *self.addresses) if kind else self.addresses


@dataclass(frozen=True)
class Drawing:
    """Nodes, links from left to right between them, and dots where hosts are left out."""

    nodes: tuple[Node, ...]
    links: tuple[tuple[Node, Node], ...]
    dots: tuple[tuple[float, float], ...]
    height: float


def draw(topo: LabTopo) -> Drawing:
    """Place everything."""
    shown = [shorten(topo, column) for column in columns(topo)]
    most = max(len(addresses(topo, name)) for column in shown for name in column if name)
    height = max(*map(tall, shown), ROW + LINE * (most - 1))
    nodes: dict[str, Node] = {}
    dots: list[tuple[float, float]] = []
    for x, column in zip(across(topo, shown), shown, strict=True):
        y = (height - tall(column)) / 2
        for name in column:
            middle = y + tall([name]) / 2
            if name:
                nodes[name] = Node(label(topo, name), kind_of(topo, name), addresses(topo, name), x, middle)
            else:
                dots.append((x, middle))
            y += tall([name]) + GAP
    links = [sorted((nodes[one], nodes[other]), key=lambda node: node.x) for one, other in topo.links()
             if one in nodes and other in nodes]
    return Drawing(tuple(nodes.values()), tuple((left, right) for left, right in links), tuple(dots), height)


def tall(column: Sequence[str | None]) -> float:
    """How much room a column takes."""
    return sum(ROW if name else DOTS for name in column) + GAP * (len(column) - 1)


def across(topo: LabTopo, shown: Sequence[Sequence[str | None]]) -> list[float]:
    """The middle of each column: even gaps between them, wide for hosts and narrow for switches."""
    widths = [NARROW if all(name and topo.isSwitch(name) for name in column) else WIDE for column in shown]
    gap = min(MOST_GAP, (WIDTH - sum(widths)) / (len(widths) - 1))
    left = (WIDTH - sum(widths) - gap * (len(widths) - 1)) / 2
    return [left + sum(widths[:number]) + gap * number + width / 2 for number, width in enumerate(widths)]


def label(topo: LabTopo, name: str) -> str:
    """A node's name; the last client stands for hN, however many there were."""
    return re.sub(r"\d+$", "N", name) if name == topo.client_names()[-1] else name


def addresses(topo: LabTopo, name: str) -> tuple[str, ...]:
    """A node's addresses, the clients' side first."""
    first = topo.nodeInfo(name).get("ip")
    found = [first] if first else []
    for one, other in topo.links():
        info = topo.linkInfo(one, other)
        end = "params1" if info["node1"] == name else "params2"
        if name in (one, other) and "ip" in info.get(end, {}):
            found.insert(0, info[end]["ip"])
    plain = [address.partition("/")[0] for address in found]
    return tuple(re.sub(r"[0-9a-f]+$", "N", address) if label(topo, name) != name else address for address in plain)


def columns(topo: LabTopo) -> list[list[str]]:
    """The nodes from left to right: clients, what is between them and s1, s1, the rest."""
    clients = topo.client_names()
    way = path(topo, [], clients[0], BALANCER)
    rest = [name for name in neighbours(topo, BALANCER) if name not in {*clients, *way}]
    return [clients, *([name] for name in way[1:]), rest]


def path(topo: LabTopo, so_far: list[str], here: str, there: str) -> list[str]:
    """The nodes of the way from one node to another; empty if there is none."""
    if here == there:
        return [*so_far, here]
    ways = (path(topo, [*so_far, here], name, there) for name in neighbours(topo, here) if name not in so_far)
    return next(filter(None, ways), [])


def neighbours(topo: LabTopo, name: str) -> list[str]:
    """What a node is wired to."""
    return [one if other == name else other for one, other in topo.links() if name in (one, other)]


def shorten(topo: LabTopo, column: Sequence[str]) -> list[str | None]:
    """A column with None in place of hosts that are left out."""
    shown: list[str | None] = []
    for kind in dict.fromkeys(kind_of(topo, name) for name in column):
        names = [name for name in column if kind_of(topo, name) == kind]
        shown += names if len(names) <= MOST else [*names[:2], None, names[-1]]
    return shown


def kind_of(topo: LabTopo, name: str) -> str:
    """What a node is."""
    cls = topo.nodeInfo(name).get("cls")
    if topo.isSwitch(name):
        return "switch"
    for base, kind in ((NatGateway, "nat"), (Gateway, "router"), (ServerHost, "server")):
        if isinstance(cls, type) and issubclass(cls, base):
            return kind
    return "client" if name in topo.client_names() else "host"
