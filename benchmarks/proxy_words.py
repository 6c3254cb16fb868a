"""What is to be seen in the table `proxy`, in words and from its own rows: for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Rows = Sequence[Row]


def span(row: Row) -> str:
    """
    >>> span({"median": 23.5, "low": 0.851, "high": 31})
    '23.5 (0.85 to 31.0)'
    """
    return f"{short(row['median'])} ({short(row['low'])} to {short(row['high'])})"


def short(value: float) -> str:
    """
    >>> short(0.551), short(23.561), short(1234.5)
    ('0.55', '23.6', '1,234')
    """
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def measured(table: Rows) -> list[Row]:
    """The rows that have a value."""
    return [row for row in table if row["median"] is not None]


def asked(table: Rows) -> list[Row]:
    """The rows that something is asked of; the others are only reported."""
    return [row for row in table if row["aim"] is not None]


def contradictions(table: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    missed = [f"{row['figure']} was {span(row)}, where {row['bound']} {row['must']:g} is a must"
              for row in measured(table) if not row["met"]]
    return missed + [f"{row['figure']}: {row['why_not']}"
                     for row in table if row["median"] is None and row["met"] is False]


def reached(table: Rows) -> str:
    """How many figures reach what they must and what is aimed at; or what came out otherwise, or was not measured."""
    found, wrong = measured(asked(table)), contradictions(table)
    musts, aims = sum(row["met"] for row in found), sum(row["aim_met"] for row in found)
    words = [f"Otherwise than predicted: {'; '.join(wrong)}."] if wrong else []
    words.append(f"Of {len(asked(table))} figures {musts} reach what they must, {aims} what is aimed at.")
    if missing := [f"{row['figure']} ({row['why_not']})" for row in table if row["met"] is None]:
        words.append(f"Not measured: {'; '.join(missing)}.")
    return " ".join(words)


def busy(table: Rows) -> str:
    """Who did not use his core: what he does for a second of CPU is a little less than it could be."""
    idle = {row["against"]: row["peer_busy"] for row in measured(table)
            if row["unit"] == "requests/CPU s" and row["peer_busy"] is not None and row["peer_busy"] < 0.9}
    if not idle:
        return ""
    parts = ", ".join(f"{name} {part:.0%}" for name, part in idle.items())
    return f"Not all had their core busy, by a load that was too little or a machine that did more: {parts}."


def moral(table: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    return " ".join(filter(None, (reached(table), busy(table))))


def for_people(table: Rows) -> list[dict[str, Any]]:
    """The same table, narrow enough for a terminal."""
    return [_shown(row) for row in table]


def _shown(row: Row) -> dict[str, Any]:
    there = row["median"] is not None
    must = row["bound"] if row["must"] is None else f"{row['bound']} {row['must']:g}"
    verdict = "" if row["aim"] is None else "aim" if row["aim_met"] else "must" if row["met"] else "no"
    return {"figure": row["figure"], "median": span(row) if there else row["why_not"], "must": must, "aim": row["aim"],
            "reached": verdict if there else "", "ours": short(row["own"]) if there else None,
            "peer": short(row["peer"]) if row["peer"] is not None else None, "": row["unit"]}
