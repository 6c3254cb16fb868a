"""The labs of `disruption`, and what happens in them: one server changes, under connections that are open.

    state           srv2                     asked after it
    at first        as the others            who has each 5-tuple
    leaves          its link is cut          who has each open connection, who has each 5-tuple, and who each new one
    comes back      as the others            the same
    drained         gets nothing new         the same
    restored        as the others            who has each 5-tuple
    re-weighted     three times its weight   as after `leaves`

Two labs, one after the other: the textbook's schemes, each with a VIP of its own on a switch without a controller; and
the lab's realisations, whose controller tests the servers. In either a cut link hits all schemes at once. In the second
there are two more services, of hashes that read the client's address alone: in each state every client comes once more.

What is asked, predicted and made of it stands in disruption.py.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from balancing import HealthCheck, Service
from experiments.clients import ClientHost
from experiments.connections import Connection, Ports, Sources, allow_sockets, ask, closing
from experiments.faults import FAULTS
from experiments.flowtable import expire_units, of_service, rules
from experiments.lab import Lab
from experiments.services import service
from experiments.textbook import TEXTBOOK, install, rules_text
from topologies import addresses

KEYED = {"source hash, modulo": "source-hash", "source hash, Maglev": "maglev"}  # by client: algorithm
REALISATIONS = {"Maglev slots": "hashed", "tracked": "tracked", "reactive": "reactive"}  # scheme: realisation
SCHEMES = (*TEXTBOOK, *REALISATIONS)
ALGORITHM = "weighted-round-robin"  # one law for all three: its slots are Maglev's table, keyed by the connection
SERVERS, CLIENTS, VICTIM = 4, 10, "srv2"
ADDRESSES = 8        # of each of CLIENTS
CHECK = HealthCheck(interval_s=0.4, timeout_s=1.2, rise=1, fall=3, slow_start_s=0, source=addresses.PROBE)
SETTLE_S = 0.4       # until the switch has looked at all that it has cached in the light of new rules
IDLE_TIMEOUT_S = 12  # longer than an event takes: no unit ends because nobody asks


@dataclass(frozen=True)
class State:
    """How VICTIM is. event: what it was called to become so; "" where nothing is asked of open connections."""

    event: str = ""
    gone: bool = False
    draining: bool = False
    weight: int = 1

    def of(self, one: Service) -> Service:
        """The service with VICTIM in this state."""
        return one.with_backends(tuple(
            dataclasses.replace(backend, draining=self.draining, weight=self.weight) if backend.name == VICTIM
            else backend for backend in one.backends))

    def weights(self) -> dict[str, int]:
        """What share of new connections each server should have."""
        own = 0 if self.gone or self.draining else self.weight
        return {f"srv{n}": own if f"srv{n}" == VICTIM else 1 for n in range(1, SERVERS + 1)}


STATES = (State(), State("leaves", gone=True), State("comes back"), State("drained", draining=True), State(),
          State("re-weighted", weight=3))


@dataclass(frozen=True)
class Size:
    """How many connections are open while a server changes, and how many 5-tuples are opened before and again after."""

    connections: int = 300
    tuples: int = 1000


QUICK, FULL = Size(connections=120, tuples=200), Size()


@dataclass(frozen=True)
class Outcome:
    """What one event did to one scheme.

    before, after:   who answered on each open connection; "" if nobody did.
    first, again:    who answered on each 5-tuple that was opened, asked and left: before the event, and after it.
    packet_ins:      packets that went to the controller since the event.
    false_alarms:    servers that were taken for dead and weren't: a machine too busy to test them in time.
    rules, tracked:  flows and buckets in the switch, connections in its conntrack, after the event.
    """

    scheme: str
    state: State
    before: Sequence[str]
    after: Sequence[str]
    first: Sequence[str]
    again: Sequence[str]
    packet_ins: int
    false_alarms: int
    rules: int
    tracked: int


Met = dict[str, list[list[str]]]  # by scheme, state by state: whom each client got, "" for nobody


# -- the labs ----------------------------------------------------------------------------------


class TextbookLab(Lab):
    """A lab without a controller: its switch holds what the textbook says. Services are named after their schemes."""

    sent: dict[str, list[str]]
    met: Met

    def start_controller(self) -> None:
        """There is none."""
        self.sent, self.met = {}, {}

    def connect_controller(self) -> None:
        """Instead: the rules for the first state."""
        self.put(State())

    def _ready(self) -> set[str]:
        return set(self.sent)

    def forget(self) -> None:
        """Nothing is remembered here."""

    def put(self, state: State) -> None:
        """Let VICTIM be so. A scheme whose rules stay the same is not touched."""
        gone = {VICTIM} if state.gone else set()
        for one in self.services:
            lines = rules_text(one.name, state.of(one), gone)
            if lines != self.sent.get(one.name):
                install(lines)
                self.sent[one.name] = lines


class ControlledLab(Lab):
    """A lab whose controller carries the services by our realisations.

    met: of the services in KEYED, whom each client got, state by state.
    """

    def start_controller(self) -> None:
        """And nobody has met anybody."""
        self.met: Met = {name: [] for name in KEYED}
        super().start_controller()

    def forget(self) -> None:
        """Let the flows of closed connections expire: a 5-tuple that comes back before is no new unit."""
        self.wait("the flows of closed connections to expire", lambda: not expire_units())

    def put(self, state: State) -> None:
        """Let VICTIM be so: the controller is told what an operator would tell it, and finds out the rest by tests."""
        for one in self.services:
            target = f"/services/{quote(one.name)}"
            (now,) = (server for server in self.api("GET", target)["servers"] if server["name"] == VICTIM)
            for field, value in (("draining", state.draining), ("weight", state.weight)):
                if now[field] != value:
                    self.api("PATCH", f"{target}/backends/{VICTIM}", {field: value})
        self.wait(f"the tests to see how {VICTIM} is", lambda: all(
            self._down(one.name) == state.gone for one in self.services))

    def _down(self, name: str) -> bool:
        """Whether the last word on VICTIM is Down."""
        words = [event["event"] for event in self.events("", name)
                 if event["event"] in ("Up", "Down") and event["backend"] == VICTIM]
        return words[-1:] == ["Down"]


def labs(say: Callable[[str], object] = lambda words: None) -> Iterator[TextbookLab | ControlledLab]:
    """Both, not yet up. One is to be over before the other begins."""
    textbook = [_named(scheme, service("l4", number, servers=SERVERS, health=None))
                for number, scheme in enumerate(TEXTBOOK)]
    own = [_named(scheme, service("l4", number, servers=SERVERS, health=CHECK, realisation=word, algorithm=ALGORITHM))
           for number, (scheme, word) in enumerate(REALISATIONS.items())]
    keyed = [_named(scheme, service("l4", len(own) + number, servers=SERVERS, health=CHECK, algorithm=algorithm))
             for number, (scheme, algorithm) in enumerate(KEYED.items())]
    for kind, services in ((TextbookLab, textbook), (ControlledLab, [*own, *keyed])):
        yield kind("flat", services, clients=CLIENTS, servers=SERVERS, workers=1000,
                   say=lambda words: say(f"disruption: {words}"))


def _named(scheme: str, one: Service) -> Service:
    return dataclasses.replace(one, name=scheme, idle_timeout_s=IDLE_TIMEOUT_S)


# -- what happens ------------------------------------------------------------------------------


def measure(lab: TextbookLab | ControlledLab, size: Size, seed: int,
            say: Callable[[str], object] = lambda words: None) -> Iterator[Outcome]:
    """All states in their order. Yields what each event did to each scheme of the lab."""
    allow_sockets()
    sources, crowd = Sources(lab.clients(), seed), lab.crowd(ADDRESSES) if lab.met else []
    tuples = {one.name: sources.take(size.tuples) for one in _schemes(lab)}
    first: dict[str, list[str]] = {}
    for state in STATES:
        say(f"disruption: {VICTIM} {state.event or 'is as the others'}")
        lab.forget()
        if state.event:
            found = list(_event(lab, state, size, sources, tuples))
            yield from (dataclasses.replace(one, first=first[one.scheme]) for one in found)
            first = {one.scheme: list(one.again) for one in found}
        else:
            _become(lab, state)
            first = {one.name: _asked_once(one, tuples[one.name]) for one in _schemes(lab)}
        _meet(lab, crowd, seed)


def _meet(lab: TextbookLab | ControlledLab, crowd: Sequence[ClientHost], seed: int) -> None:
    """Let every address come to each service in KEYED, from a port that it had not before."""
    for one in lab.services:
        if one.name in lab.met:
            states = lab.met[one.name]
            states.append(_asked_once(one, Sources(crowd, seed + len(states)).take(len(crowd))))


def _schemes(lab: Lab) -> list[Service]:
    """The services whose connections are watched."""
    return [one for one in lab.services if one.name in SCHEMES]


def _event(lab: TextbookLab | ControlledLab, state: State, size: Size, sources: Sources,
           tuples: Mapping[str, Ports]) -> Iterator[Outcome]:
    """One event, under connections to every scheme. `first` isn't known here."""
    live = {one.name: _connections(one, sources.take(size.connections)) for one in _schemes(lab)}
    with closing([connection for own in live.values() for connection in own]):
        before = {name: ask(own) for name, own in live.items()}
        asked, downs = _count(lab, "PacketIn"), _count(lab, "Down")
        _become(lab, state)
        after = {name: ask(own) for name, own in live.items()}
        for one in _schemes(lab):
            held, tracked = len(of_service(rules(), one.id)) + buckets(one.id), _tracked(one.id)
            again = _asked_once(one, tuples[one.name])
            packet_ins = _count(lab, "PacketIn")[one.name] - asked[one.name]
            alarms = _count(lab, "Down")[one.name] - downs[one.name] - (state.gone and one.health is not None)
            yield Outcome(one.name, state, before[one.name], after[one.name], (), again, packet_ins, alarms, held,
                          tracked)


def _count(lab: Lab, kind: str) -> Counter[str]:
    """Events of a kind so far, by service."""
    return Counter(event["service"] for event in lab.events(kind))


def _become(lab: TextbookLab | ControlledLab, state: State) -> None:
    """Let VICTIM be so, and the switch know it."""
    link = FAULTS["link-cut"]
    (link.inflict if state.gone else link.repair)(lab, VICTIM)
    lab.put(state)
    time.sleep(SETTLE_S)


def _connections(one: Service, ports: Ports) -> list[Connection]:
    target = (str(one.vip), one.port or 0)
    return [Connection(client, port, target) for client, port in ports]


def _asked_once(one: Service, ports: Ports) -> list[str]:
    """Open these 5-tuples, ask each who it is, and leave."""
    own = _connections(one, ports)
    with closing(own):
        return ask(own)


def buckets(service: int) -> int:
    """How many buckets the groups of a service have. Their numbers end with its id, ours as the textbook's."""
    groups = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-groups", "s1"], check=True, capture_output=True,
                            text=True).stdout
    return sum(text.count("bucket=") for number, text in re.findall(r"group_id=(\d+),(.*)", groups)
               if int(number) & 0xFFFF == service)


def _tracked(service: int) -> int:
    """How many open connections conntrack knows of a service; it has a zone of its own."""
    found = subprocess.run(["ovs-appctl", "dpctl/dump-conntrack", f"zone={service}"], check=True, capture_output=True,
                           text=True).stdout
    return found.count("state=ESTABLISHED")


def share_error(found: Sequence[str], weights: Mapping[str, int]) -> float:
    """The largest difference between a server's part of `found` and its weight's part, as a part of the whole."""
    counts, whole = Counter(name for name in found if name), sum(bool(name) for name in found) or 1
    total = sum(weights.values())
    return max(abs(counts[name] / whole - weight / total) for name, weight in weights.items())
