"""The tables of `forward-proxy`: what a proxy does for its clients, and what others learn of them.

What is predicted is said in experiments/forward_proxy.py, and only there.
"""

from __future__ import annotations

from collections.abc import Callable

from experiments.envelope import Row
from experiments.forward_proxy import COLUMNS, WORDS, contradictions
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, listed, milliseconds, number

# Why it came out so, where it came out as predicted.
WHY = {
    "browsing": "Pages are popular in unequal parts, so what one has asked for another asks for again, and the proxy "
                "has it: it need not come over the edge. What is new each time (no-store), and what is for one reader "
                "only (private), no shared cache may keep (RFC 9111 3.5): that part reaches origins however warm the "
                "cache is.",
    "greedy": "Links give to connections, not to people: who opens more gets more. The proxy knows whose a connection "
              "is, and takes from the origin no faster than it may pass on. It stands behind the edge, so what is on "
              "its way already is not stopped; a ceiling below the edge’s rate leaves room for the others.",
    "learned": "The proxy asks in a connection of its own, so the address is always its own. What the request says of "
               "the client passes as the level has it. In a tunnel the proxy carries bytes that it can’t read: then "
               "only the address is hidden, and the browser itself tells the rest.",
    "evidence": "Both ends were captured at their own interfaces, and every packet was searched: for the other’s "
                "address, in headers and in digits, for a word that only the browser says, and for one that is in "
                "every answer. Cookies pass at every level: who logs in is known.",
    "blocked": "Rules look at what is asked for, before anybody is asked. Of a tunnel they know the name and the port, "
               "and no URL. Browsers hide the page that refuses a tunnel; the rule’s name stands in a field as well "
               "(RFC 9209).",
    "filtered": "Filters look at what has come, unpacked where it was packed: so the origin was asked, and the edge "
                "has carried it, or its beginning. What shows too late to be replaced by a page is broken off. In a "
                "tunnel they see nothing.",
}


def reader(table: str) -> Callable[[Rows], Reading]:
    """What reads `table`."""
    def read(rows: Rows) -> Reading:
        wrong = contradictions(table, rows)
        verdict = f"Otherwise than predicted: {'; '.join(wrong)}." if wrong else capital(WORDS[table](rows))
        points = tuple(POINTS[table](row) for row in rows) if table in POINTS else ()
        return Reading(verdict, () if wrong else (WHY[table],), not wrong, points)
    return read


def of_browsing(row: Row) -> tuple[str, str]:
    """What one way came to."""
    return capital(str(row["way"])), (
        f"{counted(number(row, 'origin_requests'), 'request')} at origins of {amount(number(row, 'requests'))}, "
        f"{amount(number(row, 'saved_pct'))} % spared; {amount(number(row, 'edge_kbytes'))} kB over the edge; pages in "
        f"{milliseconds(number(row, 'p50_ms'))} (p50) and {milliseconds(number(row, 'p95_ms'))} (p95).")


def of_greedy(row: Row) -> tuple[str, str]:
    """What the class met, and how it fared."""
    return capital(str(row["class"])), (
        f"pages in {milliseconds(number(row, 'p50_ms'))} (p50) and {milliseconds(number(row, 'p95_ms'))} (p95), rounds "
        f"from {milliseconds(number(row, 'p95_ms_low'))} to {milliseconds(number(row, 'p95_ms_high'))}.")


def of_learned(row: Row) -> tuple[str, str]:
    """Who learns a field, by which ways."""
    told = [way for way in COLUMNS if row[way] and row[way] == row["said"]]
    other = [f"{way} “{row[way]}”" for way in COLUMNS if row[way] and row[way] != row["said"]]
    said = f"as it is ({row['said']}) by {listed(told)}" if told else "as it is by none"
    return f"{row['field']}, to the {row['who']}", said + (f"; else: {'; '.join(other)}." if other else ".")


def of_case(row: Row) -> tuple[str, str]:
    """What became of a case."""
    rule = f" ({row['rule']})" if row["rule"] else ""
    return f"By {row['by']}" if row["by"] != "nothing" else "Not at all", (
        f"{row['asked']}: {row['status']}{rule}; the user sees {row['user_sees']}.")


POINTS: dict[str, Callable[[Row], tuple[str, str]]] = {
    "browsing": of_browsing, "greedy": of_greedy, "learned": of_learned, "blocked": of_case, "filtered": of_case,
}
