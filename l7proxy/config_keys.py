"""Every key of the configuration file, as a table: it is what the file is checked by, and what the manual prints.

     SECTIONS["pool.health"] ──► config_reader.py: unknown, missing and wrong values
                             └─► config_words.py: the reference in docs/proxy.md

Rule: a key that isn't here doesn't exist, and nothing about a key's type or default stands anywhere else, but where it
is a field of HealthCheck or Limits: then it is drawn from there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_type_hints

from balancing import HealthCheck
from balancing.service import MAX_WEIGHT
from l7proxy import config_kinds as kinds
from l7proxy.accesslog import FORMATS
from l7proxy.balancer import Policy
from l7proxy.config import Answer as FixedAnswer
from l7proxy.config import CacheTerms, Logs, Redirect
from l7proxy.config_kinds import Kind, number, one_of, whole
from l7proxy.forward.anonymity import COOKIES, LEVELS, REFERERS, Anonymity
from l7proxy.forward.filters import ACTIONS, FilterRule
from l7proxy.forward.terms import ForwardTerms
from l7proxy.forwarded import Forwarding
from l7proxy.limits import Limits

REQUIRED = object()
MANY = 10**9


class Inner(NamedTuple):
    """A table of its own. section: its keys. many: an array of them. brief: may each be written as text, too."""

    section: str
    many: bool = False
    brief: bool = False


class Key(NamedTuple):
    """A row. default: what holds where it is left out; shown: how the manual says that, if not so."""

    name: str
    kind: Kind | Inner
    default: Any
    meaning: str
    shown: str = ""


def _rows(*rows: tuple[Any, ...]) -> tuple[Key, ...]:
    return tuple(Key(*row) for row in rows)


def _meanings(kind: type) -> Mapping[str, str]:
    """What the docstring of a dataclass says of its fields; nothing of one that is compiled, which has none."""
    rows = re.findall(r"^    ([\w, ]+?): +(.+(?:\n {5,}.+)*)$", kind.__doc__ or "", re.MULTILINE)
    return {name: " ".join(words.split()) for names, words in rows for name in names.split(", ")}


def _drawn(kind: type, names: Iterable[str], counts: Kind, seconds: Kind) -> tuple[Key, ...]:
    """Keys that are fields of a dataclass of numbers and texts, in its words. counts, seconds: what these may be."""
    types, meanings = get_type_hints(kind), _meanings(kind)
    of_type = {float: seconds, int: counts, str: kinds.TEXT}
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    return tuple(Key(name, of_type[types[name]], defaults[name], meanings.get(name, "").removeprefix("L7: "))
                 for name in names)


_TERMS, _ANONYMITY, _FILTER = ForwardTerms(), Anonymity(), FilterRule("it", "block")
_POLICY, _CACHE, _LOGS, _FORWARDING = Policy(), CacheTerms(), Logs(), Forwarding()

SECTIONS: dict[str, tuple[Key, ...]] = {
    "": _rows(
        ("listener", Inner("listener", many=True), REQUIRED, "where clients connect"),
        ("certificate", Inner("certificate", many=True), (), "what TLS listeners show"),
        ("pool", Inner("pool", many=True), (), "servers, and how they share the load"),
        ("route", Inner("route", many=True), (), "whose request it is: the first that matches"),
        ("cache", Inner("cache"), None, "keep answers; without it none is kept"),
        ("forwarded", Inner("forwarded"), None, "what servers learn of the client"),
        ("hide", Inner("hide"), None, "what clients don't learn of the servers"),
        ("log", Inner("log"), None, "what is written"),
        ("limits", Inner("limits"), None, "how long and how much the proxy bears"),
        ("forward", Inner("forward"), None, "be a forward proxy, with neither pools nor routes: `lab-proxy forward`"),
        ("api", Inner("api"), None, "where operators ask; without it nowhere"),
    ),
    "listener": _rows(
        ("address", kinds.ADDRESS, REQUIRED, "where it listens; `0.0.0.0` and `[::]` for every address"),
        ("name", kinds.TEXT, "", "what routes and logs call it", "its address"),
        ("tls", kinds.BOOL, False, "whether clients speak TLS here"),
        ("certificates", kinds.NAMES, (), "which are shown here, the first to clients that ask for no known name",
         "all, in the file's order"),
        ("redirect_to_https", whole(1, 65_535), None, "redirect every request to this port, over TLS", "off"),
    ),
    "certificate": _rows(
        ("name", kinds.TEXT, REQUIRED, "what listeners call it"),
        ("cert", kinds.PATH, REQUIRED, "PEM: the certificate, and those between it and the CA's"),
        ("key", kinds.PATH, REQUIRED, "PEM: its private key"),
        ("names", kinds.SERVER_NAMES, (), "for which host names it is shown", "those in it"),
    ),
    "pool": _rows(
        ("name", kinds.TEXT, REQUIRED, "what routes, logs and operators call it"),
        ("backends", Inner("pool.backends", many=True, brief=True), REQUIRED,
         "its servers, each a text `ADDRESS:PORT` or `ADDRESS:PORT=WEIGHT`, or a table"),
        ("algorithm", kinds.ALGORITHM, "round-robin", "who is next: a word of `lab-proxy reverse --help`, or "
         "`FILE.py:CLASS`"),
        ("health", Inner("pool.health"), None, "test the servers; without it they are taken to be up"),
        ("max_connections", whole(1, MANY), _POLICY.most, "requests at one server at a time; others wait", "no bound"),
        ("queue", whole(0, MANY), _POLICY.queue, "how many may wait for one server, for `limits.queue_s`; else 503"),
        ("sticky", Inner("pool.sticky"), None, "keep a client at its server", "off"),
        ("tries", whole(1, 100), _POLICY.tries, "on how many servers a request is tried, if it may be repeated"),
        ("retry_ratio", kinds.RATIO, _POLICY.retry_ratio, "which part of the requests may be tried again"),
        ("retry_burst", whole(0, MANY), _POLICY.retry_burst, "and how many more, at once"),
    ),
    "pool.backends": _rows(
        ("address", kinds.ADDRESS, REQUIRED, "where it serves"),
        ("name", kinds.TEXT, "", "what logs and operators call it", "its address"),
        ("weight", whole(0, MAX_WEIGHT), 1, "its share; 0 drains it"),
        ("draining", kinds.BOOL, False, "give it no new requests"),
    ),
    "pool.health": _drawn(HealthCheck, ("path", "status", "body", "host", "interval_s", "timeout_s", "rise", "fall",
                                        "half_life_s", "slow_start_s"), whole(0, 599), kinds.SECONDS),
    "pool.sticky": _rows(
        ("cookie", kinds.COOKIE_NAME, "", "by a signed cookie of this name, which the proxy sets", "off"),
        ("hash", kinds.HASHED, None, "by a hash of what the client sends, for `source-hash` and `maglev`", "off"),
        ("secret_file", kinds.PATH, None, "what the cookie is signed with, where several proxies share it",
         "this process's own"),
    ),
    "route": _rows(
        ("name", kinds.TEXT, "", "what logs call it", "`route-1`, `route-2`, ..."),
        ("listeners", kinds.NAMES, (), "the listeners that it is for", "all"),
        ("host", kinds.TEXT, None, "the host asked for is this, or ends so: `*.shop.example`", "any"),
        ("path", kinds.TEXT, None, "the path begins with these segments", "any"),
        ("path_exact", kinds.TEXT, None, "the path is this", "any"),
        ("path_pattern", kinds.TEXT, None, "the path has this shape: `*` within a segment, `**` at the end", "any"),
        ("header", kinds.HEADER, None, "a field has this value", "any"),
        ("cookie", kinds.COOKIE, None, "a cookie has this value", "any"),
        ("method", kinds.TEXTS, None, "the method is one of these", "any"),
        ("pool", kinds.TEXT, None, "then this pool answers"),
        ("redirect", Inner("route.redirect"), None, "or the client is sent elsewhere"),
        ("answer", Inner("route.answer"), None, "or this is answered"),
        ("rewrite", kinds.TEXT, "", "the path that the server is asked for: a template", "as it came"),
        ("cache", kinds.BOOL, True, "whether its answers may be kept, if there is a `[cache]`"),
    ),
    "route.redirect": _rows(
        ("to", kinds.TEXT, REQUIRED, "where to: a template"),
        ("status", one_of(301, 302, 307, 308), Redirect.status, "for good (301, 308) or for now; 307 and 308 keep the "
         "method"),
    ),
    "route.answer": _rows(
        ("status", whole(200, 599), REQUIRED, "the status"),
        ("body", kinds.BODY, FixedAnswer.body, "what it says", "nothing"),
        ("content_type", kinds.TEXT, FixedAnswer.content_type, "what that is"),
    ),
    "cache": _rows(
        ("size", kinds.SIZE, _CACHE.size_bytes, "how much is kept in memory, in all", '`"64MiB"`'),
        ("max_object", kinds.SIZE, _CACHE.max_object_bytes, "the largest answer that is kept", '`"8MiB"`'),
    ),
    "forwarded": _rows(
        ("send", kinds.BOOL, _FORWARDING.on, "tell servers the client's address and what it asked for"),
        ("trusted", kinds.NETWORKS, (), "from whom the same fields are believed; anybody else's are overwritten",
         "nobody"),
    ),
    "hide": _rows(
        ("fields", kinds.FIELD_NAMES, (), "fields of answers that are removed, beside `Server` and others that name "
         "software", "none"),
    ),
    "log": _rows(
        ("access", kinds.LOG, None, "a line for each request; `-` for standard output", "off"),
        ("format", one_of(*FORMATS), _LOGS.form, "of these lines"),
        ("explain", kinds.NETWORKS, (), "which clients may ask why (`Layer-Lab-Explain: 1`, [seeing.md](seeing.md))",
         "nobody"),
        ("events", kinds.PATH, None, "decisions and changes, as NDJSON (balancing/events.py)", "off"),
    ),
    "limits": _drawn(Limits, [field.name for field in dataclasses.fields(Limits)], whole(1, 2**50),
                     number(0.01, kinds.LONGEST_S, "seconds")),
    "forward": _rows(
        ("rule", Inner("forward.rule", many=True), (), "who may go where: the first that is met decides"),
        ("default", one_of("allow", "deny"), _TERMS.default, "what becomes of a request that no rule takes"),
        ("connect_ports", kinds.PORTS, _TERMS.connect_ports, "ports that tunnels (CONNECT) may go to", "`[443]`"),
        ("reachable", kinds.NETWORKS, (), "networks of private, loopback and other special addresses that clients may "
         "reach all the same"),
        ("users", kinds.PATH, None, "the file of those who can show who they are, as `lab-proxy passwd` writes it"),
        ("realm", kinds.TEXT, _TERMS.realm, "what a client is asked a password for"),
        ("anonymity", Inner("forward.anonymity"), None, "what origins learn of clients"),
        ("filter", Inner("forward.filter", many=True), (), "what clients get: an answer meets them in their order"),
    ),
    "forward.rule": _rows(
        ("name", kinds.TEXT, REQUIRED, "what the client is told"),
        ("action", one_of("allow", "deny"), REQUIRED, "what becomes of the request"),
        ("clients", kinds.NETWORKS, (), "the client is in one of these networks", "any"),
        ("users", kinds.NAMES, (), "it has shown to be one of these; `*` is anybody who has", "any"),
        ("hosts", kinds.NAMES, (), "the host is one of these names; `.shop.example` is it and all below", "any"),
        ("networks", kinds.NETWORKS, (), "its address is in one of these", "any"),
        ("ports", kinds.PORT_RANGES, (), "the port is one of these, each a number or `FIRST-LAST`", "any"),
        ("methods", kinds.TEXTS, (), "the method is one of these", "any"),
        ("urls", kinds.TEXTS, (), "the URL has one of these shapes: `*` is anything; a tunnel has none", "any"),
    ),
    "forward.filter": _rows(
        ("name", kinds.TEXT, REQUIRED, "what the client is told"),
        ("action", one_of(*ACTIONS), REQUIRED, "let it pass, whatever comes after; put a page in its place; or other "
         "words in the place of `words`"),
        ("hosts", kinds.NAMES, (), "the host is one of these names; `.shop.example` is it and all below", "any"),
        ("urls", kinds.TEXTS, (), "the URL has one of these shapes: `*` is anything; a tunnel has none", "any"),
        ("types", kinds.TEXTS, (), "the `Content-Type` is one of these: `*` is anything", "any; with `words`: text"),
        ("over", kinds.SIZE, None, "it is larger than this, as it comes", "any"),
        ("words", kinds.TEXTS, (), "one of these stands in it", "any"),
        ("any_case", kinds.BOOL, _FILTER.any_case, "in capitals or not (A to Z)"),
        ("by", kinds.TEXT, _FILTER.by, "what stands in their place", "nothing"),
    ),
    "forward.anonymity": _rows(
        ("level", one_of(*LEVELS), _ANONYMITY.level, "a proxy and its client are named, or only the proxy, or neither"),
        ("referer", one_of(*REFERERS), None, "what is said of the page before", "the level's"),
        ("cookies", one_of(*COOKIES), None, "which are sent", "all"),
        ("user_agent", kinds.TEXT, None, "what is said of the browser; empty: nothing", "the level's"),
    ),
    "api": _rows(
        ("socket", kinds.PATH, REQUIRED, "a Unix socket, for the user who runs it (balancing/api.py)"),
    ),
}
