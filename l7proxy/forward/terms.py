"""What a forward proxy is told, checked and frozen: the table [forward] of the file (config.py has the rest)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from l7proxy.forward.addresses import Network
from l7proxy.forward.anonymity import Anonymity
from l7proxy.forward.filters import FilterRule
from l7proxy.forward.rules import Access, AccessRule


@dataclass(frozen=True)
class ForwardTerms:
    """What a forward proxy is told.

    rules, default, connect_ports, realm: of Access (rules.py). reachable: special networks that clients may reach
    (guard.py). users: the file of those who can show who they are; None for
    nobody. anonymity: what origins learn. filters: what clients get (filters.py).
    """

    rules: tuple[AccessRule, ...] = ()
    default: str = "deny"
    connect_ports: tuple[int, ...] = (443,)
    realm: str = "proxy"
    reachable: tuple[Network, ...] = ()
    users: Path | None = None
    anonymity: Anonymity = field(default_factory=Anonymity)
    filters: tuple[FilterRule, ...] = ()

    @property
    def access(self) -> Access:
        """The rules, compiled. Raises LabError."""
        return Access(self.rules, self.default, self.connect_ports, self.realm)
