"""What `feedback` claims, and how verdicts are read off its rounds. Pure; the rules stand before anything is measured.

"Judging servers by test packets" is tried twice: taken at its word (whoever the last test found quickest), and as the
lab's least-response-time does it, which multiplies what tests say by how many requests a server has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.feedback_lab import BUSY, BUSY_STALE, CHANGED, FRESH, STALE, STEADY, WEIGHTS, Way
from experiments.verdicts import Claim, Rule, Verdict, of_ratios

BEHIND, AHEAD = Rule("p95, by that of weights", ">", 1.0), Rule("p95, by that of weights", "<", 1.0)
LAGGING = Rule("p95 of a test a second, by that of ten", ">", 1.0)

KNOWN = Claim(2, "capacities known and steady: a fixed ratio balances better than tests alone", BEHIND)
KNOWN_BUSY = Claim(2, "capacities known and steady: a fixed ratio balances better than tests times how busy a "
                      "server is", BEHIND)
MOVED = Claim(2, "a server has slowed down: tests alone balance better than the fixed ratio", AHEAD)
MOVED_BUSY = Claim(2, "a server has slowed down: tests times how busy a server is balance better than the fixed ratio",
                   AHEAD)
LAG = Claim(11, "a lagging test costs, where tests alone decide", LAGGING)
HERD = Claim(0, "stale tests make a herd: shares go further from their weights than with fresh ones",
             Rule("swing with a test a second, by that with ten", ">", 1.0))
DAMPED = Claim(0, "to count connections, too, dampens the herd of stale tests",
               Rule("swing with connections counted, by that of tests alone", "<", 1.0))


@dataclass(frozen=True)
class Round:
    """What one repetition came to. p95_ms: by way and phase. swing: by way, in the steady phase (feedback_lab.py)."""

    p95_ms: Mapping[tuple[Way, str], float]
    swing: Mapping[Way, float]


def verdicts(rounds: Sequence[Round]) -> list[Verdict]:
    """Every claim's, from all repetitions. The cost of a lag is taken over both phases together."""
    return [
        *(claim.judge(of_ratios((one.p95_ms[way, phase], one.p95_ms[WEIGHTS, phase]) for one in rounds))
          for claim, way, phase in ((KNOWN, FRESH, STEADY), (KNOWN_BUSY, BUSY, STEADY), (MOVED, FRESH, CHANGED),
                                    (MOVED_BUSY, BUSY, CHANGED))),
        LAG.judge(of_ratios((_both(one, STALE), _both(one, FRESH)) for one in rounds)),
        HERD.judge(of_ratios(_swings(rounds, STALE, FRESH))),
        DAMPED.judge(of_ratios(_swings(rounds, BUSY_STALE, STALE))),
    ]


def _both(one: Round, way: Way) -> float:
    """The geometric mean of both phases' p95."""
    return float((one.p95_ms[way, STEADY] * one.p95_ms[way, CHANGED]) ** 0.5)


def _swings(rounds: Sequence[Round], way: Way, other: Way) -> list[tuple[float, float]]:
    return [(one.swing[way], one.swing[other]) for one in rounds]


