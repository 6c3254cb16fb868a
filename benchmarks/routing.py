"""Question: what does it cost the reverse proxy to find a request's route, and how does that grow with the routes?

Prediction: a pool without conditions costs next to nothing. Where hosts or first segments tell the routes apart, 30
routes cost no more than twice what 3 do, for they are looked up. Where all of them ask for a header, each has to be
asked, and that costs under a microsecond for each. Nothing costs more than 20 microseconds.

Method: tables of 3 and 30 routes, and a request that the last of them takes. Timed is the router alone
(l7proxy/routing.py), as interpreted, in CPU time of one process, without garbage collection; each case once in each
round, in an order shuffled anew. `one by one` asks the same rows by themselves in their order, as routers without the
dictionaries would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import thread_time_ns
from typing import Any

from balancing import Pair, Route
from benchmarks.rounds import interleave, quiet, spread
from experiments.display import Display
from experiments.experiment import Options, Part
from l7proxy.config import Answer
from l7proxy.messages import NO_BODY, RequestHead, field
from l7proxy.routing import Routed, Router, Row, router

ROUTES = (3, 30)
MOST_NS = 20_000
FIELDS = [field(b"User-Agent", b"curl/7.88.1"), field(b"Accept", b"*/*"), field(b"Accept-Encoding", b"gzip, deflate"),
          field(b"Cookie", b"theme=dark; group=b; sid=0123456789abcdef"), field(b"X-Version", b"beta")]

# By what the routes of a table differ: the nth, of which the last must take ASKED.
TABLES: dict[str, Callable[[int, int], Route | None]] = {
    "no condition": lambda number, last: None,
    "host": lambda number, last: Route(host="www.shop.example" if number == last else f"h{number}.example"),
    "host *.": lambda number, last: Route(host="*.shop.example" if number == last else f"*.h{number}.example"),
    "first segment": lambda number, last: Route(path="/video" if number == last else f"/p{number}"),
    "second segment": lambda number, last: Route(path="/video/cats" if number == last else f"/video/p{number}"),
    "pattern": lambda number, last: Route(path_pattern="/video/*/" + ("*.webm" if number == last else f"p{number}/**")),
    "header": lambda number, last: Route(header=Pair("X-Version", "beta" if number == last else f"v{number}")),
    "cookie": lambda number, last: Route(cookie=Pair("group", "b" if number == last else f"g{number}")),
}
LOOKED_UP = ("no condition", "host", "host *.", "first segment")
ASKED = RequestHead(b"GET", b"/video/cats/7.webm?quality=hd", b"www.shop.example", 1, FIELDS, NO_BODY, True)
Case = tuple[str, int, str]  # table, routes, how


@dataclass(frozen=True)
class Size:
    """How many rounds, and how many requests in a sample."""

    rounds: int = 15
    requests: int = 5000


QUICK, FULL = Size(5, 500), Size()


def rows_of(name: str, routes: int) -> list[Row]:
    """A table of so many routes."""
    made = TABLES[name]
    return [(made(number, routes), Routed(f"route-{number}", Answer(204))) for number in range(1, routes + 1)]


def one_by_one(rows: Sequence[Row]) -> Router:
    """Each row by itself, in their order."""
    alone = [router([row]) for row in rows]
    return lambda head: next((found for find in alone if (found := find(head)) is not None), None)


def sample(find: Router, requests: int) -> float:
    """Nanoseconds of CPU that one request's routing takes."""
    for _ in range(requests // 4):
        find(ASKED)
    with quiet():
        began_ns = thread_time_ns()
        for _ in range(requests):
            find(ASKED)
        return (thread_time_ns() - began_ns) / requests


def measure(size: Size, seed: int, say: Callable[[str], object] = lambda words: None) -> dict[Case, list[float]]:
    """Nanoseconds a request in each round, by case."""
    kinds: Mapping[str, Callable[[Sequence[Row]], Router]] = {"compiled": router, "one by one": one_by_one}
    finders = {(name, routes, how): kind(rows_of(name, routes))
               for name in TABLES for routes in ROUTES for how, kind in kinds.items()}
    samples = {case: lambda find=find: sample(find, size.requests) for case, find in finders.items()}
    return interleave(samples, size.rounds, seed, lambda words: say(f"routing: {words}"))


def rows(found: dict[Case, list[float]]) -> list[dict[str, Any]]:
    """The table `routing_speed`: a row for each kind of table."""
    table = []
    for name in TABLES:
        row: dict[str, Any] = {"routes_by": name}
        for routes in ROUTES:
            row |= spread(f"ns_{routes}", found[name, routes, "compiled"])
        row |= spread(f"ns_{ROUTES[-1]}_one_by_one", found[name, ROUTES[-1], "one by one"])
        few, many = (found[name, routes, "compiled"] for routes in ROUTES)
        table.append(row | spread("growth", [two / one for one, two in zip(few, many, strict=True)], 2))
    return table


def as_predicted(table: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it is as the prediction says."""
    return all(row["ns_30"] < MOST_NS and (row["growth"] < 2 or row["routes_by"] not in LOOKED_UP) for row in table)


def moral(table: Sequence[Mapping[str, Any]]) -> str:
    """What is to be seen, in the run's own figures."""
    ns = {row["routes_by"]: row["ns_30"] for row in table}
    slowest = max(ns, key=lambda name: ns[name])
    return (f"Of 30 routes the last is found in {ns['host']:.0f} ns by its host, in {ns['first segment']:.0f} ns by "
            f"the first segment of its path, and in {ns[slowest] / 1000:.1f} µs at most (by {slowest}); a pool without "
            f"conditions takes {ns['no condition']:.0f} ns.")


def part(options: Options, display: Display) -> Part:
    """Measure it."""
    table = rows(measure(QUICK if options.quick else FULL, options.seed, display.say))
    shown = [{
        "routes by": row["routes_by"], **{f"{count} routes, ns": round(row[f"ns_{count}"]) for count in ROUTES},
        "30 one by one, ns": round(row["ns_30_one_by_one"]), "30 beside 3": f"{row['growth']:.2f}",
    } for row in table]
    return Part("routing_speed", table, moral(table), as_predicted(table), shown=shown)


PARTS = (part,)
