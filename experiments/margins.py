"""Who was best, and by how much: several rivals' rounds in, one row out. Pure.

    rounds of a rival ──► its p95 in each ──► margin = p95 of the other / p95 of the best, within a round

Rules kept here:

1. The best is who has the lowest p95 over all rounds taken together.
2. Margins are taken within a round, in which all rivals had the same sessions at the same time; what is said is their
   median and range. Only who was ahead of everybody in every round is called a winner.
3. The runner-up may be a twin, so the margin over a plain yardstick stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from experiments.load import Measured

NOBODY = "no clear winner"
Rounds = Sequence[Sequence[float]]  # what each request took, in seconds, by round
Margin = tuple[float, float, float]  # median, lowest and highest of the rounds


def percentile_ms(took_s: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile, in milliseconds. There must be a value."""
    return Measured(elapsed_s=list(took_s)).percentile_ms(percent)


def pooled(rounds: Rounds) -> list[float]:
    """All rounds taken together."""
    return [took_s for one in rounds for took_s in one]


def margin(best: Rounds, other: Rounds) -> Margin:
    """How many times the best one's p95 the other's is. Both have the same rounds."""
    found = [percentile_ms(theirs, 95) / percentile_ms(own, 95) for own, theirs in zip(best, other, strict=True)]
    return median(found), min(found), max(found)


def contest(rivals: Mapping[str, Rounds], yardstick: str) -> dict[str, object]:
    """The row of one contest between two rivals or more; `yardstick` is one of them.

    winner:     who was ahead of everybody in every round, or "no clear winner".
    lowest_p95: who had the lowest p95 of all. level_with: who was ahead of it, or level, in some round.
    margin:     over the runner-up; beside it, as YARDSTICK_margin, that over the yardstick; each with its range.
    """
    best, runner_up = sorted(rivals, key=lambda name: percentile_ms(pooled(rivals[name]), 95))[:2]
    over = {name: margin(rivals[best], rounds) for name, rounds in rivals.items()}
    level = [name for name, (_, low, _) in over.items() if low <= 1 and name != best]
    return {"winner": NOBODY if level else best, "lowest_p95": best, "runner_up": runner_up,
            **_columns("margin", over[runner_up]),
            **_columns(f"{yardstick.replace('-', '_')}_margin", over[yardstick]), "level_with": level}


def _columns(name: str, found: Margin) -> dict[str, float]:
    return {f"{name}{end}": round(value, 3) for end, value in zip(("", "_low", "_high"), found, strict=True)}
