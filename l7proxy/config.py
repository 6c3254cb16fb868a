"""What the proxy is told, checked and frozen, whatever it was written in.

     proxy.toml      ──config_file.py──────┐
     --listen ...    ──config_flags.py─────┼──►  Config  ──server.py, routing.py──►  a proxy that runs
     services.json   ──config_services.py──┘                     ▲
                                                  reload.py: old Config, new Config

Rules kept here:

1. A Config that exists is whole: every name in it leads to something, and what is out of bounds was refused.
2. It is data: no socket, no file is opened for it, and two of them can be compared.
3. What balancing can say is said in its words: a pool is a Service of layer l7, what a route asks for is a Route.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from balancing import Route, Service
from balancing.form import IPAddress
from l7proxy.balancer import Policy
from l7proxy.forward.terms import ForwardTerms
from l7proxy.forwarded import Forwarding
from l7proxy.limits import Limits

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
STDOUT = Path("-")


@dataclass(frozen=True)
class Address:
    """Where something listens; port 0 lets the system choose one."""

    ip: IPAddress
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


@dataclass(frozen=True)
class Certificate:
    """A certificate's chain and key, as paths of PEM files.

    names: the host names that it is shown for (SNI, RFC 6066 3); empty for those that stand in it.
    """

    name: str
    cert: Path
    key: Path
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listener:
    """An address that clients connect to.

    certificates: names of those shown here, the first to clients that ask for no known name; none: plain HTTP.
    https_port:   every request is redirected to this port over TLS; None: requests are routed.
    """

    name: str
    address: Address
    certificates: tuple[str, ...] = ()
    https_port: int | None = None

    @property
    def tls(self) -> bool:
        return bool(self.certificates)


@dataclass(frozen=True)
class PoolTerms:
    """A pool's servers, and how a proxy uses them (balancer.py)."""

    service: Service
    policy: Policy = field(default_factory=Policy)

    @property
    def name(self) -> str:
        return self.service.name


@dataclass(frozen=True)
class Redirect:
    """Send the client elsewhere. status: 301, 302, 307, 308 (RFC 9110 15.4). to: a template (templates.py)."""

    to: str
    status: int = 308


@dataclass(frozen=True)
class Answer:
    """A fixed answer."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Rule:
    """A row of the routing table: whose request it is, and what then.

    match:     what a request must meet; None takes all.
    action:    the name of a pool, or what is answered.
    listeners: names of those it is for; none means all.
    rewrite:   a template for the path that the pool's server is asked for (templates.py); empty: as it came.
    cache:     whether answers may be stored, where there is a cache.
    """

    name: str
    action: str | Redirect | Answer
    match: Route | None = None
    listeners: tuple[str, ...] = ()
    rewrite: str = ""
    cache: bool = True

    def of(self, listener: Listener) -> bool:
        """Whether it is one of this listener's."""
        return not self.listeners or listener.name in self.listeners


@dataclass(frozen=True)
class CacheTerms:
    """How many bytes the cache holds in all, and of one answer."""

    size_bytes: int = 64 * 2**20
    max_object_bytes: int = 8 * 2**20


@dataclass(frozen=True)
class Logs:
    """What is written of what happens.

    access: a file, STDOUT or None; form: text or json. explain: which clients may ask why (explain.py).
    """

    access: Path | None = None
    form: str = "text"
    events: Path | None = None
    explain: tuple[Network, ...] = ()


@dataclass(frozen=True)
class Config:
    """One proxy.

    hidden: response fields that are removed, in small letters, beyond those that always are.
    api:    the Unix socket at which operators ask. kept: where what they change is written, if it is services.json.
    forward: of a forward proxy, which then has neither pools nor rules; None for a reverse proxy.
    """

    listeners: tuple[Listener, ...]
    pools: tuple[PoolTerms, ...]
    rules: tuple[Rule, ...]
    certificates: tuple[Certificate, ...] = ()
    cache: CacheTerms | None = None
    forwarding: Forwarding = field(default_factory=Forwarding)
    hidden: tuple[str, ...] = ()
    logs: Logs = field(default_factory=Logs)
    limits: Limits = field(default_factory=Limits)
    api: Path | None = None
    kept: Path | None = None
    forward: ForwardTerms | None = None

    def rules_of(self, listener: Listener) -> tuple[Rule, ...]:
        """The routing table of one listener."""
        return tuple(rule for rule in self.rules if rule.of(listener))
