"""TEST DATA for and against the claims of `ladder`."""

from __future__ import annotations

from experiments.cell import SITUATIONS, Cell
from experiments.ladder import CLAIMS, verdicts
from experiments.verdicts import Verdict

EVEN, ALL_ON_ONE = (0.66, 0.58, 0.66, 0.5), (0.0, 0.0, 0.0, 0.0)


def cell(layer: str, situation: str, spread: bool) -> Cell:
    share = {"srv1": 16, "srv2": 16, "srv3": 16} if spread else {"srv1": 48, "srv2": 0, "srv3": 0}
    return Cell(layer, situation, 48, 12 if spread else 1, share, 3 if spread else 1, None,
                EVEN if spread else ALL_ON_ONE)


def refuting() -> list[Verdict]:
    """Nothing is ever spread."""
    return verdicts([cell(layer, situation, False) for layer in CLAIMS for situation in SITUATIONS])


def supporting() -> list[Verdict]:
    """The triangle."""
    return verdicts([cell(layer, situation, cell(layer, situation, True).predicted)
                     for layer in CLAIMS for situation in SITUATIONS])
