"""Question: what does a crowd do to each layer, and what must the switch remember of it?

Prediction: 1,000 clients with a MAC, an address and a port of their own are 1,000 units at L2, L3 and L4 alike.
All spread evenly, and a reactive switch holds a flow for each.

Method: Scapy makes the clients' packets on one host, h1: UDP to each layer's VIP, the same number from every client,
sent through one raw socket. First everybody comes, in a shuffled order and at a pace that a controller in Python can
follow; then everybody goes on, shuffled anew and faster. What is delivered is what the servers' echoes counted, so a
packet that was lost shows.

    h1 ──► 1,000 x (eth_src, ip_src, udp_src) ──► VIP:7 ──► echo on srv1, srv2, srv3

The crowd lives in 10.64.0.0/16, to which the servers have a route through h1: they would need 1,000 neighbour
entries otherwise, and their answers need no care, for nobody is at home there.

The claims: every packet is a case, or every client; of the layers the worst is judged.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network

from balancing import LAYERS, Service
from controller.cookies import Kind
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.fairness import jain, servers_used
from experiments.flowtable import of_service, rules
from experiments.frames import End, datagram
from experiments.lab import Lab
from experiments.rawsocket import pour, raw_socket
from experiments.services import L4_PORTS, PORTS, service
from experiments.verdicts import Claim, Rule, Verdict, of_part
from topologies import addresses

HOME = IPv4Network("10.64.0.0/16")
FIRST_PORT = 10_000
LAYERS_TRIED = tuple(layer for layer, row in LAYERS.items() if row.in_switch)
NEW_PER_S = 800     # a controller in Python takes some 2,000 new units a second
KNOWN_PER_S = 2000  # and a switch in user space some 10,000 packets
PATIENCE_S = 3.0    # for the last packets to arrive

ARRIVES = Claim(0, "a crowd’s packets all arrive, at whatever layer", Rule(
    "the part of packets that a server counted, at the worst layer", ">", 0.95))
SPREADS = Claim(0, "a crowd is spread evenly where each is told apart", Rule(
    "the busiest of three servers’ part of the packets, at the worst layer", "<", 0.4))
REMEMBERED = Claim(0, "a reactive switch must hold a flow for each of a crowd", Rule(
    "flows / clients, at the layer with the fewest", ">", 0.95))
CLAIMS = (ARRIVES, SPREADS, REMEMBERED)


@dataclass(frozen=True)
class Size:
    """How big a crowd: how many clients, and how many packets each of them sends."""

    clients: int = 1000
    packets: int = 3
    servers: int = 3


QUICK, FULL = Size(packets=2), Size(packets=5)


@dataclass(frozen=True)
class Row:
    """What became of the crowd at one layer.

    packets_delivered: by the servers' own count. units: the balancer's assignments.
    flow_entries: exact flows in the switch afterwards. packet_ins: packets sent to the controller.
    """

    layer: str
    clients: int
    packets_sent: int
    packets_delivered: int
    share: dict[str, int]
    servers_used: int
    jain: float | None
    units: int
    flow_entries: int
    packet_ins: int


def lab_for(size: Size, say: Callable[[str], object] = lambda words: None) -> Lab:
    """The lab, not yet up: UDP echo behind a VIP a layer, and h1 for the crowd."""
    found = [service(layer, number, servers=size.servers, protocol="udp")
             for number, layer in enumerate(LAYERS_TRIED)]
    return Lab("flat", found, clients=1, servers=size.servers, say=lambda words: say(f"crowd: {words}"))


def measure(lab: Lab, size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> Iterator[Row]:
    """The crowd against each layer in turn. Yields each row as it is done."""
    for name in lab.topo.server_names():
        lab.net[name].cmd(f"ip route add {HOME} via {addresses.client(1)}")
    for one in lab.services:
        say(f"crowd: {size.clients} clients against {one.layer}")
        yield _row(lab, one, size, seed)


def _row(lab: Lab, one: Service, size: Size, seed: int) -> Row:
    before = _delivered(lab)
    sent = send(lab, frames(one, size, seed), size.clients)
    share = _settled(lab, before, sent)
    held = of_service(rules(), one.id)
    return Row(one.layer, size.clients, sent, sum(share.values()), share, servers_used(share), jain(share.values()),
               len(lab.events("Assigned", one.name)),
               sum(rule.cookie is not None and rule.cookie.kind is Kind.UNIT for rule in held),
               len(lab.events("PacketIn", one.name)))


def frames(one: Service, size: Size, seed: int) -> list[bytes]:
    """Every client's frames to a service's VIP, each one's first before all others: the same for the same seed."""
    target = End(one.vmac, str(one.vip), one.port or PORTS["udp"])
    made = [datagram(member(n), target, b"crowd") for n in range(size.clients)]
    dice, known = random.Random(seed), made * (size.packets - 1)
    return [*dice.sample(made, len(made)), *dice.sample(known, len(known))]


def member(number: int) -> End:
    """One of the crowd, from 0: a MAC, an address and a port that nobody else has."""
    home = HOME[256 + number]
    return End(addresses.mac(home), str(home), FIRST_PORT + number)


def send(lab: Lab, packets: Sequence[bytes], new: int) -> int:
    """Send prebuilt frames from h1, of which the first `new` are of new clients; return how many were sent."""
    with raw_socket(lab.netns("h1"), "h1-eth0") as wire:
        pour(wire, packets[:new], NEW_PER_S)
        pour(wire, packets[new:], KNOWN_PER_S)
    return len(packets)


def _delivered(lab: Lab) -> dict[str, int]:
    """Datagrams that each server has counted itself, on the ports of the crowd."""
    return {name: sum(count for local, count in lab.stats(name)["udp"].items()
                      if int(local.rpartition(":")[2]) in (PORTS["udp"], L4_PORTS["udp"]))
            for name in lab.topo.server_names()}


def _settled(lab: Lab, before: dict[str, int], sent: int) -> dict[str, int]:
    """What has been delivered since `before`, once it is all there or no more comes."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        share = {name: count - before[name] for name, count in _delivered(lab).items()}
        if sum(share.values()) >= sent or time.monotonic() > deadline_s:
            return share
        time.sleep(0.05)


def rows(found: Sequence[Row]) -> list[dict[str, object]]:
    """The table `crowd`."""
    return [asdict(row) for row in found]


def verdicts(found: Sequence[Row]) -> list[Verdict]:
    """What came of CLAIMS, which are of three servers."""
    lossy = min(found, key=lambda row: row.packets_delivered / row.packets_sent)
    uneven = max(found, key=lambda row: max(row.share.values()) / max(1, row.packets_delivered))
    fewest = min(found, key=lambda row: row.flow_entries)
    return [ARRIVES.judge(of_part(min(lossy.packets_delivered, lossy.packets_sent), lossy.packets_sent)),
            SPREADS.judge(of_part(max(uneven.share.values()), max(1, uneven.packets_delivered))),
            REMEMBERED.judge(of_part(min(fewest.flow_entries, fewest.clients), fewest.clients))]


def moral(found: Sequence[Row]) -> str:
    """What is to be seen, in the run's own figures."""
    lost = sum(row.packets_sent - row.packets_delivered for row in found)
    fate = "every packet that was sent was counted by a server" if not lost else f"{lost} packets were lost on the way"
    held = ", ".join(f"{row.layer.upper()} {row.flow_entries} flows for {row.packet_ins} packet-ins" for row in found)
    return f"{found[0].clients} clients: {fate}. What the switch had to remember: {held}."


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own. As predicted: nothing lost, and every server has its share."""
    size = QUICK if options.quick else FULL
    with lab_for(size, display.say) as lab:
        found = list(measure(lab, size, options.seed, display.say))
    kept = all(row.packets_delivered == row.packets_sent and row.servers_used == size.servers for row in found)
    return Part("crowd", rows(found), moral(found), kept, verdicts=verdicts(found))
