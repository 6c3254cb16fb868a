"""A service: one VIP, its backends, and the three words that say how it is balanced.

`Service` is the only thing that crosses rooms: the controller and the proxy are started with
it, experiments hold it, the API speaks it. It has one JSON form:

    {"id": 1, "name": "web", "vip": "10.0.0.100", "port": 80, "protocol": "tcp",
     "layer": "l4", "algorithm": "round-robin", "realisation": "reactive",
     "backends": [{"id": 1, "name": "s1", "ip": "10.0.3.1", "mac": "02:00:00:02:00:01",
                   "port": 8001, "weight": 1}, ...],
     "health": {"interval_s": 1, "source": "10.0.0.3"},  how servers are tested (health.py); without it they are not
     "route": {"path": "/video"}}                       at L7 only, and only if it is not for every request

Rules kept here:

1. A Service that exists is valid: every check runs in `__post_init__`, and an error names the
   field, what was seen and what was expected.
2. `id`s are what flow cookies carry (controller/cookies.py), so they are given, never counted.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from balancing.algorithms import find_algorithm, full_name
from balancing.form import IPAddress, arguments, ip_address, plain, printable, whole_within
from balancing.health import HealthCheck
from balancing.layers import LAYERS, Layer
from balancing.route import Route
from layerlab import LabError, choice

REALISATIONS: dict[str, str] = {
    "reactive": "the controller decides on a unit's first packet; the switch keeps an exact flow per unit",
    "hashed": "the switch decides, by the algorithm's table of slots; it remembers nothing",
    "tracked": "the switch decides, by slots, and remembers: conntrack at L4, a learned flow per unit at L2 and L3",
    "proxy": "the proxy decides on every request; the switch only switches",
}
PROTOCOLS = ("tcp", "udp")
MAX_WEIGHT = 65_535  # an OpenFlow bucket's weight is 16 bits (OpenFlow 1.3.5, section 7.3.4.2)
MAX_ID = 65_535      # 16 bits of a flow's cookie
MAX_SWITCH_PORT = 0xFFFFFF00  # OFPP_MAX (OpenFlow 1.3.5, section 7.2.1)
MAX_SWITCH = 2**64 - 1        # a datapath id


@dataclass(frozen=True)
class Backend:
    """One server of a service.

    id:     1 to 65535, unique in its service.
    ip:     its service address, the only one that is ever balanced or rewritten.
    mac:    where frames for it go; None at L7, where the proxy's own stack asks by ARP.
    port:   the TCP or UDP port it serves on; None means the service's own.
    weight: its share, a whole number; 0 means that it is drained: it gets no new unit.
    switch_port: the OpenFlow port it is on; None means learned, by ordinary switching.
    draining: it gets no new unit, and keeps its weight for when it is undrained.
    """

    id: int
    name: str
    ip: IPAddress
    mac: str | None = None
    port: int | None = None
    weight: int = 1
    switch_port: int | None = None
    draining: bool = False

    def __post_init__(self) -> None:
        where = f"backend {self.name!r}"
        whole_within(where, "id", self.id, 1, MAX_ID)
        printable(where, "name", self.name)
        whole_within(where, "weight", self.weight, 0, MAX_WEIGHT)
        if self.port is not None:
            whole_within(where, "port", self.port, 1, 65_535)
        if type(self.draining) is not bool:
            raise LabError(f"{where}: draining is {self.draining!r}", "true or false", field="draining")
        if self.switch_port is not None:
            whole_within(where, "switch_port", self.switch_port, 1, MAX_SWITCH_PORT)
        object.__setattr__(self, "ip", ip_address(where, "ip", self.ip))
        if self.mac is not None:
            object.__setattr__(self, "mac", _mac(where, self.mac))

    def __repr__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"<Backend {self.name} {self.ip}{port} w={self.weight}>"


@dataclass(frozen=True)
class Service:
    """One balanced address.

    id:   1 to 65535, unique on its switch.
    vip:  the address that clients know.
    port: what clients connect to; None where the layer balances the whole VIP (L2, L3).
    layer, realisation: words of LAYERS and REALISATIONS.
    algorithm: a word of ALGORITHMS, or FILE.py:CLASS for one of your own (algorithms/own.py).
    idle_timeout_s: how long, in seconds, an exact flow outlives its last packet.
    switch: datapath id of the one switch that carries its rules.
    route: which requests of its VIP and port are its own (route.py); None means all that no service before it takes.
    health: how its servers are tested; None means they are taken to be up.

    Raises LabError for anything that could not be balanced as asked.
    """

    id: int
    name: str
    vip: IPAddress
    layer: str
    backends: tuple[Backend, ...]
    algorithm: str = "round-robin"
    realisation: str = ""
    protocol: str = "tcp"
    port: int | None = None
    idle_timeout_s: int = 60
    switch: int = 1
    route: Route | None = None
    health: HealthCheck | None = None

    def __post_init__(self) -> None:
        where = f"service {self.name!r}"
        whole_within(where, "id", self.id, 1, MAX_ID)
        printable(where, "name", self.name)
        whole_within(where, "switch", self.switch, 0, MAX_SWITCH)
        object.__setattr__(self, "vip", ip_address(where, "vip", self.vip))
        object.__setattr__(self, "backends", tuple(self.backends))
        choice("layer", self.layer, LAYERS)
        object.__setattr__(self, "algorithm", full_name(self.algorithm))
        find_algorithm(self.algorithm)
        choice("protocol", self.protocol, PROTOCOLS)
        natural = "reactive" if self.row.in_switch else "proxy"
        object.__setattr__(self, "realisation", self.realisation or natural)
        choice("realisation", self.realisation, REALISATIONS)
        whole_within(where, "idle_timeout_s", self.idle_timeout_s, 1, 65_535)
        if reason := why_not(self.row, self.algorithm, self.realisation):
            raise LabError(f"{where}: {reason}", f"{natural!r} at {self.layer}", field="realisation")
        if self.route is not None and self.row.in_switch:
            raise LabError(f"{where}: {self.layer} has a route", "none: only l7 sees requests", field="route")
        self._check_port(where)
        self._check_backends(where)
        if self.health and self.row.in_switch and self.health.source is None:
            raise LabError(f"{where}: its health check has no source",
                           f"the address that {self.layer}'s test packets come from", "10.0.0.3, in the lab",
                           field="source")

    def _check_port(self, where: str) -> None:
        if self.port is not None:
            whole_within(where, "port", self.port, 1, 65_535)
        elif self.row.by_port or not self.row.in_switch:
            raise LabError(f"{where} has no port", f"one, because {self.layer} balances by port", field="port")

    def _check_backends(self, where: str) -> None:
        if not self.backends:
            raise LabError(f"{where} has no backends", "at least one", field="backends")
        for field in ("id", "name"):
            seen = [getattr(backend, field) for backend in self.backends]
            if len(set(seen)) < len(seen):
                twice = next(value for value in seen if seen.count(value) > 1)
                raise LabError(f"{where} has two backends with {field} {twice!r}", f"each {field} once", field=field)
        for backend in self.backends:
            if backend.ip.version != self.vip.version:
                raise LabError(f"{where}: backend {backend.name!r} has the address {backend.ip}",
                               f"one of the VIP's family, IPv{self.vip.version}", field="ip")
            if self.row.in_switch and backend.mac is None:
                raise LabError(f"{where}: backend {backend.name!r} has no mac",
                               f"one, because {self.layer} rewrites eth_dst", field="mac")

    @property
    def row(self) -> Layer:
        """The row of the layer table that this service follows."""
        return LAYERS[self.layer]

    @property
    def vmac(self) -> str:
        """The VIP's own MAC: locally administered, and the VIP can be read in it.

        10.0.0.100 answers from 02:1b:0a:00:00:64. Services of one VIP share it.
        """
        return mac_of(self.vip, b"\x02\x1b")

    def with_backends(self, backends: tuple[Backend, ...]) -> Service:
        """The same service over others. Raises LabError if it would not be valid.

        The rest has been checked: a file of the student's own may be half written, now that the service runs.
        """
        other = copy.copy(self)
        object.__setattr__(other, "backends", backends)
        other._check_backends(f"service {self.name!r}")
        return other

    def port_of(self, backend: Backend) -> int | None:
        """The port that `backend` serves on: its own, or else the service's."""
        return backend.port if backend.port is not None else self.port

    def __repr__(self) -> str:
        port = f":{self.port}/{self.protocol}" if self.port else ""
        words = f"{self.layer} {self.algorithm} {self.realisation}" + (f" for {self.route}" if self.route else "")
        return f"<Service {self.name} {self.vip}{port} {words}: {' '.join(backend.name for backend in self.backends)}>"

    def to_json(self) -> dict[str, Any]:
        """The one JSON form; fields that are None are left out."""
        form: dict[str, Any] = plain(self)
        return form

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Service:
        """Read `to_json`'s form. Raises LabError that names the field that is wrong."""
        fields = arguments(cls, form, "service")
        backends = fields.get("backends")
        if not isinstance(backends, list):
            raise LabError(f"service {fields.get('name')!r}: backends is {backends!r}", "a list of objects",
                           field="backends")
        fields["backends"] = tuple(Backend(**arguments(Backend, backend, "backend")) for backend in backends)
        if fields.get("route") is not None:
            fields["route"] = Route.from_json(fields["route"])
        if fields.get("health") is not None:
            fields["health"] = HealthCheck(**arguments(HealthCheck, fields["health"], "health check"))
        return cls(**fields)


def why_not(row: Layer, algorithm: str, realisation: str) -> str:
    """Why these three words can't go together; "" if they can. Raises LabError if there is no such algorithm."""
    if (realisation == "proxy") == row.in_switch:
        return f"{row.name} cannot be realised as {realisation!r}"
    if realisation not in ("hashed", "tracked"):
        return ""
    kind = find_algorithm(algorithm)
    if not kind.has_slots():
        return f"{algorithm} has no table of slots that a switch could hold, as {realisation!r} needs"
    if kind.steered and realisation == "hashed":
        return f"{algorithm}'s slots follow the load, and {realisation!r} would move what lives with them"
    return ""


def mac_of(address: IPAddress, prefix: bytes) -> str:
    """A MAC in which the end of `address` can be read, after two bytes that say whose it is."""
    return ":".join(f"{byte:02x}" for byte in prefix + address.packed[-4:])


def _mac(where: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}", value):
        raise LabError(f"{where}: mac is {value!r}", "six bytes in hex, such as 02:00:00:02:00:01", field="mac")
    return value.lower()
