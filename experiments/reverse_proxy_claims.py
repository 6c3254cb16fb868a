"""What the lecture claims of reverse proxies (claim 12), and what came of it in a run. Pure.

    rows of a table ──► Interval, of packets, requests or rounds ──Rule──► Verdict (verdicts.py)

"Hidden" is read both ways, as the lecture can be: the servers' addresses from clients, and the clients' from servers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.verdicts import Claim, Interval, Rule, Verdict, of_part, of_ratios

Row = Mapping[str, Any]
Rows = Sequence[Row]
LECTURE = 12
THROUGH = Claim(LECTURE, "all requests pass through a reverse proxy", Rule("part of packets that do", ">", 0.9),
                only_if="they are asked of its name")
SERVERS_HIDDEN = Claim(LECTURE, "a reverse proxy hides the servers' addresses from clients",
                       Rule("part of clients' packets that show one", "<", 0.05))
CLIENTS_HIDDEN = Claim(LECTURE, "a reverse proxy hides the clients' addresses from servers",
                       Rule("part of servers' packets that show one", "<", 0.05),
                       only_if="it is told not to pass them on")
TLS = Claim(LECTURE, "TLS ends in one place, the reverse proxy",
            Rule("part of readable packets that are on the servers' side", ">", 0.9))
CACHING = Claim(LECTURE, "a reverse proxy's cache spares servers requests",
                Rule("pages that servers make, with the cache / without", "<", 1))
SOONER = Claim(LECTURE, "a reverse proxy answers sooner than the servers by themselves",
               Rule("time of half of the requests, with the proxy / without", "<", 1),
               only_if="answers are kept")
KEPT = Claim(LECTURE, "a reverse proxy spares servers connections",
             Rule("connections to servers for a request of a new client connection", "<", 0.5))
SPREAD = Claim(LECTURE, "a reverse proxy balances", Rule("the busiest of three servers' part of requests", "<", 0.5))


def of_wire(rows: Rows) -> list[Verdict]:
    """Of `wire`."""
    clients, servers = rows
    readable = clients["readable"] + servers["readable"]
    return [SERVERS_HIDDEN.judge(of_part(clients["show_the_others"], clients["packets"])),
            TLS.judge(of_part(servers["readable"], max(1, readable)))]


def of_passing(rows: Rows) -> list[Verdict]:
    """Of `passing`."""
    named, untold, past = rows
    return [THROUGH.judge(_part(named, "through", "packets"), _part(past, "through", "packets")),
            CLIENTS_HIDDEN.judge(_part(untold, "show_clients", "all_packets"),
                                 _part(named, "show_clients", "all_packets"))]


def of_caching(rows: Rows) -> list[Verdict]:
    """Of `caching`; one round decides nothing."""
    direct, off, on = rows
    if len(on["made_rounds"]) < 2:
        return []
    return [CACHING.judge(_ratios(on, off, "made_rounds")),
            SOONER.judge(_ratios(on, direct, "p50_ms_rounds"), _ratios(off, direct, "p50_ms_rounds"))]


def of_connections(rows: Rows) -> list[Verdict]:
    """Of `connections`."""
    fresh = [row for row in rows if row["way"] != "kept"]
    return [KEPT.judge(of_part(sum(row["server_connections"] for row in fresh), sum(row["requests"] for row in fresh))),
            SPREAD.judge(of_part(sum(row["busiest_server"] for row in rows), sum(row["requests"] for row in rows)))]


def _part(row: Row, count: str, total: str) -> Interval:
    return of_part(row[count], row[total])


def _ratios(mine: Row, other: Row, column: str) -> Interval:
    return of_ratios(zip(mine[column], other[column], strict=True))


JUDGED: dict[str, Callable[[Rows], list[Verdict]]] = {
    "wire": of_wire, "passing": of_passing, "caching": of_caching, "connections": of_connections,
}


def judged(table: str, rows: Rows) -> list[Verdict]:
    """What came of the claims that a table tries."""
    return JUDGED[table](rows) if table in JUDGED else []
