"""What a rule is for, in its cookie, so that `ovs-ofctl dump-flows` can be read.

     63          48 47          32 31          16 15           0
    ┌──────────────┬──────────────┬──────────────┬──────────────┐
    │ 0x4c4c  "LL" │  service id  │  backend id  │     kind     │
    └──────────────┴──────────────┴──────────────┴──────────────┘

    cookie=0x4c4c000400020007  is  service 4, backend 2, kind 7 (a unit's own flow)

A controller that starts anew finds by MARK what an earlier one left, and what each rule meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

MARK = 0x4C4C << 48
MARK_MASK = 0xFFFF << 48


class Kind(IntEnum):
    """What a rule does."""

    SWITCHING = 1  # whatever is not for a VIP: ordinary switching
    ARP = 2        # the switch answers ARP for the VIP
    PING = 3       # the switch answers ping for the VIP
    CLASSIFY = 4   # for this service: on to its table
    NEW = 5        # a connection's first packet: to the controller
    UNKNOWN = 6    # a unit without a flow: to the controller
    UNIT = 7       # one unit to its backend
    REPLY = 8      # a backend's answer: back to the VIP's address
    REFUSE = 9     # for the VIP, but no service of it: dropped
    END = 10       # a connection's last packets: the controller sees them, too
    ABORT = 11     # a backend's RST: as REPLY, and the controller sees it, too
    CONNECTED = 12 # a connection under way: on to the units
    PROBE_ARP = 13 # the switch answers ARP for the address that test packets come from
    PROBE = 14     # an answer to a test packet: to the controller
    CHOOSE = 15    # a new unit: to a slot, by its hash
    SLOT = 16      # a slot to the backend that owns it
    ACT = 17       # what is done for a backend's units, whoever chose it
    ESTABLISHED = 18 # a connection that conntrack knows: on to its backend


@dataclass(frozen=True)
class Cookie:
    """A rule's purpose. Service and backend are ids, 0 where the rule belongs to none."""

    kind: Kind
    service: int = 0
    backend: int = 0

    def __int__(self) -> int:
        return MARK | self.service << 32 | self.backend << 16 | self.kind

    @classmethod
    def read(cls, number: int) -> Cookie | None:
        """The cookie in `number`, or None if it is not one of ours."""
        if number & MARK_MASK != MARK or number & 0xFFFF not in set(Kind):
            return None
        return cls(Kind(number & 0xFFFF), number >> 32 & 0xFFFF, number >> 16 & 0xFFFF)
