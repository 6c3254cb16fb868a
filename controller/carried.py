"""One service on its switch: its pool, who has which unit, its probes, and the rules that say so.

    a packet-in  ──► place    who has this unit?            ──► the unit's flow, and the packet on its way
                 ──► ended    a FIN, an RST                 ──► its server is less busy
    a probe      ──► Down     its server is dead            ──► the flows of that server's units go, and no others
    an operator  ──► follow   the pool is another now       ──► the rules and slots that differ
    the switch came back      ──► take_over

One writer: everything here is called from the app's loop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from balancing import Assignments, Backend, Event, NoBackend, PacketIn, Pool, Ready, Server, Service, Unit
from balancing.algorithms.steered import Steered
from controller import messages, packets, rules
from controller.cookies import Cookie
from controller.flows import IN_PORT, IP_PROTO, NORMAL, Output
from controller.frame import Fields, unit_answered, unit_of
from controller.gauge import PERIOD_S, Gauge, Reading
from controller.pipelines import SLOTS, Rules, rules_of
from controller.probes import Heard, Probes
from controller.stamps import Stamps

LOG = logging.getLogger(__name__)
Stamp = Callable[[Any, Stamps, Unit, Backend], object]  # datapath, whose, and which unit: the flow of that one unit
Send = Callable[[Any, Sequence[messages.Change]], object]  # datapath, changes: all of them at once, or none


class Carried:
    """What the app holds of one service.

    record: takes events. send: makes changes in a switch. stamp: adds a unit's flow.
    datapath: the switch while it is connected, else None.
    """

    def __init__(self, service: Service, record: Callable[[Event], object], send: Send, stamp: Stamp) -> None:
        self.pool = Pool(service, record)
        self.pool.on_leave = self._let_go
        self.assignments = Assignments(self.pool)
        self.probes = Probes(self.pool, service.health) if service.health else None
        self.gauge = Gauge(service) if service.realisation == "tracked" else None
        self._gauge_due_s = 0.0
        self.datapath: Any = None
        self._record, self._send, self._stamp = record, send, stamp
        self.rules = Rules({}, {})
        self._stamps: dict[int, Stamps] = {}  # by backend id
        self.pool.on_change = self.follow

    @property
    def in_switch(self) -> bool:
        """Whether the switch decides, by slots."""
        return self.service.realisation != "reactive"

    @property
    def service(self) -> Service:
        """The service as it is configured now."""
        return self.pool.service

    # -- packets -------------------------------------------------------------------------------

    def place(self, message: Any, fields: Fields) -> None:
        """Give the packet's unit its server, and send the packet there. A second packet-in finds the same server."""
        unit = unit_of(self.service.row, fields)
        self._record(PacketIn(self.pool.name, str(unit)))
        if self.in_switch:  # the switch had nobody to choose from
            self._refuse(message)
            return
        try:
            server, new = self.assignments.assign(unit, fresh=bool(fields["syn"]), lasting=fields["ip_proto"] == 6)
        except NoBackend as error:
            LOG.warning("%s", error)
            self._refuse(message)
            return
        stamps = self._stamps_of(message.datapath, server.backend)
        if new:
            self._stamp(message.datapath, stamps, unit, server.backend)
        message.datapath.send(stamps.packet_out(message.data, message.match["in_port"]))

    def _stamps_of(self, datapath: Any, backend: Backend) -> Stamps:
        """Made for a backend's first unit; until the service is another one."""
        if backend.id not in self._stamps:
            self._stamps[backend.id] = Stamps(datapath, self.service, backend)
        return self._stamps[backend.id]

    def ended(self, fields: Fields) -> None:
        """A client has sent a FIN or RST. What still comes of its connection finds the same server."""
        unit = unit_of(self.service.row, fields)
        self._record(PacketIn(self.pool.name, str(unit)))
        self.assignments.idle(unit)

    def aborted(self, fields: Fields) -> None:
        """A backend has sent an RST. If it refuses a connection, that is as good as a failed test (passive health).

        A SYN that is sent once more is not: what lost the first one may have been the switch.
        """
        unit = unit_answered(self.service.row, fields)
        self._record(PacketIn(self.pool.name, str(unit)))
        server = self.assignments.server_of(unit)
        self.assignments.release(unit)
        if server and fields["refused"]:
            self.pool.failed(server, "refused a client's connection", passive=True)

    def idled(self, match: Mapping[str, Any], backend_id: int) -> None:
        """The switch no longer has a unit's flow, which led to this backend. It may have another one by now."""
        fields = {name: match[rules.resolve(self.service, name)] for name in self.service.row.unit}
        unit = unit_of(self.service.row, fields)
        server = self.assignments.server_of(unit)
        if server and server.backend.id == backend_id:
            self.assignments.idle(unit)

    def _refuse(self, message: Any) -> None:
        """Nobody can serve: say so at once, rather than let the client wait."""
        if frame := packets.refusal(self.service, message.data):
            self._packet_out(frame, [Output(IN_PORT)], message.match["in_port"])

    def _packet_out(self, frame: bytes, actions: Iterable[Any], in_port: int | None = None) -> None:
        if self.datapath is not None:
            self.datapath.send_msg(messages.packet_out(self.datapath, frame, actions, in_port))

    # -- probes --------------------------------------------------------------------------------

    def probe(self, now_s: float) -> float:
        """Send the probes that are due, while there is a switch; return when to be called again, of the same clock."""
        if self.probes is None or self.datapath is None:
            return now_s + 1.0
        frames, again_s = self.probes.tick(now_s)
        for frame in frames:
            self._packet_out(frame, [Output(NORMAL)])
        return again_s

    def heard(self, heard: Heard, now_s: float) -> bool:
        """Take an answer to a probe; return whether it was one of this service's."""
        return self.probes is not None and self.probes.heard(heard, now_s)

    def _let_go(self, server: Server) -> None:
        """A server is dead or removed: forget its units, here and in the switch. Their next packets find another."""
        units = self.assignments.release_all(server)
        LOG.info("%s: %d units of %s are let go", self.pool.name, len(units), server.name)
        if self.datapath is None:
            return
        cookie = rules.unit_cookie(self.service, server.backend)
        self.datapath.send_msg(messages.delete_all(self.datapath, cookie))
        if self.service.realisation == "tracked" and self.service.row.by_port:
            self.datapath.send_msg(messages.flush(
                self.datapath, self.service.id, IP_PROTO[self.service.protocol], str(server.backend.ip),
                self.service.port_of(server.backend) or 0))

    # -- what the switch counts ----------------------------------------------------------------

    def gauged(self, now_s: float) -> tuple[list[Cookie], float]:
        """Whose sums are to be asked for now; and when to be called again."""
        if self.gauge is None or self.datapath is None:
            return [], now_s + PERIOD_S
        if now_s < self._gauge_due_s:
            return [], self._gauge_due_s
        self.gauge.service, self._gauge_due_s = self.service, now_s + PERIOD_S
        return self.gauge.cookies(), self._gauge_due_s

    def counted(self, cookie: Cookie, reading: Reading) -> None:
        """An answer of the switch. After the last one the pool knows, and slots that follow the load are steered."""
        if self.gauge is None or not self.gauge.heard(cookie, reading):
            return
        for number, units in self.gauge.units.items():
            if number in self.pool.servers:
                self.pool.measured(self.pool.servers[number], round(units))
        if isinstance(self.pool.algorithm, Steered) and self.pool.algorithm.steer():
            self.follow()

    # -- the switch ----------------------------------------------------------------------------

    def wanted(self) -> Rules:
        """The standing rules of the service as it is now."""
        return rules_of(self.service, self._owners() if self.in_switch else ())

    def _owners(self) -> list[Backend]:
        """Who owns each slot; nobody, if nobody can serve."""
        if not self.pool.available:
            return []
        return [server.backend for server in self.pool.algorithm.slots(SLOTS)]

    def take_over(self, datapath: Any, held: Iterable[tuple[Unit, Backend]]) -> None:
        """The switch is here, with flows for these units. Send it our rules; `held` keep their servers."""
        self.datapath = datapath
        kept = {unit: backend for unit, backend in held if self._alive(backend)}
        for server in self.pool.servers.values():
            if not server.up:
                self._let_go(server)
        self.rules = self.wanted()
        changes: list[messages.Change] = [*self.rules.groups.values(), *self.rules.flows.values()]
        if not self.in_switch:
            for unit, backend in kept.items():
                self.assignments.adopt(unit, backend.id)
            self.assignments.keep_only(kept)
            changes += [messages.Renew(rules.unit_flow(self.service, *pair)) for pair in kept.items()]
        self._send(datapath, changes)

    def _alive(self, backend: Backend) -> bool:
        return backend.id in self.pool.servers and self.pool.servers[backend.id].up

    def lost(self) -> None:
        """The switch is out of reach. It keeps its rules."""
        self.datapath = None
        if self.probes:
            self.probes.pause()

    def follow(self) -> None:
        """The pool is another now: change what differs in the switch, all of it at once.

        Groups come before the rules that lead to them, and go after them.
        """
        before, self.rules = self.rules, self.wanted()
        self._stamps.clear()
        if self.datapath is not None and (changes := list(differences(before, self.rules))):
            self._send(self.datapath, changes)

    def ready(self) -> None:
        """The rules are in the switch."""
        self._record(Ready(self.pool.name))

    def __repr__(self) -> str:
        return f"<Carried {self.service!r}{'' if self.datapath else ', no switch'}>"


def differences(before: Rules, now: Rules) -> Iterator[messages.Change]:
    """What turns the one into the other, in an order in which a switch can do it."""
    for number, group in now.groups.items():
        if before.groups.get(number) != group:
            yield group
    for place, flow in now.flows.items():
        if before.flows.get(place) != flow:
            yield flow
    for place in before.flows.keys() - now.flows.keys():
        yield messages.Remove(before.flows[place])
    for number in before.groups.keys() - now.groups.keys():
        yield messages.Remove(before.groups[number])
