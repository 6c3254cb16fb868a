"""Made-up rounds for and against what `feedback` claims."""

from __future__ import annotations

from experiments.feedback_claims import Round, verdicts
from experiments.feedback_lab import BUSY, BUSY_STALE, CHANGED, FRESH, STALE, STEADY, WEIGHTS, Way
from experiments.verdicts import Verdict

Times = dict[Way, tuple[float, float]]  # p95 in ms: steady, changed


def judged(times_ms: Times, swings: dict[Way, float]) -> list[Verdict]:
    return verdicts([Round({(way, phase): ms * (1 + noise * (way.interval_s + 1)) for way, pair in times_ms.items()
                            for phase, ms in zip((STEADY, CHANGED), pair, strict=True)},
                           {way: swing + noise for way, swing in swings.items()}) for noise in (-0.02, 0.0, 0.01)])


def refuting() -> list[Verdict]:
    return judged({WEIGHTS: (300.0, 300.0), FRESH: (150.0, 600.0), STALE: (100.0, 300.0), BUSY: (150.0, 600.0),
                   BUSY_STALE: (150.0, 600.0)}, {WEIGHTS: 0.4, FRESH: 2.5, STALE: 1.0, BUSY: 1.0, BUSY_STALE: 2.0})


def supporting() -> list[Verdict]:
    return judged({WEIGHTS: (130.0, 1800.0), FRESH: (350.0, 900.0), STALE: (3000.0, 3000.0), BUSY: (160.0, 500.0),
                   BUSY_STALE: (170.0, 600.0)}, {WEIGHTS: 0.4, FRESH: 1.6, STALE: 2.5, BUSY: 0.9, BUSY_STALE: 1.0})
