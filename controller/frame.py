"""The few bytes of a frame that a balancer reads. A packet library would read all of it, ten times slower.

    0      6      12   14                  23     26     30       34
    eth_dst eth_src type  IPv4 header ...  proto  ip_src ip_dst   tp_src tp_dst ... flags
"""

from __future__ import annotations

import socket
import struct

from balancing.layers import Layer
from balancing.unit import Unit
from controller.flows import ACK, ETH_TYPE, IP_PROTO, RST, SYN, SYN_ACK_MASK, Value

Fields = dict[str, Value]

_FAMILY = {ETH_TYPE[4]: socket.AF_INET, ETH_TYPE[6]: socket.AF_INET6}


def parse(frame: bytes) -> Fields | None:
    """The fields that layers are told apart by, under the layer table's names; None for a frame without IP.

    `syn` is 1 on the first packet of a TCP connection, `refused` on a closed port's answer to one: such an RST alone
    acknowledges and has the sequence number 0 (RFC 9293 3.10.7.1). IPv6 extension headers are not followed.
    """
    eth_type = int.from_bytes(frame[12:14], "big")
    if eth_type not in _FAMILY or len(frame) < (34 if eth_type == ETH_TYPE[4] else 54):
        return None
    if eth_type == ETH_TYPE[4]:
        proto, addresses, width = frame[23], 26, 4
        transport = 14 + 4 * (frame[14] & 0x0F)
    else:
        proto, addresses, width, transport = frame[20], 22, 16, 54
    family = _FAMILY[eth_type]
    fields: Fields = {
        "eth_src": frame[6:12].hex(":"),
        "ip_proto": proto,
        "ip_src": socket.inet_ntop(family, frame[addresses:addresses + width]),
        "ip_dst": socket.inet_ntop(family, frame[addresses + width:addresses + 2 * width]),
        "syn": 0,
        "refused": 0,
    }
    if proto in IP_PROTO.values() and len(frame) >= transport + 4:
        fields["tp_src"], fields["tp_dst"] = struct.unpack_from("!HH", frame, transport)
        if proto == IP_PROTO["tcp"] and len(frame) > transport + 13:
            flags = frame[transport + 13]
            fields["syn"] = int(flags & SYN_ACK_MASK == SYN)
            fields["refused"] = int(flags & (RST | ACK) == RST | ACK and not any(frame[transport + 4:transport + 8]))
    return fields


def unit_of(layer: Layer, fields: Fields) -> Unit:
    """The unit that a packet with these fields belongs to. Raises KeyError if a field is missing."""
    return Unit(tuple(fields[name] for name in layer.unit), _packed(layer.key, fields[layer.key]))


def unit_answered(layer: Layer, fields: Fields) -> Unit:
    """The unit whose backend sent a packet with these fields: its client is at the other end."""
    other = {"src": "dst", "dst": "src"}
    return unit_of(layer, {name: fields[f"{name[:-3]}{other[name[-3:]]}"] for name in {*layer.unit, layer.key}})


def _packed(name: str, value: Value) -> bytes:
    text = str(value)
    if name.startswith("eth_"):
        return bytes.fromhex(text.replace(":", ""))
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
