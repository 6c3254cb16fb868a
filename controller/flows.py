"""Flow rules as plain data. Nothing here speaks to a switch.

A `Flow` is what `ovs-ofctl add-flow` would be told, in OXM's field names (OpenFlow 1.3.5, section
7.2.3.7), and its `str` looks like it. Table rows say `ip_dst` and `tp_src`; `resolve` makes them
ipv4_dst or ipv6_dst, tcp_src or udp_src, and adds the fields that OpenFlow demands before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from balancing.service import Service
from controller.cookies import Cookie

Value = str | int
Match = Mapping[str, Value | tuple[int, int]]  # OXM field to value, or to (value, mask)
Place = tuple[int, int, frozenset[tuple[str, Value | tuple[int, int]]]]

NORMAL, IN_PORT, CONTROLLER = "NORMAL", "IN_PORT", "CONTROLLER"
ETH_TYPE = {4: 0x0800, 6: 0x86DD}
IP_PROTO = {"tcp": 6, "udp": 17}
FIN, SYN, RST, ACK = 0x001, 0x002, 0x004, 0x010
SYN_ACK_MASK = SYN | ACK


@dataclass(frozen=True)
class Set:
    """Write `value` into a field."""

    field: str
    value: Value

    def __str__(self) -> str:
        return f"set_field:{self.value}->{self.field}"


@dataclass(frozen=True)
class Load:
    """Write `value` into a field that OpenFlow's own set_field may not touch (ovs-actions(7), load)."""

    field: str
    value: int
    bits: int

    def __str__(self) -> str:
        return f"load:{self.value:#x}->{self.field}"


@dataclass(frozen=True)
class Move:
    """Copy one field into another of the same width (ovs-actions(7), move)."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"move:{self.source}->{self.target}"


@dataclass(frozen=True)
class Output:
    """Send it: to a port's number, or to NORMAL, IN_PORT or CONTROLLER."""

    port: int | str

    def __str__(self) -> str:
        return f"output:{self.port}" if isinstance(self.port, int) else self.port


@dataclass(frozen=True)
class FinTimeout:
    """When a FIN or RST meets the rule, let it expire after so many idle seconds (ovs-actions(7), fin_timeout)."""

    idle_s: int

    def __str__(self) -> str:
        return f"fin_timeout(idle_timeout={self.idle_s})"


@dataclass(frozen=True)
class Multipath:
    """Hash some fields to a number from 0 to n - 1, into a register (ovs-actions(7), multipath).

    fields: a word of HASH_FIELDS.
    """

    fields: str
    n: int
    register: str

    def __str__(self) -> str:
        return f"multipath({self.fields},0,modulo_n,{self.n},0,{self.register})"


@dataclass(frozen=True)
class Select:
    """Go through a group (OpenFlow 1.3.5, section 5.6): one of its buckets, by a hash."""

    group: int

    def __str__(self) -> str:
        return f"group:{self.group}"


@dataclass(frozen=True)
class Resubmit:
    """What another table says of the packet is done first (ovs-actions(7), resubmit)."""

    table: int

    def __str__(self) -> str:
        return f"resubmit(,{self.table})"


@dataclass(frozen=True)
class Track:
    """Through conntrack (ovs-actions(7), ct).

    table: where the packet, its state known, goes on; None: with the next action, its state unknown.
    commit: remember the connection. nat: and translate its destination, to (address, port); without commit an earlier
    translation is applied.
    """

    zone: int
    table: int | None = None
    commit: bool = False
    nat: tuple[str, int] | None = None

    def __str__(self) -> str:
        nat = f"nat(dst={self.nat[0]}:{self.nat[1]})" if self.nat else "nat"
        words = ["commit"] * self.commit + [f"zone={self.zone}", nat]
        return f"ct({','.join(words + ([] if self.table is None else [f'table={self.table}']))})"


@dataclass(frozen=True)
class Learn:
    """Add a rule that remembers something of this packet (ovs-actions(7), learn).

    same: fields in which packets must be like this one. match: fields and their values. load: a register and its value.
    """

    table: int
    priority: int
    cookie: Cookie
    idle_timeout_s: int
    same: tuple[str, ...]
    match: tuple[tuple[str, Value], ...]
    load: tuple[str, int]

    def __str__(self) -> str:
        fields = [*self.same, *(f"{name}={value}" for name, value in self.match)]
        return (f"learn(table={self.table},priority={self.priority},idle_timeout={self.idle_timeout_s},"
                f"cookie={int(self.cookie):#x},{','.join(fields)},load:{self.load[1]}->{self.load[0]})")


@dataclass(frozen=True)
class Goto:
    """Go on in a later table. Stands last."""

    table: int

    def __str__(self) -> str:
        return f"goto_table:{self.table}"


Action = Set | Load | Move | Output | FinTimeout | Multipath | Select | Resubmit | Track | Learn | Goto

# A packet from no port: NORMAL then switches it and learns no address from it (ofproto-dpif-xlate.c, xlate_normal).
FROM_NO_PORT = Load("in_port_nxm", 0xFFFF, 16)


@dataclass(frozen=True)
class Flow:
    """One rule.

    match:  OXM field and value; a value may be (value, mask).
    actions: in order; none means drop.
    idle_timeout_s: 0 for ever; otherwise the switch reports when it expires.
    """

    table: int
    priority: int
    cookie: Cookie
    match: Match
    actions: tuple[Action, ...]
    idle_timeout_s: int = 0

    @property
    def place(self) -> Place:
        """What a switch tells rules apart by (OpenFlow 1.3.5, section 6.4): a second one there replaces it."""
        return place(self.table, self.priority, self.match)

    def __str__(self) -> str:
        fields = (f"{name}={_text(value)}" for name, value in self.match.items())
        actions = ",".join(map(str, self.actions)) or "drop"
        return (f"cookie={int(self.cookie):#x}, table={self.table}, priority={self.priority}, "
                f"{','.join(fields)} actions={actions}")


@dataclass(frozen=True)
class Group:
    """A select group of buckets of equal weight.

    buckets: what each does. Their number never changes, so a hash always means the same bucket.
    """

    number: int
    buckets: tuple[tuple[Action, ...], ...]

    def __str__(self) -> str:
        buckets = (f"bucket=weight:1,actions={','.join(map(str, actions))}" for actions in self.buckets)
        return f"group_id={self.number},type=select,{','.join(buckets)}"


def place(table: int, priority: int, match: Match) -> Place:
    """Where a rule stands in a switch."""
    return table, priority, frozenset(match.items())


def _text(value: Value | tuple[int, int]) -> str:
    return f"{value[0]:#x}/{value[1]:#x}" if isinstance(value, tuple) else str(value)


def resolve(service: Service, field: str) -> str:
    """The OXM name of a layer table's field, for this service's address family and protocol.

    >>> resolve(web, "ip_dst")
    'ipv4_dst'
    """
    head, _, tail = field.partition("_")
    prefix = {"ip": f"ipv{service.vip.version}", "tp": service.protocol}
    return f"{prefix[head]}_{tail}" if head in prefix and tail in ("src", "dst") else field


def match(service: Service, fields: Mapping[str, Value]) -> dict[str, Value | tuple[int, int]]:
    """OXM fields for a layer table's `fields`, with their prerequisites first."""
    before = family(service, ports=any(name.startswith("tp_") for name in fields))
    return before | {resolve(service, name): value for name, value in fields.items()}


def family(service: Service, *, ports: bool) -> dict[str, Value | tuple[int, int]]:
    """What must be matched before an address may be, and before a port may be (OpenFlow 1.3.5, 7.2.3.8)."""
    found: dict[str, Value | tuple[int, int]] = {"eth_type": ETH_TYPE[service.vip.version]}
    return found | ({"ip_proto": IP_PROTO[service.protocol]} if ports else {})


def sets(service: Service, fields: Iterable[str], values: Mapping[str, Value]) -> tuple[Set, ...]:
    """Rewrites of `fields`, each to its value."""
    return tuple(Set(resolve(service, field), values[field]) for field in fields)
