"""TEST DATA for and against the claims of `distinguish`."""

from __future__ import annotations

from balancing import LAYERS
from experiments.distinguish import CRITERIA, Cell, predicted, verdicts
from experiments.verdicts import Verdict


def cell(layer: str, by: str, as_wished: int) -> Cell:
    return Cell(layer, by, 32, as_wished, as_wished == 32)


def refuting() -> list[Verdict]:
    """All is chance, at every layer."""
    return verdicts([cell(layer, one.by, 16) for layer in LAYERS for one in CRITERIA])


def supporting() -> list[Verdict]:
    """Who sees it can."""
    return verdicts([cell(layer, one.by, 32 if predicted(cell(layer, one.by, 0)) else 16)
                     for layer in LAYERS for one in CRITERIA])
