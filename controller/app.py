"""The app: what comes from the switch, the clock and the operator, handed to the service that it concerns (carried.py).

     switch ──packet-in──┐
     clock ──────────────┼──► one loop ──► Carried of that service ──► messages ──► switch
     operator (API) ─────┘

One writer: the framework calls all handlers of an app from one loop, so pools need no lock.

Its services come from the file that LAYER_LAB_SERVICES names (balancing/store.py; those of L7 are the proxy's), its
events go to the file that LAYER_LAB_EVENTS names, and its API listens on the Unix socket that LAYER_LAB_API names.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from balancing import Backend, Event, Pool, Refused, Unit, check_services, ndjson, store
from balancing.api import Answer, Api
from balancing.api_http import Desk, private
from controller import framework, messages, probes, rules
from controller.carried import Carried
from controller.cookies import Cookie, Kind
from controller.flows import Flow, Group, Output
from controller.frame import parse
from controller.framework import DEAD, MAIN, App, Work, ofp_event, ofproto, on
from controller.gauge import Reading
from controller.messages import Change
from controller.reconcile import Found, reconcile
from controller.rules import unit_flow
from controller.stamps import Stamps
from layerlab import LabError

REMEMBERED = 16_384  # sent rules that a late refusal can still be matched with
SERVICES, EVENTS, API = "LAYER_LAB_SERVICES", "LAYER_LAB_EVENTS", "LAYER_LAB_API"


class Balancer(App):
    """Balances services of every layer that a switch can do.

    layers: which of them this app takes; l2.py, l3.py and l4.py choose one each.
    """

    OFP_VERSIONS: ClassVar = [ofproto.OFP_VERSION]
    layers: ClassVar[tuple[str, ...]] = ("l2", "l3", "l4")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._log = open(os.environ.get(EVENTS, os.devnull), "a", buffering=1)  # noqa: SIM115
        self.file = services_file()
        services = check_services(service for service in store.load(self.file) if service.layer in self.layers)
        self.carried = {service.id: Carried(service, self.record, self.send, self.stamp) for service in services}
        self.api = Api({one.pool.name: one.pool for one in self.carried.values()}, self.pool_changed)
        self._found: dict[int, list[Found]] = {}  # by switch, while its answer comes in; and the same of groups
        self._groups: dict[int, set[int]] = {}
        self._sent: dict[int, Callable[[], Change]] = {}  # by transaction id: what a switch may still refuse
        self._asked: dict[int, tuple[Carried, Cookie]] = {}  # by transaction id, what sums were asked for
        self._bundles = itertools.count(1)

    def start(self) -> None:
        """Called by the framework, once the app can be found: now timers and API may put work into its loop."""
        super().start()
        framework.repeat(self, self.probe)
        if path := os.environ.get(API):
            with private(Path(path)) as place:
                framework.listen(place, Desk(self.answer).serve)

    def record(self, event: Event) -> None:
        """Write one event to the log."""
        self._log.write(ndjson(event, time.time()))

    # -- from the operator and the clock -------------------------------------------------------

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """One request to the API, answered in the app's loop."""
        answer: Answer = framework.ask(self, lambda: self.api.answer(method, target, body))
        return answer

    def pool_changed(self, pool: Pool) -> None:
        """An operator has changed a pool, whose rules have followed (Pool.on_change): remember it."""
        store.save(self.file, [pool.service])

    def probe(self) -> float:
        """Send the probes that are due, and ask for sums; return in how many seconds there is more to do."""
        now_s = time.monotonic()
        again_s = [now_s + 1.0]
        for one in self.carried.values():
            again_s.append(one.probe(now_s))
            cookies, due_s = one.gauged(now_s)
            again_s.append(due_s)
            for cookie in cookies:
                self._ask(one, cookie)
        return min(again_s) - time.monotonic()

    def _ask(self, one: Carried, cookie: Cookie) -> None:
        message = messages.ask_for_sums(one.datapath, cookie)
        one.datapath.set_xid(message)
        self._asked[message.xid] = one, cookie
        one.datapath.send_msg(message)

    @on(ofp_event.EventOFPAggregateStatsReply, MAIN)
    def sums(self, event: Any) -> None:
        """The switch's answer about one cookie."""
        if (asked := self._asked.pop(event.msg.xid, None)) is not None:
            one, cookie = asked
            one.counted(cookie, Reading(event.msg.body.flow_count, event.msg.body.packet_count))

    @on(Work, None)
    def work(self, event: Any) -> None:
        """What another thread wants done here."""
        event.function()

    # -- from the switch -----------------------------------------------------------------------

    @on(ofp_event.EventOFPStateChange, [MAIN, DEAD])
    def switch_came_or_went(self, event: Any) -> None:
        """A switch has connected: ask what it holds. One that went keeps its rules (fail mode secure)."""
        datapath = event.datapath
        if event.state != MAIN:
            self.logger.info("switch %s is gone", datapath.id)
            for one in self.carried_by(datapath):
                one.lost()
            self._asked.clear()
            return
        self.logger.info("switch %s is here", datapath.id)
        self._found[datapath.id], self._groups[datapath.id] = [], set()
        datapath.send_msg(messages.ask_for_ours(datapath))

    @on(ofp_event.EventOFPFlowStatsReply, MAIN)
    def what_the_switch_holds(self, event: Any) -> None:
        """Its answer to the first question: adopt what an earlier controller left, clear what is stale, send ours."""
        datapath = event.msg.datapath
        found, more = messages.read(event.msg)
        self._found[datapath.id] += found
        if not more:
            datapath.send_msg(messages.ask_for_groups(datapath))

    @on(ofp_event.EventOFPGroupDescStatsReply, MAIN)
    def what_groups_it_holds(self, event: Any) -> None:
        """Its answer to the second question: adopt what an earlier controller left, clear what is stale, send ours."""
        datapath = event.msg.datapath
        groups, more = messages.our_groups(event.msg)
        self._groups[datapath.id] |= groups
        if more:
            return
        carried = self.carried_by(datapath)
        wanted = {one: one.wanted() for one in carried}
        flows = [rules.SWITCHING, *(flow for one in carried for flow in wanted[one].flows.values())]
        result = reconcile(self._found.pop(datapath.id), {one.service.id: one.service for one in carried}, flows)
        for rule in result.delete:
            datapath.send_msg(messages.delete(datapath, rule))
        for number in self._groups.pop(datapath.id) - {number for one in carried for number in wanted[one].groups}:
            datapath.send_msg(messages.delete_group(datapath, number))
        self.send(datapath, [rules.SWITCHING])
        for one in carried:
            one.take_over(datapath, [(unit, backend) for service, unit, backend in result.adopt
                                     if service is one.service])
        datapath.send_msg(messages.barrier(datapath))
        self.logger.info("adopted %d units, deleted %d rules", len(result.adopt), len(result.delete))

    @on(ofp_event.EventOFPBarrierReply, MAIN)
    def rules_are_in(self, event: Any) -> None:
        """The switch has taken everything that was sent."""
        for one in self.carried_by(event.msg.datapath):
            one.ready()

    @on(ofp_event.EventOFPPacketIn, MAIN)
    def packet_in(self, event: Any) -> None:
        """A packet that a rule sent here; the rule's cookie says whose it is, and why."""
        message = event.msg
        cookie = Cookie.read(message.cookie)
        if cookie is None:
            return
        if cookie.kind is Kind.PROBE:
            self.probe_answered(message)
        elif cookie.service in self.carried and (fields := parse(message.data)):
            one = self.carried[cookie.service]
            match cookie.kind:
                case Kind.END:
                    one.ended(fields)
                case Kind.ABORT:
                    one.aborted(fields)
                case _:
                    one.place(message, fields)

    def probe_answered(self, message: Any) -> None:
        """A server has answered a test packet."""
        heard, now_s = probes.hear(message.data), time.monotonic()
        if heard is None:
            return
        for one in self.carried.values():
            one.heard(heard, now_s)
        if heard.reply:
            message.datapath.send_msg(messages.packet_out(message.datapath, heard.reply, [Output(rules.NORMAL)]))

    @on(ofp_event.EventOFPFlowRemoved, MAIN)
    def flow_removed(self, event: Any) -> None:
        """A unit's flow has idled out: it counts as active no longer, or is not adopted."""
        cookie = Cookie.read(event.msg.cookie)
        if found := self._found.get(event.msg.datapath.id):
            gone = messages.rule(event.msg)
            self._found[event.msg.datapath.id] = [rule for rule in found if rule != gone]
        if cookie and cookie.kind is Kind.UNIT and cookie.service in self.carried:
            self.carried[cookie.service].idled(event.msg.match, cookie.backend)

    @on(ofp_event.EventOFPErrorMsg, MAIN)
    def refused(self, event: Any) -> None:
        """The switch would not have a rule: say which."""
        change = self._sent[event.msg.xid]() if event.msg.xid in self._sent else None
        self.logger.error("the switch refused (type %s, code %s): %s", event.msg.type, event.msg.code, change)
        if change is not None:
            self.record(Refused(self._name_of(change), str(change)))

    def _name_of(self, change: Change) -> str:
        """The service that a change is for; "" if it is for none."""
        match change:
            case messages.Remove(what):
                return self._name_of(what) if not isinstance(what, Found) else ""
            case messages.Renew(flow):
                return self._name_of(flow)
            case Flow():
                number = change.cookie.service
            case Group():
                number = change.number & 0xFFFF
        return self.carried[number].pool.name if number in self.carried else ""

    # -- to the switch -------------------------------------------------------------------------

    def carried_by(self, datapath: Any) -> list[Carried]:
        """The services that this switch carries; the others switch normally."""
        return [one for one in self.carried.values() if one.service.switch == datapath.id]

    def send(self, datapath: Any, changes: Sequence[Change]) -> None:
        """Make changes, several in one bundle; each is remembered until the switch has had its say."""
        made = [messages.change(datapath, change) for change in changes]
        if len(made) == 1:
            self._remember(datapath, made[0], changes[0])
            datapath.send_msg(made[0])
            return
        opening, *added, commit = messages.bundle(datapath, next(self._bundles), made)
        for message, change in zip(added, changes, strict=True):
            self._remember(datapath, message, change)
        for message in (opening, *added, commit):
            datapath.send_msg(message)

    def stamp(self, datapath: Any, stamps: Stamps, unit: Unit, backend: Backend) -> None:
        """Add the flow of one unit: the one change that is made thousands of times, and so by a stamp."""
        datapath.xid = datapath.xid + 1 & 0xFFFF_FFFF  # as Datapath.set_xid does
        self._may_be_refused(datapath.xid, lambda: unit_flow(stamps.service, unit, backend))
        datapath.send(stamps.flow_mod(unit, datapath.xid))

    def _remember(self, datapath: Any, message: Any, change: Change) -> None:
        datapath.set_xid(message)
        self._may_be_refused(message.xid, lambda: change)

    def _may_be_refused(self, xid: int, change: Callable[[], Change]) -> None:
        self._sent[xid] = change
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]


def services_file() -> Path:
    """The file that LAYER_LAB_SERVICES names. Raises LabError if it names none."""
    if path := os.environ.get(SERVICES):
        return Path(path)
    raise LabError(f"{SERVICES} is not set", "the path of a JSON file with a list of services",
                   f"{SERVICES}=services.json, or python -m controller --services services.json")
