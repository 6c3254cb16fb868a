"""Where plain data becomes OpenFlow messages: the one place that knows the parser's constructors.

`datapath` is the framework's connection to a switch; its parser speaks OpenFlow 1.3 with the
extensions of OVS (ovs-actions(7)).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.cookies import MARK, MARK_MASK, Cookie
from controller.flows import CONTROLLER, IN_PORT, NORMAL, Action, FinTimeout, Flow, Goto, Load, Move, Output, Set
from controller.reconcile import Found

_BITS = {"eth_src": 48, "eth_dst": 48, "arp_sha": 48, "arp_tha": 48,
         "arp_spa": 32, "arp_tpa": 32, "ipv4_src": 32, "ipv4_dst": 32}
_PORTS = {NORMAL: "OFPP_NORMAL", IN_PORT: "OFPP_IN_PORT", CONTROLLER: "OFPP_CONTROLLER"}


def add(datapath: Any, flow: Flow) -> Any:
    """The message that adds `flow`, or replaces the one with the same table, priority and match."""
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    return parser.OFPFlowMod(
        datapath, cookie=int(flow.cookie), table_id=flow.table, priority=flow.priority,
        command=ofp.OFPFC_ADD, idle_timeout=flow.idle_timeout_s, buffer_id=ofp.OFP_NO_BUFFER,
        flags=ofp.OFPFF_SEND_FLOW_REM if flow.idle_timeout_s else 0,
        match=parser.OFPMatch(**flow.match), instructions=_instructions(datapath, flow.actions))


def delete(datapath: Any, rule: Found | Flow) -> Any:
    """The message that takes out the one rule."""
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    return parser.OFPFlowMod(
        datapath, cookie=int(rule.cookie), cookie_mask=2**64 - 1, table_id=rule.table, priority=rule.priority,
        command=ofp.OFPFC_DELETE_STRICT, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY,
        match=parser.OFPMatch(**rule.match))


def delete_all(datapath: Any, cookie: Cookie) -> Any:
    """The message that takes out every rule with this cookie, in any table."""
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    return parser.OFPFlowMod(
        datapath, cookie=int(cookie), cookie_mask=2**64 - 1, table_id=ofp.OFPTT_ALL, command=ofp.OFPFC_DELETE,
        out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY, match=parser.OFPMatch())


def ask_for_ours(datapath: Any) -> Any:
    """The message that asks for every rule that bears our mark; answered in one message or several."""
    ofp = datapath.ofproto
    return datapath.ofproto_parser.OFPFlowStatsRequest(
        datapath, table_id=ofp.OFPTT_ALL, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY, cookie=MARK,
        cookie_mask=MARK_MASK)


def read(reply: Any) -> tuple[list[Found], bool]:
    """The rules in one answer to `ask_for_ours`, and whether more are to come."""
    found = [Found(stats.table_id, stats.priority, stats.cookie, dict(stats.match.items())) for stats in reply.body]
    return found, bool(reply.flags & reply.datapath.ofproto.OFPMPF_REPLY_MORE)


def packet_out(datapath: Any, frame: bytes, actions: Iterable[Action], in_port: int | None = None) -> Any:
    """The message that sends `frame` as if `actions` had met it on `in_port`; None: it is the controller's own."""
    ofp = datapath.ofproto
    return datapath.ofproto_parser.OFPPacketOut(
        datapath, buffer_id=ofp.OFP_NO_BUFFER, in_port=ofp.OFPP_CONTROLLER if in_port is None else in_port,
        actions=[_action(datapath, action) for action in actions], data=frame)


def barrier(datapath: Any) -> Any:
    """The message that is answered once everything before it has been done."""
    return datapath.ofproto_parser.OFPBarrierRequest(datapath)


def _instructions(datapath: Any, actions: tuple[Action, ...]) -> list[Any]:
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    applied = [_action(datapath, action) for action in actions if not isinstance(action, Goto)]
    goto = [parser.OFPInstructionGotoTable(action.table) for action in actions if isinstance(action, Goto)]
    apply = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, applied)] if applied else []
    return apply + goto


def _action(datapath: Any, action: Action) -> Any:
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    match action:
        case Set(field, value):
            return parser.OFPActionSetField(**{field: value})
        case Load(field, value, bits):
            return parser.NXActionRegLoad(ofs_nbits=bits - 1, dst=field, value=value)
        case Move(source, target):
            return parser.NXActionRegMove(src_field=source, dst_field=target, n_bits=_BITS[source])
        case FinTimeout(idle_s):
            return parser.NXActionFinTimeout(fin_idle_timeout=idle_s, fin_hard_timeout=0)
        case Output(str() as name):
            return parser.OFPActionOutput(getattr(ofp, _PORTS[name]), ofp.OFPCML_NO_BUFFER)
        case Output(number):
            return parser.OFPActionOutput(number)
        case Goto():
            raise ValueError("goto_table is an instruction and cannot stand in a packet-out")
