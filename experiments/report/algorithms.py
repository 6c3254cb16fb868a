"""The table `algorithms`: how soon each algorithm answered, at each layer, in each case.

What is predicted is said in experiments/algorithms.py, and only there.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.algorithms import SEEN, YARDSTICK, not_as_said, seen_slow, strain
from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import (
    amount,
    capital,
    layer_name,
    listed,
    milliseconds,
    number,
    percent,
    share_of,
)

HEAVY = "heavy-tailed sessions"
TWINS = ("least-connections", "least-response-time")
REUSE = 0.95  # units for each session, below which sessions shared them


def p95(row: Row) -> float:
    """What 95 of 100 requests took at most, in milliseconds."""
    return number(row, "p95_ms")


def words_of(rows: Rows, column: str) -> list[str]:
    """The different words of a column, in the table's order."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def in_case(rows: Rows, case: str) -> list[Row]:
    """The rows of one case."""
    return [row for row in rows if str(row["case"]) == case]


def read(rows: Rows) -> Reading:
    """Where the algorithm mattered most; what the layer did to long sessions; units; whether the machine was in it."""
    wrong = not_as_said(rows)
    points = [(capital(case), ends(in_case(rows, case))) for case in words_of(rows, "case")]
    words = (layer_matters(in_case(rows, HEAVY)), units(rows), tests(rows), twins(rows), evenness(rows), strain(rows))
    return Reading(verdict(rows, wrong), tuple(filter(None, words)), not wrong, tuple(points))


def verdict(rows: Rows, wrong: Sequence[str]) -> str:
    """In which case the choice mattered most, or what came out otherwise."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    factors = {case: factor(in_case(rows, case)) for case in words_of(rows, "case")}
    most, least = max(factors, key=factors.__getitem__), min(factors, key=factors.__getitem__)
    if most == least:
        return f"Between the slowest and the quickest p95 lay a factor of {amount(factors[most])}."
    return (f"The choice mattered most in “{most}”, where the slowest p95 was {amount(factors[most])} times the "
            f"quickest, and least in “{least}”: {amount(factors[least])} times.")


def factor(rows: Rows) -> float:
    """The slowest p95 beside the quickest."""
    return max(map(p95, rows)) / (min(map(p95, rows)) or 1e-9)


def ends(rows: Rows) -> str:
    """The quickest and the slowest of a case."""
    quick, slow = min(rows, key=p95), max(rows, key=p95)
    return (f"from {milliseconds(p95(quick))} ({quick['algorithm']}, {layer_name(quick['layer'])}) to "
            f"{milliseconds(p95(slow))} ({slow['algorithm']}, {layer_name(slow['layer'])}).")


def layer_matters(rows: Rows) -> str:
    """What round robin made of long sessions, layer by layer; why, if it came out so."""
    found = {str(row["layer"]): p95(row) for row in rows if row["algorithm"] == YARDSTICK}
    if len(found) < 2:
        return ""
    figures = listed(f"{layer_name(layer)} {milliseconds(value)}" for layer, value in found.items())
    why = (" Up to L4 a long session stays on the server where it began; at L7 each of its requests is placed anew."
           if "l7" in found and found["l7"] == min(found.values()) else "")
    return f"With {HEAVY} {YARDSTICK} had a p95 of {figures}.{why}"


def units(rows: Rows) -> str:
    """How many decisions a session was, layer by layer."""
    rates = {layer: _units_a_session([row for row in rows if row["layer"] == layer])
             for layer in words_of(rows, "layer")}
    shared = [layer_name(layer) for layer, rate in rates.items() if rate < REUSE]
    figures = listed(f"{layer_name(layer)} {amount(rate)}" for layer, rate in rates.items())
    why = (f" With {listed(shared)} a host that comes back soon is still the same unit: an algorithm can only place "
           "hosts there, whatever it knows of load." if shared else "")
    return f"Decisions for each session: {figures}.{why}"


def _units_a_session(rows: Rows) -> float:
    return sum(number(row, "units") for row in rows) / (sum(number(row, "sessions") for row in rows) or 1)


def tests(rows: Rows) -> str:
    """Which layer's tests saw the server that had turned slow; why not the others, if it came out so."""
    found = seen_slow(rows)
    if not found:
        return ""
    figures = listed(f"{layer_name(layer)} {amount(times)}" for layer, times in found.items())
    blind = [layer_name(layer) for layer, times in found.items() if times < SEEN and layer != "l7"]
    why = (f" With {listed(blind)} the server’s kernel answers tests: that its program had turned slow they could not "
           "see." if blind else "")
    return f"Response times of tests, the slow server’s as times the others’: {figures}.{why}"


def twins(rows: Rows) -> str:
    """How far least response time was from least connections, at each layer: the worst of the cases."""
    far = {}
    for layer in words_of(rows, "layer"):
        found = {(str(row["case"]), str(row["algorithm"])): p95(row) for row in rows if row["layer"] == layer}
        ratios = [found[case, TWINS[1]] / (found[case, TWINS[0]] or 1e-9) for case in words_of(rows, "case")
                  if {(case, twin) for twin in TWINS} <= set(found)]
        if ratios:
            far[layer] = f"{layer_name(layer)} {amount(min(ratios))} to {amount(max(ratios))}"
    if not far:
        return ""
    return f"The p95 of {TWINS[1]}, beside that of {TWINS[0]}, over the cases: {'; '.join(far.values())}."


def evenness(rows: Rows) -> str:
    """Who shared least evenly."""
    row = min(rows, key=lambda row: number(row, "jain"))
    share = share_of(row)
    total = sum(share.values()) or 1
    parts = listed(f"{server} {percent(count / total)}" for server, count in share.items())
    return (f"Least even, measured against capacity, was {row['algorithm']} at {layer_name(row['layer'])} in "
            f"“{row['case']}”: {parts} (Jain’s index {amount(number(row, 'jain'))}).")
