"""Question: what does a forward proxy do for the clients behind it, and what do the others learn of them?

Prediction:

    browsing   without a cache, and without a proxy, every request reaches an origin. A cache spares origins requests
               and the edge bytes, more so when it is warm; and with a warm one pages are there sooner than without
               any proxy, in every round
    greedy     beside one who takes what he can get the others wait for their pages. Traffic control assures each a
               tenth, and lets nobody have more than a third: they wait less, and his share is less, in every round
    learned    an origin sees the proxy's address, never the client's. At `transparent` it is told all the same; at
               `anonymous` it is told of a proxy, at `elite` of none. In a tunnel it is told what the client says
    evidence   captures show the same: no packet at an origin shows the client's address at `anonymous` and `elite`,
               and by a proxy no packet at a client shows an origin's
    blocked    what rules forbid reaches no origin, tunnels included, and the user is told which rule it was; by URL a
               tunnel can't be judged
    filtered   what an answer holds can be judged when it has come, and not in a tunnel

Method (forward_proxy_rows.py, _seen.py, _blocked.py): the topology `campus`, one lab, one proxy for each thing that is
tried. Without a proxy means: its host is a plain router between the same links. The class plays the same trace by each
way in a round (browsing.py), ways in shuffled order. The edge is narrow (EDGE_MBIT). No link has a delay: the time
that origins take for an object (THINK_S) stands in for it. Readers keep no objects themselves.

    origin_requests, saved_pct   what origins have counted; the part that they were spared
    edge_kbytes                  bytes that crossed the edge, both ways, by its counters
    p50_ms, p95_ms               page time: from asking to the last object's last byte; low, high: of the rounds
    p50_times                    beside the direct way's (or nobody greedy), within a round: median and range
    p95_times_beside_greedy      the same, beside the greedy one without control
    greedy_share, jain           whose bytes, of all that clients got; Jain's index of all ten
    found                        packets in which it is found, of those that were captured
    as_expected                  tries with the expected status, rule, and number of requests at the origin
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiments import forward_proxy_claims as claims
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.forward_proxy_blocked import BY_CONTENT, BY_RULE, blocked
from experiments.forward_proxy_lab import EDGE_MBIT, THINK_S, ForwardLab
from experiments.forward_proxy_rows import FULL, QUICK, Rounds, Size, browsing, browsing_rows, greed, greedy_rows
from experiments.forward_proxy_seen import DESK, by_all_ways
from experiments.verdicts import Verdict

Row = Mapping[str, Any]
Rows = Sequence[Row]
Clauses = list[tuple[bool, str]]


@dataclass
class Found:
    """All that a run has found: rounds of what is timed, rows of the rest."""

    browsing: Rounds
    greedy: Rounds
    rows: dict[str, Rows] = field(default_factory=dict)

    def tables(self) -> dict[str, Rows]:
        """Every table's rows."""
        return {"browsing": browsing_rows(self.browsing), "greedy": greedy_rows(self.greedy), **self.rows}


# -- the prediction ----------------------------------------------------------------------------


def of_browsing(rows: Rows) -> Clauses:
    """What is predicted of `browsing`, and what to say where it is otherwise."""
    by = {row["way"]: row for row in rows}
    direct, plain, new, warm = (by[way] for way in ("direct", "no cache", "new cache", "warm cache"))
    return [
        *((not row["failed"], f"{row['failed']} requests failed, {row['way']}") for row in rows),
        *((row["origin_requests"] == row["requests"], f"{row['way']}: {row['origin_requests']} of {row['requests']} "
           "requests reached an origin") for row in (direct, plain)),
        (new["origin_requests"] < direct["origin_requests"], "a new cache spared origins nothing"),
        (warm["origin_requests"] < new["origin_requests"], "a warm cache spared no more than a new one"),
        (warm["edge_kbytes"] < new["edge_kbytes"] < direct["edge_kbytes"], "caches spared the edge nothing"),
        (warm["p50_times_high"] < 1, f"with a warm cache half of the pages took {warm['p50_times_high']:g} times as "
         "long as without a proxy, in some round"),
    ]


def of_greedy(rows: Rows) -> Clauses:
    """What is predicted of `greedy`."""
    _, free, controlled = rows
    return [
        (free["p50_times_low"] > 1, "beside the greedy one pages took no longer, in some round"),
        (controlled["p95_times_beside_greedy_high"] < 1, "traffic control made p95 no better, in some round"),
        (controlled["greedy_share_high"] < free["greedy_share_low"],
         "traffic control left the greedy one his share, in some round"),
    ]


# What is predicted of each field: nothing is told; as it was said; the client's true address; something else.
NOTHING, AS_SAID, CLIENT, ELSE = "nothing", "as it was said", "the client's address", "something else"
LEARNED = {
    # to whom, what:              direct    transparent  anonymous  elite     tunnel
    ("origin", "address"):              (AS_SAID, ELSE, ELSE, ELSE, ELSE),
    ("origin", "Via"):                  (NOTHING, ELSE, ELSE, NOTHING, NOTHING),
    ("origin", "User-Agent"):           (AS_SAID, AS_SAID, ELSE, ELSE, AS_SAID),
    ("origin", "Sec-CH-UA-Platform"):   (AS_SAID, AS_SAID, NOTHING, NOTHING, AS_SAID),
    ("origin", "From"):                 (AS_SAID, AS_SAID, NOTHING, NOTHING, AS_SAID),
    ("origin", "Referer"):              (AS_SAID, AS_SAID, ELSE, NOTHING, AS_SAID),
    ("origin", "Cookie"):               (AS_SAID, AS_SAID, AS_SAID, AS_SAID, AS_SAID),
    ("origin", "X-Forwarded-For"):      (AS_SAID, CLIENT, NOTHING, NOTHING, AS_SAID),
    ("origin", "Forwarded"):            (AS_SAID, CLIENT, NOTHING, NOTHING, AS_SAID),
    ("origin", "Proxy-Authorization"):  (NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
    ("client", "address"):              (AS_SAID, ELSE, ELSE, ELSE, ELSE),
    ("client", "Server"):               (AS_SAID, AS_SAID, AS_SAID, AS_SAID, AS_SAID),
    ("client", "Via"):                  (NOTHING, ELSE, ELSE, NOTHING, NOTHING),
}
COLUMNS = ("direct", "transparent", "anonymous", "elite", "tunnel")


def told_as(said: str, told: str) -> str:
    """Which of the words for what is told fits."""
    if told == said:
        return AS_SAID if said else NOTHING
    return NOTHING if not told else CLIENT if told in (str(DESK), f"for={DESK}") else ELSE


def of_learned(rows: Rows) -> Clauses:
    """What is predicted of `learned`."""
    return [(told_as(row["said"], row[way]) == word,
             f"{way}: the {row['who']} learns {row['field']} as {row[way]!r}, not {word}")
            for row in rows for way, word in zip(COLUMNS, LEARNED[row["who"], row["field"]], strict=True)]


EVIDENCE = {  # what is to be found, and by which ways; by the others it is in no packet
    ("client", "the other's address"): ("direct",),
    ("origin", "the other's address"): ("direct", "transparent"),
    ("client", "the browser's name"): COLUMNS[:4],
    ("origin", "the browser's name"): ("direct", "transparent"),
    ("client", "the answer's words"): COLUMNS[:4],
    ("origin", "the answer's words"): COLUMNS[:4],
}


def of_evidence(rows: Rows) -> Clauses:
    """What is predicted of `evidence`."""
    return [((row["found"] > 0) is (row["way"] in EVIDENCE[row["at"], row["looked_for"]]),
             f"{row['way']}, at the {row['at']}: {row['looked_for']} in {row['found']} of {row['packets']} packets")
            for row in rows]


def of_cases(rows: Rows) -> Clauses:
    """What is predicted of `blocked` and `filtered`."""
    return [(row["as_expected"] == row["tries"] > 0, f"by {row['by']}: {row['tries'] - row['as_expected']} of "
             f"{row['tries']} tries were answered otherwise, such as by {row['status']} {row['rule']}".rstrip())
            for row in rows]


PREDICTED: dict[str, Callable[[Rows], Clauses]] = {
    "browsing": of_browsing, "greedy": of_greedy, "learned": of_learned, "evidence": of_evidence,
    "blocked": of_cases, "filtered": of_cases,
}


def contradictions(table: str, rows: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    return [words for holds, words in PREDICTED[table](rows) if not holds]


# -- in words ----------------------------------------------------------------------------------


def browsing_words(rows: Rows) -> str:
    """What is to be seen of `browsing`, in the run's own figures."""
    direct, plain, new, warm = rows
    return (f"Over an edge of {EDGE_MBIT:g} Mbit/s, without delay on links ({1000 * THINK_S:g} ms at origins in its "
            f"stead): of {direct['requests']} requests origins got {direct['origin_requests']} directly, "
            f"{new['origin_requests']} behind a new cache and {warm['origin_requests']} behind a warm one; the edge "
            f"carried {direct['edge_kbytes']:,}, {new['edge_kbytes']:,} and {warm['edge_kbytes']:,} kB. Half of the "
            f"pages were there in {direct['p50_ms']}, {new['p50_ms']} and {warm['p50_ms']} ms; with a warm cache that "
            f"was {_range(warm, 'p50_times')} of the direct way's time, by a proxy without a cache "
            f"{_range(plain, 'p50_times')}.")


def greedy_words(rows: Rows) -> str:
    """Of `greedy`."""
    nobody, free, controlled = rows
    return (f"Pages of nine polite ones took {nobody['p95_ms']} ms (p95), beside one greedy {free['p95_ms']} ms, and "
            f"{controlled['p95_ms']} ms with traffic control: {_range(free, 'p95_times')} and "
            f"{_range(controlled, 'p95_times')} of the time without him. He took {100 * free['greedy_share']:.0f} % "
            f"of the bytes, controlled {100 * controlled['greedy_share']:.0f} %; Jain's index of all ten "
            f"{free['jain']:.2f} and {controlled['jain']:.2f}.")


def learned_words(rows: Rows) -> str:
    """Of `learned`."""
    told = [row for row in rows if row["who"] == "origin" and row["said"]]
    parts = []
    for way in COLUMNS:
        same = [row["field"] for row in told if row[way] == row["said"]]
        parts.append(f"{way} {len(same)}" + (f" ({', '.join(same)})" if 0 < len(same) < 3 else ""))
    return f"Of {len(told)} things that a client is or says, an origin learns as they are: {', '.join(parts)}."


def evidence_words(rows: Rows) -> str:
    """Of `evidence`."""
    shown = [f"{row['way']} {row['found']} of {row['packets']}" for row in rows
             if row["at"] == "origin" and row["looked_for"] == "the other's address"]
    back = [f"{row['way']} {row['found']} of {row['packets']}" for row in rows
            if row["at"] == "client" and row["looked_for"] == "the other's address"]
    return f"Packets that show the client's address to the origin: {', '.join(shown)}. And the other way round: " \
           f"{', '.join(back)}."


def case_words(rows: Rows) -> str:
    """Of `blocked` and `filtered`."""
    stopped = [row for row in rows if row["status"] != 200]
    return (f"{sum(row['as_expected'] for row in rows)} of {sum(row['tries'] for row in rows)} tries came out as the "
            f"file says. Stopped: by {', '.join(row['by'] for row in stopped)}; origins were asked "
            f"{sum(row['origin_requests'] for row in stopped)} times for these.")


def _range(row: Row, name: str) -> str:
    return f"{row[name]:g} ({row[name + '_low']:g} to {row[name + '_high']:g})"


WORDS: dict[str, Callable[[Rows], str]] = {
    "browsing": browsing_words, "greedy": greedy_words, "learned": learned_words, "evidence": evidence_words,
    "blocked": case_words, "filtered": case_words,
}


def moral(table: str, rows: Rows) -> str:
    """What is to be seen in a table."""
    wrong = contradictions(table, rows)
    return (f"Otherwise than predicted: {'; '.join(wrong)}. " if wrong else "") + WORDS[table](rows)


# -- the run -----------------------------------------------------------------------------------


def run(lab: ForwardLab, size: Size, seed: int, say: Callable[[str], object]) -> Found:
    """Everything, one after another, in a lab that is up."""
    found = Found(browsing(lab, size, seed, say), greed(lab, size, seed, say))
    say("forward-proxy: what is learned")
    found.rows["learned"], found.rows["evidence"] = by_all_ways(lab, 2 * size.times)
    say("forward-proxy: what is blocked")
    found.rows["blocked"] = blocked(lab, BY_RULE, size.times)
    found.rows["filtered"] = blocked(lab, BY_CONTENT, size.times)
    return found


def verdicts(found: Found) -> dict[str, list[Verdict]]:
    """What came of the claims, by table."""
    return {"browsing": claims.of_caching(found.browsing), "greedy": claims.of_traffic(found.greedy),
            "evidence": claims.of_hiding(found.rows["evidence"]), "blocked": claims.of_access(found.rows["blocked"]),
            "filtered": claims.of_filters(found.rows["filtered"])}


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Six tables of one run."""
    tables: dict[str, Rows] = {}
    judged: dict[str, list[Verdict]] = {}

    def part(table: str) -> Callable[[Options, Display], Part]:
        def shown(options: Options, display: Display) -> Part:
            if not tables:
                with ForwardLab(display.say) as lab:
                    found = run(lab, QUICK if options.quick else FULL, options.seed, display.say)
                tables.update(found.tables())
                judged.update(verdicts(found))
            rows = tables[table]
            return Part(table, rows, moral(table, rows), not contradictions(table, rows),
                        shown=[_short(row) for row in rows], verdicts=judged.get(table, []))
        return shown

    return [part(table) for table in PREDICTED]


def _short(row: Row) -> Row:
    """For a terminal: long words are cut, and a figure has its range beside it."""
    return {name: _range(row, name) if f"{name}_low" in row
            else f"{value[:21]}..." if isinstance(value, str) and len(value) > 24 and name in COLUMNS else value
            for name, value in row.items() if not name.endswith(("_low", "_high"))}
