"""The few bytes of a frame that a balancer reads. A packet library would read all of it, ten times slower.

    0      6      12   14                  23     26     30       34
    eth_dst eth_src type  IPv4 header ...  proto  ip_src ip_dst   tp_src tp_dst ... flags
"""

from __future__ import annotations

import socket
import struct

from balancing.layers import Layer
from balancing.unit import Unit
from controller.flows import ETH_TYPE, IP_PROTO, SYN, SYN_ACK_MASK, Value

Fields = dict[str, Value]

_FAMILY = {ETH_TYPE[4]: socket.AF_INET, ETH_TYPE[6]: socket.AF_INET6}


def parse(frame: bytes) -> Fields | None:
    """The fields that layers are told apart by, under the layer table's names; None for a frame without IP.

    `syn` is 1 on the first packet of a TCP connection. IPv6 extension headers are not followed.
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
    }
    if proto in IP_PROTO.values() and len(frame) >= transport + 4:
        fields["tp_src"], fields["tp_dst"] = struct.unpack_from("!HH", frame, transport)
        if proto == IP_PROTO["tcp"] and len(frame) > transport + 13:
            fields["syn"] = int(frame[transport + 13] & SYN_ACK_MASK == SYN)
    return fields


def unit_of(layer: Layer, fields: Fields) -> Unit:
    """The unit that a packet with these fields belongs to. Raises KeyError if a field is missing."""
    return Unit(tuple(fields[name] for name in layer.unit), _packed(layer.key, fields[layer.key]))


def _packed(name: str, value: Value) -> bytes:
    text = str(value)
    if name.startswith("eth_"):
        return bytes.fromhex(text.replace(":", ""))
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
