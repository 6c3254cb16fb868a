"""What the lecture claims of forward proxies (claim 12), and what came of it in a run. Pure.

    rounds of browsing and of greed, rows of cases ──► Interval ──Rule──► Verdict (verdicts.py)

A run of one round decides nothing about what is timed: then there is no verdict on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from experiments.fairness import jain
from experiments.forward_proxy_rows import Round, Rounds
from experiments.verdicts import Claim, Rule, Verdict, of_part, of_ratios

Rows = Sequence[Mapping[str, Any]]
LECTURE = 12
SPARED = Claim(LECTURE, "a forward proxy's cache spares origins requests",
               Rule("requests at origins, new cache / direct", "<", 1))
LINK = Claim(LECTURE, "a forward proxy's cache spares the link bytes",
             Rule("bytes over the edge, new cache / direct", "<", 1))
SOONER = Claim(LECTURE, "with a forward proxy's cache pages come sooner than without the proxy",
               Rule("page time p50, warm cache / direct", "<", 1))
CONTROL = Claim(LECTURE, "a forward proxy's traffic control keeps the others' pages quick beside one who is greedy",
                Rule("page time p95, controlled / not", "<", 1))
FAIRER = Claim(LECTURE, "a forward proxy's traffic control shares bytes more evenly",
               Rule("Jain's index, controlled / not", ">", 1))
CLIENTS_HIDDEN = Claim(LECTURE, "a forward proxy keeps clients' addresses from origins (anonymous, elite)",
                       Rule("part of packets at the origin that show one", "<", 0.1))
ORIGINS_HIDDEN = Claim(LECTURE, "a forward proxy keeps origins' addresses from clients",
                       Rule("part of packets at the client that show one", "<", 0.1))
ACCESS = Claim(LECTURE, "a forward proxy decides who may go where, tunnels included",
               Rule("part of tries that were decided as its rules say", ">", 0.75))
FILTERS = Claim(LECTURE, "a forward proxy filters what answers hold",
                Rule("part of tries that were decided as its filters say", ">", 0.6))


def of_caching(found: Rounds) -> list[Verdict]:
    """Of `browsing`."""
    return [*_ratio(SPARED, found["new cache"], found["direct"], lambda one: one.asked),
            *_ratio(LINK, found["new cache"], found["direct"], lambda one: one.crossed),
            *_ratio(SOONER, found["warm cache"], found["direct"], lambda one: one.page_ms(50))]


def of_traffic(found: Rounds) -> list[Verdict]:
    """Of `greedy`."""
    return [*_ratio(CONTROL, found["greedy, controlled"], found["greedy"], lambda one: one.page_ms(95)),
            *_ratio(FAIRER, found["greedy, controlled"], found["greedy"], lambda one: jain(one.got) or 0.0)]


def of_hiding(rows: Rows) -> list[Verdict]:
    """Of `evidence`."""
    shown = [row for row in rows if row["looked_for"] == "the other's address"]
    origins = [row for row in shown if row["at"] == "origin" and row["way"] in ("anonymous", "elite")]
    clients = [row for row in shown if row["at"] == "client" and row["way"] != "direct"]
    return [_part(CLIENTS_HIDDEN, origins, "found", "packets"), _part(ORIGINS_HIDDEN, clients, "found", "packets")]


def of_access(rows: Rows) -> list[Verdict]:
    """Of `blocked`."""
    return [_part(ACCESS, rows, "as_expected", "tries")]


def of_filters(rows: Rows) -> list[Verdict]:
    """Of `filtered`."""
    return [_part(FILTERS, rows, "as_expected", "tries")]


def _ratio(claim: Claim, mine: Sequence[Round], other: Sequence[Round],
           figure: Callable[[Round], float]) -> list[Verdict]:
    if len(mine) < 2:
        return []
    return [claim.judge(of_ratios((figure(one), figure(beside)) for one, beside in zip(mine, other, strict=True)))]


def _part(claim: Claim, rows: Rows, count: str, total: str) -> Verdict:
    return claim.judge(of_part(sum(row[count] for row in rows), sum(row[total] for row in rows)))
