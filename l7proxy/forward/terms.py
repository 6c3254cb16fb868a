"""What a forward proxy is told, checked and frozen: the table [forward] of the file (config.py has the rest)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from l7proxy.forward.addresses import Network
from l7proxy.forward.admission import RequestRate
from l7proxy.forward.anonymity import Anonymity
from l7proxy.forward.filters import FilterRule
from l7proxy.forward.rules import Access, AccessRule
from l7proxy.forward.traffic import BURST_S, Share
from layerlab import LabError


@dataclass(frozen=True)
class TrafficTerms:
    """How fast clients get and send, each way by itself.

    share: of each client; shares: of those that have another one. total: octets a second for all of them; None for no
    bound, and then there is nothing to borrow from. per: what a client is: its address, or its user if it has shown
    one. burst_s: how many seconds' worth of a rate may come at once.
    """

    share: Share
    total: float | None = None
    shares: Mapping[str, Share] = field(default_factory=dict)
    per: str = "client"
    burst_s: float = BURST_S

    def __post_init__(self) -> None:
        for share in (self.share, *self.shares.values()):
            if self.total is None and share.ceiling > share.assured:
                raise LabError("what others leave can be borrowed up to ceil, and there is no total to borrow from",
                               "total beside it, or no ceil", field="ceil")
            if self.total is not None and share.ceiling > self.total:
                raise LabError(f"{share.ceiling:.0f} bytes/s for one client, of {self.total:.0f} in all",
                               "no more for one than there is", field="total")


@dataclass(frozen=True)
class ForwardTerms:
    """What a forward proxy is told.

    rules, default, connect_ports, realm: of Access (rules.py). reachable: special networks that clients may reach
    (guard.py). users: the file of those who can show who they are; None for
    nobody. anonymity: what origins learn. filters: what clients get (filters.py). traffic, requests: how fast clients
    get and ask; None for no bound.
    """

    rules: tuple[AccessRule, ...] = ()
    default: str = "deny"
    connect_ports: tuple[int, ...] = (443,)
    realm: str = "proxy"
    reachable: tuple[Network, ...] = ()
    users: Path | None = None
    anonymity: Anonymity = field(default_factory=Anonymity)
    filters: tuple[FilterRule, ...] = ()
    traffic: TrafficTerms | None = None
    requests: RequestRate | None = None

    @property
    def access(self) -> Access:
        """The rules, compiled. Raises LabError."""
        return Access(self.rules, self.default, self.connect_ports, self.realm)
