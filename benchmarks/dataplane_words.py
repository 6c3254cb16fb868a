"""What is to be seen in the table `dataplane`, in words and from its own rows: for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Rows = Sequence[Row]


def span(row: Row) -> str:
    """
    >>> span({"median": 0.9, "low": 0.85, "high": 0.931})
    '0.90 (0.85 to 0.93)'
    """
    return f"{row['median']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def asks(row: Row) -> bool:
    """Whether the controller decides in this row's pipeline."""
    return str(row["figure"]).startswith("reactive")


def contradictions(table: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    missed = [f"{row['figure']} was {span(row)}, where {row['bound']} {row['must']:.2f} is a must"
              for row in table if not row["met"]]
    silent = {str(row["figure"]).split()[0]: row["packet_ins"] for row in table if not asks(row)}
    return missed + [f"{pipeline} sent {number:,} packets to the controller"
                     for pipeline, number in silent.items() if number]


def reached(table: Rows) -> str:
    """How many figures reach what they must and what is aimed at; or what came out otherwise."""
    musts, aims = sum(row["met"] for row in table), sum(row["aim_met"] for row in table)
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    return f"{wrong}Of {len(table)} figures {musts} reach what they must, {aims} what is aimed at."


def found(table: Rows) -> str:
    """Every ratio with its range."""
    return "Beside plain switching: " + "; ".join(f"{row['figure']} {span(row)}" for row in table) + "."


def flattered(table: Rows) -> str:
    """What part the switch had in what was measured, and what the ratios would be without the others."""
    counted = [row for row in table if row["by_cpu"] is not None]
    if not counted:
        return ""
    words = [f"{row['figure']} {row['plain_switch_share']:.0%} and {row['switch_share']:.0%}, by its CPU alone "
             f"{row['by_cpu']:.2f}" for row in counted]
    return ("The switch had this part of the lab’s CPU, by plain switching and by the pipeline; the rest is clients’, "
            f"servers’ and the controller’s, and flatters the ratio: {'; '.join(words)}.")


def moral(table: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    return " ".join(filter(None, (reached(table), flattered(table))))


def for_people(table: Rows) -> list[dict[str, Any]]:
    """The same table, narrow enough for a terminal."""
    return [{
        "figure": row["figure"], "beside plain": span(row), "must": f"{row['bound']} {row['must']:.2f}",
        "aim": row["aim"], "reached": "aim" if row["aim_met"] else "must" if row["met"] else "no",
        "plain": row["plain"], "here": row["own"], "": row["unit"], "by the switch’s CPU": row["by_cpu"],
        "packet-ins": row["packet_ins"],
    } for row in table]
