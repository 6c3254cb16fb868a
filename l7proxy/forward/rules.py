"""Who may go where: ordered rules, of which the first that is met decides.

     # allow or deny  client         user  host        network  port  method    url
     1 deny   ads                          .ads.example
     2 allow  class   10.0.1.0/24    *                          80    GET HEAD
       deny   everything else

Rules kept here:

1. All conditions of a rule must be met; of the words of one condition, one. A rule without conditions ends the table.
2. What isn't known yet is asked for only if the rest of the rule is met: who asks (407), what the name's addresses are.
   A rule that denies by user asks as well: who hides isn't somebody else.
3. With several addresses each is judged by itself, and only those that are allowed are dialled (guard.py).
4. CONNECT goes to listed ports only (RFC 9110 9.3.6), whatever the rules say. Of it no URL is known, so a rule by URL
   never takes it.
5. What costs is bounded by the table, and the decision of a table without URLs is remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from balancing.form import IPAddress
from l7proxy.forward import matching
from l7proxy.forward.addresses import Network, carried, within
from l7proxy.forward.destination import Destination
from l7proxy.forward.users import challenge
from l7proxy.forward.verdict import Outcome, Verdict, check_name, denied
from layerlab import LabError, choice

ANYBODY = "*"  # among users: anyone who has shown who he is
MOST_KNOWN = 4096
_METHOD = re.compile(r"[A-Z][A-Z-]*")


class Asked(NamedTuple):
    """A request, as far as rules look at it. user: who has shown who he is; None for nobody."""

    client: IPAddress
    user: str | None
    method: bytes
    destination: Destination


class Ports(NamedTuple):
    """Ports from the first to the last."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


@dataclass(frozen=True)
class AccessRule:
    """A row; an empty condition asks for nothing. Raises LabError for what no request could meet.

    name:     what the client is told. action: allow or deny.
    clients:  networks that the client is in. users: names, or * for anybody who has one.
    hosts:    names of the destination (matching.py). networks: of its addresses.
    ports, methods, urls: of what is asked for; patterns for URLs (matching.py).
    """

    name: str
    action: str
    clients: tuple[Network, ...] = ()
    users: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()
    ports: tuple[Ports, ...] = ()
    methods: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        choice("action", self.action, ("allow", "deny"))
        matching.hosts(self.hosts)
        for ports in self.ports:
            if not 0 < ports.first <= ports.last <= 65_535:
                raise LabError(f"rule {self.name}: there are no ports {ports}", "1 to 65535", field="ports")
        for method in self.methods:
            if not _METHOD.fullmatch(method):
                raise LabError(f"rule {self.name}: {method!r} is no method", "capitals, such as GET", field="methods")

    @property
    def conditions(self) -> dict[str, tuple[object, ...]]:
        """Those that ask for something, by their names."""
        return {name: words for name in CONDITIONS if (words := getattr(self, name))}


CONDITIONS = ("clients", "users", "hosts", "networks", "ports", "methods", "urls")
_Condition = Callable[[Asked], bool]


class _Row:
    """A rule, compiled."""

    __slots__ = ("needed", "networks", "unknown", "unresolved", "users", "verdict")

    def __init__(self, rule: AccessRule, realm: str) -> None:
        self.needed = _needed(rule)
        self.users, self.networks = frozenset(rule.users), rule.networks
        if rule.action == "allow":
            self.verdict = Verdict(Outcome.ALLOW, rule.name)
        else:
            self.verdict = denied(rule.name, "a rule of this proxy forbids it")
        self.unknown = challenge(realm, rule.name)
        self.unresolved = Verdict(Outcome.RESOLVE, rule.name)

    def judge(self, asked: Asked, address: IPAddress | None) -> Verdict | None:
        """The verdict, None if the rule isn't met."""
        for met in self.needed:
            if not met(asked):
                return None
        if self.networks and address is not None and not _among(address, self.networks):
            return None
        if self.users:
            if asked.user is None:
                return self.unknown
            if asked.user not in self.users and ANYBODY not in self.users:
                return None
        return self.unresolved if self.networks and address is None else self.verdict


def _needed(rule: AccessRule) -> tuple[_Condition, ...]:
    """The conditions that can always be decided, those that cost least first."""
    made: list[_Condition] = []
    if rule.methods:
        methods = frozenset(method.encode() for method in rule.methods)
        made.append(lambda asked: asked.method in methods)
    if rule.ports:
        ports = frozenset(port for first, last in rule.ports for port in range(first, last + 1))
        made.append(lambda asked: asked.destination.port in ports)
    if rule.hosts:
        named = matching.hosts(rule.hosts)
        made.append(lambda asked: named(asked.destination.name))
    if rule.clients:
        made.append(lambda asked: _among(asked.client, rule.clients))
    if rule.urls:
        shaped = matching.globs(rule.urls)
        made.append(lambda asked: not asked.destination.tunnel and shaped(asked.destination.url))
    return tuple(made)


def _among(address: IPAddress, networks: Collection[Network]) -> bool:
    """Whether it, or an address that it carries, is in one of them: ::ffff:10.0.0.1 is no way around 10.0.0.0/8."""
    return any(within(one, networks) for one in carried(address))


class Access:
    """The table. default: what becomes of a request that no rule takes. connect_ports: those of CONNECT.

    realm: what credentials are asked for (RFC 9110 11.5). Raises LabError for a rule that can't be reached, or for two
    of one name.
    """

    def __init__(self, rules: Sequence[AccessRule], default: str = "deny",
                 connect_ports: Collection[int] = (443,), realm: str = "proxy") -> None:
        _check(rules)
        self.rules, self.connect_ports = tuple(rules), frozenset(connect_ports)
        self._rows = tuple(_Row(rule, realm) for rule in rules)
        self._last = _Row(AccessRule("default", default), realm).verdict
        self._no_port = denied("connect-ports", "this proxy has no tunnels to that port")
        self._known: dict[tuple[object, ...], Verdict] = {}
        self._memory = not any(rule.urls for rule in rules)

    def judge(self, asked: Asked, address: IPAddress | None = None) -> Verdict:
        """What is decided. address: the one that would be dialled; None while the name isn't resolved."""
        goal = asked.destination
        address = goal.address or address
        if not self._memory:
            return self._judge(asked, address)
        key = (asked.client.packed, asked.user, asked.method, goal.name, goal.port, goal.scheme,
               address and address.packed)  # octets: addresses are slow to compare
        verdict = self._known.get(key)
        if verdict is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            verdict = self._known[key] = self._judge(asked, address)
        return verdict

    def _judge(self, asked: Asked, address: IPAddress | None) -> Verdict:
        if asked.destination.tunnel and asked.destination.port not in self.connect_ports:
            return self._no_port
        for row in self._rows:
            verdict = row.judge(asked, address)
            if verdict is not None:
                return verdict
        return self._last

    def understood(self) -> str:
        """The table in words."""
        lines = [f"tunnels (CONNECT): to ports {', '.join(map(str, sorted(self.connect_ports))) or 'none'}"]
        width = max((len(rule.name) for rule in self.rules), default=0)
        for number, rule in enumerate(self.rules, 1):
            words = "   ".join(f"{_WORDS[name]} {' or '.join(map(str, words))}"
                               for name, words in rule.conditions.items())
            lines.append(f"{number:3}  {rule.action:5}  {rule.name:{width}}  {words or 'everything'}")
        if not self.rules or self.rules[-1].conditions:
            lines.append(f"{'':3}  {self._last.outcome.value:5}  {'':{width}}  everything else")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Access: {len(self.rules)} rules, else {self._last.outcome.value}>"


_WORDS = {"clients": "client", "users": "user", "hosts": "host", "networks": "address", "ports": "port",
          "methods": "method", "urls": "url"}


def _check(rules: Sequence[AccessRule]) -> None:
    seen: set[str] = set()
    for number, rule in enumerate(rules, 1):
        if rule.name in seen:
            raise LabError(f"two rules are called {rule.name}", "a name of its own for each: clients are told it",
                           field="name")
        seen.add(rule.name)
        if not rule.conditions and number < len(rules):
            raise LabError(f"rule {rule.name} takes every request, so {rules[number].name} is never reached",
                           "a rule without conditions only at the end", field="name")
