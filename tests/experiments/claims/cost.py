"""TEST DATA for and against the claims of `cost`."""

from __future__ import annotations

from balancing import LAYERS
from experiments.cost import PLAIN, Turn, verdicts
from experiments.verdicts import Verdict

MACHINE = (1000.0, 600.0, 1400.0)  # what plain switching did in three rounds, on a machine that others use as well


def turns(ratios: tuple[float, ...]) -> list[Turn]:
    plain = [_turn(PLAIN, rate) for rate in MACHINE]
    return plain + [_turn(layer, rate * ratio) for layer in LAYERS for rate, ratio in zip(MACHINE, ratios, strict=True)]


def _turn(path: str, rate: float) -> Turn:
    return Turn(path, rate, 5 * rate, 1.0, 2.0, {}, 0, 0)


def refuting() -> list[Verdict]:
    """Every layer is faster than plain switching."""
    return verdicts(turns((1.1, 1.12, 1.09)))


def supporting() -> list[Verdict]:
    """Every layer is half as fast."""
    return verdicts(turns((0.5, 0.55, 0.52)))
