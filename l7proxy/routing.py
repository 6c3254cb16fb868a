"""The routing table: which row takes a request, the first in their order whose conditions are met.

     rows ──compiled once──►  hosts: shop.example ──►  paths: "video" ──► row 1, row 4      the few that may match,
                                     *.example    ──►         "img"   ──► row 2, row 4      in their order; each is
                                     any other    ──►         others  ──► row 4             asked (conditions.py)

     head ──route_of──►  Routed(name, action, rewrite, cache), or None: nobody wants it

Rules kept here:

1. Pure: a head in, a row out. What is compared is a path's normal form; what goes on is the path as it came, unless
   the row rewrites it: then it is written anew, out of the normal form.
2. The two dictionaries only leave out rows that can't match, and keep the order of the others.
3. Every path has a normal form: a request whose path has none was refused when it was read (target.py). So none
   passes by a row that would have taken it, and is taken for the same by a server behind another.
4. One pool without conditions costs nothing; what costs is bounded by the table, never by what a client sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from balancing import Route
from balancing.path import normal_path
from l7proxy import templates
from l7proxy.balancer import Balancer
from l7proxy.conditions import Condition, condition, host_name
from l7proxy.config import Answer, Config, Listener, Redirect, Rule
from l7proxy.messages import RequestHead
from l7proxy.templates import Filled

MOST_AUTHORITIES = 1024  # that are remembered as they were written: www.shop.example:8080, WWW.shop.example
LONGEST_NAME = 256       # bytes of one that is remembered (RFC 1035 2.3.4)


class Moved(NamedTuple):
    """A redirect, compiled. location: what its Location says to a request."""

    status: int
    location: Filled


class Routed(NamedTuple):
    """A row of the table, compiled: what is done with a request that it takes.

    name:    of the row, for logs.
    action:  whose servers answer, or what is answered.
    rewrite: the target in the place of the request's; None leaves it.
    cache:   whether what the servers answer may be stored.
    match:   its conditions; None asks for nothing.
    space:   the part of the cache that is its own.
    """

    name: str
    action: Balancer | Moved | Answer
    rewrite: Filled | None = None
    cache: bool = False
    match: Route | None = None
    space: bytes = b""

    def __repr__(self) -> str:
        return f"<Routed {self.name}>"


Router = Callable[[RequestHead], Routed | None]
Row = tuple[Route | None, Routed]
_Rows = tuple[tuple[Condition | None, Routed], ...]
_Paths = tuple[dict[str, _Rows], _Rows]  # by the first segment, and those for every other



def said(route: Routed, head: RequestHead) -> tuple[Answer, bytes]:
    """What a row without a pool answers to `head`, and its further field lines."""
    if isinstance(route.action, Moved):
        return Answer(route.action.status), b"Location: %b\r\n" % route.action.location(head)
    assert isinstance(route.action, Answer)
    return route.action, b""


def table(config: Config, listener: Listener, balancers: Mapping[str, Balancer]) -> Router:
    """What finds the row for a request that has come to `listener`. balancers: the live ones, by their pools' names."""
    if listener.https_port is not None:
        port = f":{listener.https_port}" if listener.https_port != 443 else ""
        moved = Moved(308, templates.location(f"https://{{host}}{port}{{path}}", None))
        return router([(None, Routed("to https", moved))])
    rows = [(rule.match, routed(rule, config, balancers)) for rule in config.rules_of(listener)]
    scheme = "https" if listener.tls else "http"
    return router([(match, row._replace(space=f"{scheme} {row.name}".encode())) for match, row in rows])


def routed(rule: Rule, config: Config, balancers: Mapping[str, Balancer]) -> Routed:
    """One row, compiled. Raises LabError where a template is none."""
    if isinstance(rule.action, Answer):
        return Routed(rule.name, rule.action, match=rule.match)
    if isinstance(rule.action, Redirect):
        moved = Moved(rule.action.status, templates.location(rule.action.to, rule.match))
        return Routed(rule.name, moved, match=rule.match)
    rewrite = templates.rewrite(rule.rewrite, rule.match) if rule.rewrite else None
    return Routed(rule.name, balancers[rule.action], rewrite, rule.cache and config.cache is not None, rule.match)


def router(rows: Sequence[Row]) -> Router:
    """Compile a table."""
    if rows and rows[0][0] is None and not _asks_path(*rows[0]):
        only = rows[0][1]
        return lambda head: only
    asked = [_Asked(route or _ALL, condition(route) if route else None, row) for route, row in rows]
    by_path = any(_asks_path(*row) for row in rows)
    hosts = _Hosts(asked)
    known, unknown = hosts.known, hosts.find

    def find(head: RequestHead) -> Routed | None:
        path = ""
        firsts, few = known.get(head.host) or unknown(head.host)
        if by_path:
            path = head.target.partition(b"?")[0].decode("latin-1")
            if "%" in path:  # else it is its own normal form: rule 3
                path = normal_path(path) or ""
            end = path.find("/", 1)
            few = firsts.get(path[1:end] if end > 0 else path[1:], few)
        for met, row in few:
            if met is None or met(head, path):
                return row
        return None
    return find


def _asks_path(route: Route | None, row: Routed) -> bool:
    """Whether a path is compared, or written anew."""
    asked = route and (route.path or route.path_exact or route.path_pattern)
    return bool(asked or row.rewrite or isinstance(row.action, Moved))


class _Asked(NamedTuple):
    """A row while the table is made. met: what is asked beside the host; None for nothing."""

    route: Route
    met: Condition | None
    row: Routed

    @property
    def first(self) -> str | None:
        """The first segment of every path that it can take; None if there is no such."""
        route = self.route
        path = route.path or route.path_exact or route.path_pattern or "/"
        first = path.split("/")[1]
        open_ended = path == "/" if route.path_exact is None else False
        return None if open_ended or (route.path_pattern and "*" in first) else first

    def takes(self, host: str) -> bool:
        """Whether it can be a row for `host`, or for every name under it, if it is *.NAME."""
        own = self.route.host
        return own is None or own == host or (own.startswith("*.") and host.endswith(own[1:]))


class _Hosts:
    """The rows by host. known: by authority, as it was written; find: those of one that isn't there yet."""

    def __init__(self, asked: Sequence[_Asked]) -> None:
        names = {one.route.host for one in asked if one.route.host}
        paths = {name: _by_first([one for one in asked if one.takes(name)]) for name in names}
        self.known = {name.encode(): found for name, found in paths.items() if not name.startswith("*.")}
        self._under = {name[2:].encode(): found for name, found in paths.items() if name.startswith("*.")}
        self._depths = sorted({name.count(b".") + 1 for name in self._under}, reverse=True)
        self._other = _by_first([one for one in asked if one.route.host is None])

    def find(self, authority: bytes) -> _Paths:
        name = host_name(authority)
        found = self.known.get(name) or self._parent(name)
        if len(self.known) < MOST_AUTHORITIES and len(authority) < LONGEST_NAME:
            self.known[authority] = found
        return found

    def _parent(self, name: bytes) -> _Paths:
        """The rows of the longest *.NAME that it is under."""
        for depth in self._depths:
            labels = name.rsplit(b".", depth)
            if len(labels) > depth and (found := self._under.get(name[len(labels[0]) + 1:])):
                return found
        return self._other


def _by_first(asked: Sequence[_Asked]) -> _Paths:
    firsts = {one.first for one in asked} - {None}
    return {first: _few(asked, first) for first in firsts if first is not None}, _few(asked, None)


def _few(asked: Iterable[_Asked], first: str | None) -> _Rows:
    """Those that a path can meet whose first segment is this one, or (None) one that is nowhere named."""
    return tuple((one.met, one.row) for one in asked if one.first in (None, first))


_ALL = Route(path="/")  # stands for no condition where only the host and the first segment are looked at
