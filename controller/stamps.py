"""Messages that differ from unit to unit in a few bytes only: written once, and then stamped.

    a unit's flow-mod ──laid out once, with marks──►  04 0e 00 98 .. [xid] .. [ip_src] .. [tp_src] .. ──► every unit's

The framework takes most of a packet-in's time to lay out what is the same each time. Here a message is laid out once
for each backend, with values that occur nowhere else in it; where those stand, each unit's own go.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from balancing.service import Backend, Service
from balancing.unit import Unit
from controller import messages
from controller.rules import forward, resolve, unit_flow

XID = 4  # where a message's transaction id stands, and below it its length (OpenFlow 1.3.5, A.1)
LENGTH = 2
IN_PORT = 12  # of a packet-out (OpenFlow 1.3.5, A.3.7)
# Field of a unit: a value that stands for it, which must occur only once; as it is matched, and as it is on the wire.
MARKS: dict[str, tuple[str | int, bytes]] = {
    "eth_src": ("06:a5:3c:96:5a:c3", bytes.fromhex("06a53c965ac3")),
    "ip_src": ("203.0.113.217", bytes([203, 0, 113, 217])),
    "tp_src": (0xA5C9, bytes.fromhex("a5c9")),
}


class Stamps:
    """The flow-mod and the packet-out of one backend's units, ready but for what is each unit's own.

    Raises ValueError if a mark does not stand exactly once in them: then they must be laid out one by one.
    """

    def __init__(self, datapath: Any, service: Service, backend: Backend) -> None:
        self.service, self._names = service, service.row.unit
        marked = Unit(tuple(MARKS[name][0] for name in self._names), b"")
        self._flow = _laid_out(messages.add(datapath, unit_flow(service, marked, backend)))
        self._at = [_only(self._flow, MARKS[name][1], resolve(service, name)) for name in self._names]
        self._out = _laid_out(messages.packet_out(datapath, b"", forward(service, backend), 0))

    def flow_mod(self, unit: Unit, xid: int) -> bytes:
        """The message that adds the unit's flow."""
        message = self._flow.copy()
        message[XID:XID + 4] = xid.to_bytes(4, "big")
        for name, at, value in zip(self._names, self._at, unit.id, strict=True):
            packed = PACK[name](value)
            message[at:at + len(packed)] = packed
        return bytes(message)

    def packet_out(self, frame: bytes, in_port: int) -> bytes:
        """The message that sends `frame`, which came in at `in_port`, as the unit's flow would."""
        message = self._out + frame
        message[LENGTH:LENGTH + 2] = len(message).to_bytes(2, "big")
        message[IN_PORT:IN_PORT + 4] = in_port.to_bytes(4, "big")
        return bytes(message)


PACK: Mapping[str, Any] = {
    "eth_src": lambda value: bytes.fromhex(value.replace(":", "")),
    "ip_src": socket.inet_aton,
    "tp_src": lambda value: value.to_bytes(2, "big"),
}


def _laid_out(message: Any) -> bytearray:
    message.set_xid(0)
    message.serialize()
    return bytearray(message.buf)


def _only(message: bytearray, mark: bytes, name: str) -> int:
    """Where a mark stands, if it does so once."""
    at = message.find(mark)
    if at < 0 or message.find(mark, at + 1) >= 0:
        raise ValueError(f"the mark of {name} does not stand once in {message.hex()}")
    return at
