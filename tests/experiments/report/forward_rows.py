"""TEST DATA: the tables of `forward-proxy`, as a run that came out as predicted has them."""

from __future__ import annotations

from typing import Any

from experiments.forward_proxy import COLUMNS, EVIDENCE

Rows = list[dict[str, Any]]


def spread(name: str, value: float) -> dict[str, float]:
    return {name: value, f"{name}_low": value * 0.9, f"{name}_high": value * 1.1}


def browsing() -> Rows:
    return [{"way": way, "rounds": 3, "pages": 90, "requests": 800, "failed": 0, "origin_requests": asked,
             "saved_pct": 100 - asked / 8, "edge_kbytes": crossed, "edge_saved_pct": 100 - crossed / 100,
             **spread("p50_ms", p50), **spread("p95_ms", 4 * p50), **spread("p50_times", p50 / 200),
             **spread("p95_times", p50 / 200)}
            for way, asked, crossed, p50 in (("direct", 800, 10_000, 200), ("no cache", 800, 9_900, 210),
                                             ("new cache", 500, 6_000, 110), ("warm cache", 300, 3_500, 60))]


def greedy() -> Rows:
    return [{"class": temper, "rounds": 3, "pages": 54, "failed": 0, **spread("p50_ms", p50),
             **spread("p95_ms", 3 * p50), **spread("p50_times", p50 / 150), **spread("p95_times", p50 / 150),
             **spread("p95_times_beside_greedy", p50 / 1500), **spread("greedy_share", share), **spread("jain", even)}
            for temper, p50, share, even in (("nobody greedy", 150, 0.0, 0.75), ("greedy", 1500, 0.85, 0.13),
                                             ("greedy, controlled", 500, 0.45, 0.4))]


def learned() -> Rows:
    row = {"who": "origin", "field": "address", "said": "10.0.1.1", "direct": "10.0.1.1",
           **dict.fromkeys(COLUMNS[1:], "198.51.100.2")}
    forwarded = {"who": "origin", "field": "X-Forwarded-For", "said": "6.6.6.6", "direct": "6.6.6.6",
                 "transparent": "10.0.1.1", "anonymous": "", "elite": "", "tunnel": "6.6.6.6"}
    via = {"who": "client", "field": "Via", "said": "", "direct": "", "transparent": "1.1 lab-1", "elite": "",
           "anonymous": "1.1 lab-2", "tunnel": ""}
    return [row, forwarded, via]


def evidence() -> Rows:
    return [{"way": way, "at": at, "looked_for": what, "packets": 40, "found": 4 if way in ways else 0}
            for (at, what), ways in EVIDENCE.items() for way in COLUMNS]


def blocked() -> Rows:
    return [{"by": "nothing", "asked": "GET http://news.example/", "expected": "200", "status": 200, "rule": "",
             "user_sees": "text/html", "tries": 20, "origin_requests": 20, "as_expected": 20},
            {"by": "host", "asked": "GET http://ads.example/", "expected": "403 no-ads", "status": 403,
             "rule": "no-ads", "user_sees": "a page: 403 Forbidden", "tries": 20, "origin_requests": 0,
             "as_expected": 20}]


def filtered() -> Rows:
    return [{"by": "size", "asked": "GET http://video.example/bytes/2000000", "expected": "403 not-so-large",
             "status": 403, "rule": "not-so-large", "user_sees": "a page: 403 Forbidden", "tries": 20,
             "origin_requests": 20, "as_expected": 20}]


TABLES = {"browsing": browsing, "greedy": greedy, "learned": learned, "evidence": evidence, "blocked": blocked,
          "filtered": filtered}
