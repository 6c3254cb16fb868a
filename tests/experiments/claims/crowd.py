"""TEST DATA for and against the claims of `crowd`."""

from __future__ import annotations

from experiments.crowd import LAYERS_TRIED, Row, verdicts
from experiments.verdicts import Verdict

CLIENTS = 300


def rows(share: dict[str, int], flows: int) -> list[Row]:
    """Every layer alike: two packets of each client were sent."""
    return [Row(layer, CLIENTS, 2 * CLIENTS, sum(share.values()), share, 3, None, CLIENTS, flows, CLIENTS)
            for layer in LAYERS_TRIED]


def refuting() -> list[Verdict]:
    """Half of it is lost, one server has most of the rest, and the switch remembers a few."""
    return verdicts(rows({"srv1": 250, "srv2": 50, "srv3": 0}, flows=10))


def supporting() -> list[Verdict]:
    """As predicted."""
    return verdicts(rows({"srv1": 200, "srv2": 200, "srv3": 200}, flows=CLIENTS))
