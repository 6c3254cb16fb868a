"""TEST DATA for and against the claims that `forward-proxy` tries."""

from __future__ import annotations

from experiments.browser import Loaded
from experiments.forward_proxy import Found, verdicts
from experiments.forward_proxy_rows import Round
from experiments.verdicts import Verdict
from tests.experiments.report import forward_rows

ROUNDS = 4


def class_of(slowness: float, asked: int, crossed: int, taken: int = 0) -> list[Round]:
    """Rounds of nine readers: each a page of 100 kB, in a tenth of a second times slowness, and a little by round."""
    return [Round([Loaded(reader, 8, slowness * (100 + number + reader) / 1000, 100_000, 0) for reader in range(9)],
                  asked + number, crossed + number, taken) for number in range(ROUNDS)]


def judged(better: float, spared: float, shown: int, right: int) -> list[Verdict]:
    """better: how many times as long pages take with what is claimed to help. spared: what part is still asked for."""
    direct, helped = class_of(1, 1000, 1_000_000), class_of(better, int(1000 * spared), int(1_000_000 * spared))
    greedy = class_of(1, 0, 0, 5_000_000)
    controlled = class_of(better, 0, 0, int(5_000_000 * spared))
    rows = {table: make() for table, make in forward_rows.TABLES.items() if table not in ("browsing", "greedy")}
    rows["evidence"] = [{**row, "found": shown} for row in rows["evidence"]]
    for table in ("blocked", "filtered"):
        rows[table] = [{**row, "as_expected": right} for row in rows[table]]
    found = Found({"direct": direct, "new cache": helped, "warm cache": helped},
                  {"greedy": greedy, "greedy, controlled": controlled}, rows)
    return [verdict for judged in verdicts(found).values() for verdict in judged]


def supporting() -> list[Verdict]:
    return judged(better=0.4, spared=0.5, shown=0, right=20)


def refuting() -> list[Verdict]:
    return judged(better=1.5, spared=1.2, shown=30, right=5)
