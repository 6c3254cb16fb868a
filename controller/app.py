"""The app: packet-in, decide, install. What is decided and what is installed stands elsewhere.

One writer: the framework calls all handlers of an app from one loop, so pools need no lock.

Its services come from the JSON file that LAYER_LAB_SERVICES names (a list of Service forms; those of
L7 are the proxy's), and its events go to the file that LAYER_LAB_EVENTS names.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from balancing import Assignments, Event, NoBackend, PacketIn, Pool, Ready, Refused, Service, check_services, ndjson
from controller import messages, rules
from controller.cookies import Cookie, Kind
from controller.flows import Flow
from controller.frame import Fields, parse, unit_of
from controller.framework import DEAD, MAIN, App, ofp_event, ofproto, on
from controller.reconcile import Found, reconcile
from layerlab import LabError

REMEMBERED = 4096  # sent rules that a late refusal can still be matched with
SERVICES, EVENTS = "LAYER_LAB_SERVICES", "LAYER_LAB_EVENTS"


class Balancer(App):
    """Balances services of every layer that a switch can do.

    layers: which of them this app takes; l2.py, l3.py and l4.py choose one each.
    """

    OFP_VERSIONS: ClassVar = [ofproto.OFP_VERSION]
    layers: ClassVar[tuple[str, ...]] = ("l2", "l3", "l4")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.services = {service.id: service for service in read_services(self.layers)}
        self.assignments = {number: Assignments(Pool(service, self.record))
                            for number, service in self.services.items()}
        self._log = open(os.environ.get(EVENTS, os.devnull), "a", buffering=1)  # noqa: SIM115
        self._found: dict[int, list[Found]] = {}  # by switch, while its answer comes in
        self._sent: dict[int, Flow] = {}  # by transaction id: what a switch may still refuse

    def record(self, event: Event) -> None:
        """Write one event to the log."""
        self._log.write(ndjson(event, time.time()))

    # -- from the switch -----------------------------------------------------------------------

    @on(ofp_event.EventOFPStateChange, [MAIN, DEAD])
    def switch_came_or_went(self, event: Any) -> None:
        """A switch has connected: ask what it holds. One that went keeps its rules (fail mode secure)."""
        datapath = event.datapath
        if event.state != MAIN:
            self.logger.info("switch %s is gone", datapath.id)
            return
        self.logger.info("switch %s is here", datapath.id)
        self._found[datapath.id] = []
        datapath.send_msg(messages.ask_for_ours(datapath))

    @on(ofp_event.EventOFPFlowStatsReply, MAIN)
    def what_the_switch_holds(self, event: Any) -> None:
        """Its answer to the first question: adopt what an earlier controller left, clear what is stale, send ours."""
        datapath = event.msg.datapath
        found, more = messages.read(event.msg)
        self._found[datapath.id] += found
        if more:
            return
        services = self.services_of(datapath)
        wanted = [rules.SWITCHING, *(flow for service in services for flow in rules.static_flows(service))]
        result = reconcile(self._found.pop(datapath.id), {service.id: service for service in services}, wanted)
        for rule in result.delete:
            datapath.send_msg(messages.delete(datapath, rule))
        for service, unit, backend in result.adopt:
            self.assignments[service.id].adopt(unit, backend.id)
            wanted.append(rules.unit_flow(service, unit, backend))  # the same, unless the backend has moved
        for flow in wanted:
            self.send(datapath, flow)
        datapath.send_msg(messages.barrier(datapath))
        self.logger.info("adopted %d units, deleted %d rules", len(result.adopt), len(result.delete))

    @on(ofp_event.EventOFPBarrierReply, MAIN)
    def rules_are_in(self, event: Any) -> None:
        """The switch has taken everything that was sent."""
        for service in self.services_of(event.msg.datapath):
            self.record(Ready(service.name))

    @on(ofp_event.EventOFPPacketIn, MAIN)
    def packet_in(self, event: Any) -> None:
        """A packet that no unit's flow knew: decide, install the flow, send the packet on."""
        message = event.msg
        cookie, fields = Cookie.read(message.cookie), parse(message.data)
        if cookie and fields and cookie.service in self.services:
            self.place(message, self.services[cookie.service], fields)

    def place(self, message: Any, service: Service, fields: Fields) -> None:
        """Give the packet's unit its server. A second packet-in of the same unit finds the same one."""
        unit = unit_of(service.row, fields)
        self.record(PacketIn(service.name, str(unit)))
        try:
            server, new = self.assignments[service.id].assign(unit, fresh=bool(fields["syn"]))
        except NoBackend as error:
            self.logger.warning("%s", error)
            return
        flow = rules.unit_flow(service, unit, server.backend)
        if new:
            self.send(message.datapath, flow)
        message.datapath.send_msg(
            messages.packet_out(message.datapath, message.match["in_port"], message.data, flow.actions))

    @on(ofp_event.EventOFPFlowRemoved, MAIN)
    def flow_removed(self, event: Any) -> None:
        """A unit's flow has idled out: it counts as active no longer."""
        cookie = Cookie.read(event.msg.cookie)
        if cookie and cookie.kind is Kind.UNIT and cookie.service in self.services:
            service = self.services[cookie.service]
            found = {name: event.msg.match[rules.resolve(service, name)] for name in service.row.unit}
            self.assignments[service.id].idle(unit_of(service.row, found))

    @on(ofp_event.EventOFPErrorMsg, MAIN)
    def refused(self, event: Any) -> None:
        """The switch would not have a rule: say which."""
        flow = self._sent.get(event.msg.xid)
        self.logger.error("the switch refused (type %s, code %s): %s", event.msg.type, event.msg.code, flow)
        if flow and flow.cookie.service in self.services:
            self.record(Refused(self.services[flow.cookie.service].name, str(flow)))

    # -- to the switch -------------------------------------------------------------------------

    def services_of(self, datapath: Any) -> list[Service]:
        """The services that this switch carries; the others switch normally."""
        return [service for service in self.services.values() if service.switch == datapath.id]

    def send(self, datapath: Any, flow: Flow) -> None:
        """Send a rule, remembering it until the switch has had its say."""
        message = messages.add(datapath, flow)
        datapath.set_xid(message)
        self._sent[message.xid] = flow
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        datapath.send_msg(message)


def read_services(layers: tuple[str, ...]) -> tuple[Service, ...]:
    """The services of these layers in the file that LAYER_LAB_SERVICES names. Raises LabError."""
    path = os.environ.get(SERVICES)
    if not path:
        raise LabError(f"{SERVICES} is not set", "the path of a JSON file with a list of services",
                       f"{SERVICES}=services.json, or python -m controller --services services.json")
    try:
        forms = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise LabError(f"{path}: {error}", "a JSON file with a list of services") from None
    return check_services(service for service in map(Service.from_json, forms) if service.layer in layers)
