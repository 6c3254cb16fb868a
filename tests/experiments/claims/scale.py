"""Made-up rounds for and against what `scale` claims; the price lists are turned round where they are refuted."""

from __future__ import annotations

from unittest.mock import patch

from experiments import prices
from experiments.prices import Offer
from experiments.scale_claims import Round, verdicts
from experiments.scale_lab import BLIND, HINDERED, KS, LOOKING, MOST, REACTIVE, UP
from experiments.verdicts import Verdict

DEARER = (Offer("small", 1, 10), Offer("large", 8, 200))
CHEAPER = (Offer("small", 1, 10), Offer("large", 8, 60))


def a_round(noise: float, *, hindered: float, out: float, up_ms: float, looking_ms: float, paper: float, book: float,
            reactive: float, proxy: float) -> Round:
    limit = {(way, k): per_s * (1 + noise) for way, per_s in ((BLIND, 2000.0), (LOOKING, proxy), (REACTIVE, reactive))
             for k in (1, MOST)}
    power = {UP: 1.0, HINDERED: hindered + noise, BLIND: out + noise, LOOKING: out - noise}
    p95_ms = {(way, k): ms + k * noise for way, ms in ((UP, up_ms), (BLIND, 300.0), (LOOKING, looking_ms)) for k in KS}
    return Round(power, p95_ms, p95_ms, paper + noise, book + noise, limit)


def judged(offers: tuple[Offer, ...], **figures: float) -> list[Verdict]:
    found = [a_round(noise, **figures) for noise in (-0.02, 0.0, 0.01)]
    with patch.object(prices, "CHIPS", offers), patch.object(prices, "RENTED", offers):
        return verdicts(found)


def refuting() -> list[Verdict]:
    return judged(CHEAPER, hindered=7.5, out=5.0, up_ms=500.0, looking_ms=450.0, paper=2.0, book=1.6, reactive=2500.0,
                  proxy=2200.0)


def supporting() -> list[Verdict]:
    return judged(DEARER, hindered=3.2, out=7.9, up_ms=150.0, looking_ms=200.0, paper=1.05, book=1.02, reactive=300.0,
                  proxy=900.0)
