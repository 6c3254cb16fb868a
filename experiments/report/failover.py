"""The table `failover`: who noticed a fault, how soon, what was lost, and who was disturbed.

What is predicted is said in experiments/failover.py, and only there.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.envelope import Row
from experiments.failover import SEEN_BY, contradictions
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, layer_name, listed, number, percent, verb

# What a layer's test can't tell from health, where nobody answers but the kernel.
WHY = {
    "killed": "a dead program’s kernel still answers ARP and ping, but refuses connections",
    "link-cut": "nothing gets through to a server behind a cut link",
    "frozen": "a stopped program’s kernel still answers ARP, ping and handshakes; only who waits for an answer sees it",
}


def faults_of(rows: Rows) -> list[str]:
    """The faults, in the table's order."""
    return list(dict.fromkeys(str(row["fault"]) for row in rows))


def layers_of(rows: Rows) -> list[str]:
    """The layers, in the table's order."""
    return list(dict.fromkeys(str(row["layer"]) for row in rows))


def noticed(row: Row) -> bool:
    """Whether it was, in some round at least."""
    return isinstance(row.get("noticed_s"), int | float)


def expected(row: Row) -> bool | None:
    """Whether it should be noticed; None for a fault that nothing is predicted of."""
    fault = str(row["fault"])
    return row["layer"] in SEEN_BY[fault] if fault in SEEN_BY else None


def as_predicted(row: Row) -> bool:
    """Whether everything about this row is."""
    return not contradictions([row])


def read(rows: Rows) -> Reading:
    """Whether the promise was kept; then fault by fault, what was lost, who was disturbed, and who came back."""
    wrong = contradictions(rows)
    points = [(f"{capital(fault)}", by_fault([row for row in rows if str(row["fault"]) == fault]))
              for fault in faults_of(rows)]
    words = (losses(rows), disturbance(rows), coming_back(rows))
    return Reading(verdict(rows, wrong), tuple(filter(None, words)), not wrong, tuple(points))


def verdict(rows: Rows, wrong: Sequence[str]) -> str:
    """How soon what was noticed was noticed, beside what is promised."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    found = [row for row in rows if noticed(row)]
    if not found:
        return "No fault was noticed."
    slowest = max(found, key=lambda row: number(row, "noticed_s_most"))
    return (f"{len(found)} of {counted(len(rows), 'case')} were noticed, the slowest after "
            f"{amount(number(slowest, 'noticed_s_most'))} s ({layer_name(slowest['layer'])}, {slowest['fault']}); "
            f"{amount(number(slowest, 'promised_s'))} s is promised.")


def by_fault(rows: Rows) -> str:
    """Who noticed one fault, and after how long; why the others didn't, if it came out so."""
    saw = [f"{layer_name(row['layer'])} after {amount(number(row, 'noticed_s'))} s" for row in rows if noticed(row)]
    blind = [layer_name(row["layer"]) for row in rows if not noticed(row)]
    parts = [f"noticed by {listed(saw)}" if saw else "",
             f"{listed(blind)} {verb(blind, 'was', 'were')} blind to it" if blind else ""]
    fault = str(rows[0]["fault"])
    as_said = fault in WHY and all(noticed(row) == expected(row) for row in rows)
    why = f": {WHY[fault]}" if as_said else ""
    return f"{'; '.join(filter(None, parts))}{why}."


def lost_part(row: Row) -> float:
    """The part of a row's requests that was lost."""
    return number(row, "requests_lost") / (number(row, "requests") or 1)


def losses(rows: Rows) -> str:
    """What going unnoticed cost, beside being noticed."""
    seen, unseen = [row for row in rows if noticed(row)], [row for row in rows if not noticed(row)]
    parts = [f"{percent(sum(map(lost_part, group)) / len(group))} of requests where the fault was {words}"
             for group, words in ((seen, "noticed"), (unseen, "not noticed")) if group]
    least, most = min(rows, key=lost_part), max(rows, key=lost_part)
    return (f"Lost were {listed(parts)}: least by {layer_name(least['layer'])} with {least['fault']} "
            f"({amount(number(least, 'requests_lost'))} of {amount(number(least, 'requests'))}), most by "
            f"{layer_name(most['layer'])} with {most['fault']} ({amount(number(most, 'requests_lost'))} of "
            f"{amount(number(most, 'requests'))}).")


def disturbance(rows: Rows) -> str:
    """Whether anybody on another server was moved."""
    moved = [row for row in rows if number(row, "units_moved_needlessly")]
    if not moved:
        return "Nobody who was on another server was moved."
    return "Moved without need: " + listed(
        f"{counted(number(row, 'units_moved_needlessly'), 'unit')} by {layer_name(row['layer'])} with {row['fault']}"
        for row in moved) + "."


def coming_back(rows: Rows) -> str:
    """How long it took until the server had work again, where it had been out."""
    back = [row for row in rows if noticed(row) and isinstance(row.get("back_s"), int | float)]
    if not back:
        return ""
    quick, slow = (end(back, key=lambda row: number(row, "back_s")) for end in (min, max))
    return (f"Where it had been taken out, the server had a unit again {amount(number(quick, 'back_s'))} s "
            f"({layer_name(quick['layer'])}, {quick['fault']}) to {amount(number(slow, 'back_s'))} s "
            f"({layer_name(slow['layer'])}, {slow['fault']}) after it was put right.")
