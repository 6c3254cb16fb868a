"""The table `best`: who won each case at each layer, by how much, and who couldn't be told apart from it.

What is predicted is said in experiments/algorithms.py, and only there.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.algorithms import YARDSTICK, contradictions
from experiments.envelope import Row
from experiments.margins import NOBODY
from experiments.report.algorithms import in_case, words_of
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, layer_name, listed, number


def over(row: Row, name: str) -> tuple[float, float, float]:
    """A margin: median, lowest and highest round."""
    return number(row, name), number(row, f"{name}_low"), number(row, f"{name}_high")


def leaders(row: Row) -> list[str]:
    """Who can't be told apart from the best, itself first."""
    level = row.get("level_with")
    return [str(row["lowest_p95"]), *(map(str, level) if isinstance(level, list | tuple) else ())]


def read(rows: Rows) -> Reading:
    """How many contests had a winner; how far behind round robin was; then case by case who led."""
    wrong = contradictions(rows)
    points = [(capital(case), " ".join(map(contest, in_case(rows, case)))) for case in words_of(rows, "case")]
    return Reading(verdict(rows, wrong), tuple(filter(None, (beside_yardstick(rows), what_winning_is(rows)))),
                   not wrong, tuple(points))


def verdict(rows: Rows, wrong: Sequence[str]) -> str:
    """One sentence: winners, or what came out otherwise."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    won = [row for row in rows if row["winner"] != NOBODY]
    if not won:
        return f"In none of {counted(len(rows), 'contest')} was one algorithm ahead of all others in every round."
    names = listed(f"{row['winner']} ({layer_name(row['layer'])}, “{row['case']}”)" for row in won)
    return f"Ahead of all others in every round, in {len(won)} of {counted(len(rows), 'contest')}: {names}."


def beside_yardstick(rows: Rows) -> str:
    """Where round robin was behind in every round, and by how much."""
    behind = [row for row in rows if number(row, "round_robin_margin_low") > 1]
    if not behind:
        return f"Nowhere was {YARDSTICK} behind the best in every round."
    parts = (f"“{case}” at {listed(layer_name(row['layer']) for row in in_case(behind, case))} "
             f"({_ends(in_case(behind, case))} times the best one’s p95)" for case in words_of(behind, "case"))
    return f"In every round {YARDSTICK} was behind in {'; '.join(parts)}."


def _ends(rows: Rows) -> str:
    values = [number(row, "round_robin_margin") for row in rows]
    low, high = amount(min(values)), amount(max(values))
    return low if low == high else f"{low} to {high}"


def what_winning_is(rows: Rows) -> str:
    """Why most contests have no winner, where that is so."""
    if all(row["winner"] != NOBODY for row in rows):
        return ""
    return ("“No clear winner” is a result: within some round another algorithm was as quick or quicker, so this run "
            "can’t tell them apart, however far the rest is behind.")


def contest(row: Row) -> str:
    """One layer: the winner with its margin, or who was level."""
    middle, low, high = map(amount, over(row, "margin"))
    if row["winner"] != NOBODY:
        return (f"{layer_name(row['layer'])}: {row['winner']}, ahead of {row['runner_up']} by {middle} "
                f"({low} to {high}).")
    return f"{layer_name(row['layer'])}: {listed(leaders(row))} can’t be told apart."
