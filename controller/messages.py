"""Where plain data becomes OpenFlow messages: the one place that knows the parser's constructors.

`datapath` is the framework's connection to a switch; its parser speaks OpenFlow 1.3 with the
extensions of OVS (ovs-actions(7)).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from controller.cookies import MARK, MARK_MASK, Cookie
from controller.flows import (
    CONTROLLER,
    IN_PORT,
    NORMAL,
    Action,
    FinTimeout,
    Flow,
    Goto,
    Group,
    Learn,
    Load,
    Move,
    Multipath,
    Output,
    Resubmit,
    Select,
    Set,
    Track,
)
from controller.reconcile import Found

_BITS = {"eth_src": 48, "eth_dst": 48, "arp_sha": 48, "arp_tha": 48,
         "arp_spa": 32, "arp_tpa": 32, "ipv4_src": 32, "ipv4_dst": 32, "eth_type": 16}
_HASHES = {"eth_src": 0, "symmetric_l3l4+udp": 3, "nw_src": 4}  # nicira-ext.h, nx_hash_fields
ADD_OR_MODIFY = 0x8000  # OVS: a group that may be there already (ovs-ofctl(8), --may-create)
NICIRA, CT_FLUSH = 0x2320, 32  # an extension of OVS 3.1 that neither framework knows (nicira-ext.h, NXT_CT_FLUSH)
NO_TABLE, COMMIT, NAT_DST = 255, 1, 2
_PORTS = {NORMAL: "OFPP_NORMAL", IN_PORT: "OFPP_IN_PORT", CONTROLLER: "OFPP_CONTROLLER"}


@dataclass(frozen=True)
class Remove:
    """A rule or a group that is to go."""

    what: Flow | Group | Found

    def __str__(self) -> str:
        return f"delete {self.what}"


@dataclass(frozen=True)
class Renew:
    """A rule that gets its actions anew, if it is there. Its time and its counters go on (OpenFlow 1.3.5, 6.4): added
    anew, the flow of a connection that has ended would stay as long as one that hasn't.
    """

    flow: Flow

    def __str__(self) -> str:
        return f"renew {self.flow}"


Change = Flow | Group | Remove | Renew


def change(datapath: Any, what: Change) -> Any:
    """The message that makes one change."""
    match what:
        case Flow():
            return add(datapath, what)
        case Group():
            return set_group(datapath, what)
        case Renew(flow):
            return renew(datapath, flow)
        case Remove(Group(number)):
            return delete_group(datapath, number)
        case Remove(Flow() | Found() as rule):
            return delete(datapath, rule)
    raise TypeError(what)


def add(datapath: Any, flow: Flow) -> Any:
    """The message that adds `flow`, or replaces the one with the same table, priority and match."""
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    return parser.OFPFlowMod(
        datapath, cookie=int(flow.cookie), table_id=flow.table, priority=flow.priority,
        command=ofp.OFPFC_ADD, idle_timeout=flow.idle_timeout_s, buffer_id=ofp.OFP_NO_BUFFER,
        flags=ofp.OFPFF_SEND_FLOW_REM if flow.idle_timeout_s else 0,
        match=parser.OFPMatch(**flow.match), instructions=_instructions(datapath, flow.actions))


def renew(datapath: Any, flow: Flow) -> Any:
    """The message that gives the rule with the table, priority and match of `flow` its actions."""
    message = add(datapath, flow)
    message.command = datapath.ofproto.OFPFC_MODIFY_STRICT
    return message


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


def set_group(datapath: Any, group: Group) -> Any:
    """The message that adds `group`, or puts other actions into its buckets."""
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    buckets = [parser.OFPBucket(weight=1, watch_port=ofp.OFPP_ANY, watch_group=ofp.OFPG_ANY,
                                actions=[_action(datapath, action) for action in actions]) for actions in group.buckets]
    return parser.OFPGroupMod(datapath, ADD_OR_MODIFY, ofp.OFPGT_SELECT, group.number, buckets)


def delete_group(datapath: Any, number: int) -> Any:
    """The message that takes out a group, and the rules that lead to it."""
    ofp = datapath.ofproto
    return datapath.ofproto_parser.OFPGroupMod(datapath, ofp.OFPGC_DELETE, ofp.OFPGT_SELECT, number, [])


def ask_for_groups(datapath: Any) -> Any:
    """The message that asks for every group."""
    return datapath.ofproto_parser.OFPGroupDescStatsRequest(datapath, 0)


def our_groups(reply: Any) -> tuple[set[int], bool]:
    """The numbers in one answer to `ask_for_groups` that are the lab's (hashed.py), and whether more are to come."""
    found = {stats.group_id for stats in reply.body if stats.group_id >> 16 == MARK >> 48}
    return found, _more(reply)


def bundle(datapath: Any, number: int, messages: Iterable[Any]) -> Iterator[Any]:
    """The messages that make others be done together, in their order, or not at all.

    ONF extension 230, which OVS takes from OpenFlow 1.3 on: bundles are the protocol's own only from 1.4 on.
    """
    ofp, parser = datapath.ofproto, datapath.ofproto_parser
    flags = ofp.ONF_BF_ATOMIC | ofp.ONF_BF_ORDERED
    yield parser.ONFBundleCtrlMsg(datapath, number, ofp.ONF_BCT_OPEN_REQUEST, flags, [])
    for message in messages:
        yield parser.ONFBundleAddMsg(datapath, number, flags, message, [])
    yield parser.ONFBundleCtrlMsg(datapath, number, ofp.ONF_BCT_COMMIT_REQUEST, flags, [])


def flush(datapath: Any, zone: int, proto: int, address: str, port: int) -> Any:
    """The message that makes conntrack forget the connections of a zone to one backend: those that it answers from
    `address` and `port` (the source of their reply tuple). An IPv4 address goes as a mapped one.
    """
    parser = datapath.ofproto_parser
    mapped = bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(address).packed
    reply = _tlv(0, mapped) + _tlv(2, port.to_bytes(2, "big"))
    body = bytes([proto]) + bytes(7) + _tlv(1, bytes(4) + reply) + _tlv(2, zone.to_bytes(2, "big"))  # 4: nested at 8
    return parser.OFPExperimenter(datapath, NICIRA, CT_FLUSH, body)


def _tlv(kind: int, value: bytes) -> bytes:
    """A property: its type and length, its value, padded to eight bytes (OpenFlow 1.4, 7.2.1.2)."""
    found = kind.to_bytes(2, "big") + (4 + len(value)).to_bytes(2, "big") + value
    return found + bytes(-len(found) % 8)


def ask_for_ours(datapath: Any) -> Any:
    """The message that asks for every rule that bears our mark; answered in one message or several."""
    ofp = datapath.ofproto
    return datapath.ofproto_parser.OFPFlowStatsRequest(
        datapath, table_id=ofp.OFPTT_ALL, out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY, cookie=MARK,
        cookie_mask=MARK_MASK)


def ask_for_sums(datapath: Any, cookie: Cookie) -> Any:
    """The message that asks how many rules bear `cookie`, and how many packets they have met."""
    ofp = datapath.ofproto
    return datapath.ofproto_parser.OFPAggregateStatsRequest(
        datapath, 0, ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, int(cookie), 2**64 - 1,
        datapath.ofproto_parser.OFPMatch())


def read(reply: Any) -> tuple[list[Found], bool]:
    """The rules in one answer to `ask_for_ours`, and whether more are to come."""
    return [rule(stats) for stats in reply.body], _more(reply)


def rule(said: Any) -> Found:
    """The rule that the switch speaks of, in its answer to `ask_for_ours` or because it has been removed."""
    return Found(said.table_id, said.priority, said.cookie, dict(said.match.items()))


def _more(reply: Any) -> bool:
    """Whether this is not the last message of an answer (OpenFlow 1.3.5, section 7.3.5)."""
    return bool(reply.flags & reply.datapath.ofproto.OFPMPF_REPLY_MORE)


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
        case Multipath(fields, n, register):
            return parser.NXActionMultipath(fields=_HASHES[fields], basis=0, algorithm=0, max_link=n - 1, arg=0,
                                            ofs_nbits=31, dst=register)
        case Select(number):
            return parser.OFPActionGroup(number)
        case Resubmit(table):
            return parser.NXActionResubmitTable(in_port=0xFFF8, table_id=table)
        case Track():
            return _track(parser, action)
        case Learn():
            return _learn(parser, action)
        case Output(str() as name):
            return parser.OFPActionOutput(getattr(ofp, _PORTS[name]), ofp.OFPCML_NO_BUFFER)
        case Output(number):
            return parser.OFPActionOutput(number)
        case Goto():
            raise ValueError("goto_table is an instruction and cannot stand in a packet-out")


def _track(parser: Any, track: Track) -> Any:
    """A range of one address and port, without a maximum: the library doesn't pad, and OVS would refuse it."""
    to = {} if track.nat is None else {"range_ipv4_min": track.nat[0], "range_proto_min": track.nat[1],
                                       "range_proto_max": track.nat[1]}
    return parser.NXActionCT(
        flags=COMMIT if track.commit else 0, zone_src="", zone_ofs_nbits=track.zone,
        recirc_table=NO_TABLE if track.table is None else track.table, alg=0,
        actions=[parser.NXActionNAT(flags=NAT_DST if to else 0, **to)])


def _learn(parser: Any, learn: Learn) -> Any:
    """What a learned rule matches, and the register that it loads."""
    same = [parser.NXFlowSpecMatch(src=(name, 0), dst=(name, 0), n_bits=_BITS[name]) for name in learn.same]
    fixed = [parser.NXFlowSpecMatch(src=_number(value), dst=(name, 0), n_bits=_BITS[name])
             for name, value in learn.match]
    load = parser.NXFlowSpecLoad(src=learn.load[1], dst=(learn.load[0], 0), n_bits=32)
    return parser.NXActionLearn(table_id=learn.table, specs=[*fixed, *same, load], idle_timeout=learn.idle_timeout_s,
                                priority=learn.priority, cookie=int(learn.cookie))


def _number(value: str | int) -> int:
    return value if isinstance(value, int) else int(ipaddress.IPv4Address(value))
