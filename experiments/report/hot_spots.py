"""The table `hot_spots`: how much more than its fair share the fullest server had, beside what theory says of it.

What is predicted is said in experiments/hot_spots.py, and only there.
"""

from __future__ import annotations

from experiments.envelope import Row
from experiments.hot_spots import HOT, contradictions
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, listed, number


def of_column(rows: Rows, column: str) -> list[str]:
    """What there is in a column of words, in the table's order."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def in_situation(rows: Rows, situation: str) -> list[Row]:
    """The rows of one situation."""
    return [row for row in rows if str(row["situation"]) == situation]


def read(rows: Rows) -> Reading:
    """Who made hot spots where; and how near theory came."""
    wrong = contradictions([dict(row) for row in rows])
    points = [(capital(situation), by_kind(in_situation(rows, situation)))
              for situation in of_column(rows, "situation")]
    return Reading(verdict(rows) if not wrong else f"Otherwise than predicted: {'; '.join(wrong)}.",
                   (beside_theory(rows),), not wrong, tuple(points))


def verdict(rows: Rows) -> str:
    """Who had a hot spot nowhere, and what the worst was."""
    cool = [name for name in of_column(rows, "algorithm")
            if all(number(row, "fullest") < HOT for row in rows if row["algorithm"] == name)]
    worst = max(rows, key=lambda row: number(row, "fullest"))
    return (f"In every situation below {amount(HOT)} times the fair share was {listed(cool)}; the fullest server of "
            f"all had {amount(number(worst, 'fullest'))} times, with {worst['algorithm']} in “{worst['situation']}”.")


def by_kind(rows: Rows) -> str:
    """Who kept below HOT in one situation, and how far the others were above it."""
    cool = [str(row["algorithm"]) for row in rows if number(row, "fullest") < HOT]
    hot = sorted((row for row in rows if number(row, "fullest") >= HOT), key=lambda row: number(row, "fullest"))
    figures = listed(f"{row['algorithm']} {amount(number(row, 'fullest'))}" for row in hot)
    return f"no hot spot with {listed(cool)}; with others the fullest had, as times its share: {figures}."


def beside_theory(rows: Rows) -> str:
    """What was measured, as a part of what theory says."""
    said = [row for row in rows if row["theory"] is not None]
    parts = [number(row, "fullest") / (number(row, "theory") or 1) for row in said]
    if not parts:
        return ""
    none = listed(dict.fromkeys(str(row["algorithm"]) for row in rows if row["theory"] is None))
    return (f"What was measured came to {amount(min(parts))} to {amount(max(parts))} times what theory says. Theory is "
            f"for the largest of many servers, so for a few it lies a little high. It says nothing of {none}.")
