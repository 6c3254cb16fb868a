"""Every algorithm at every layer, by name, on real traffic: the same objects everywhere."""

from __future__ import annotations

from collections import Counter

import pytest

from balancing import ALGORITHMS, LAYERS
from experiments.lab import Lab
from experiments.services import service
from tests.live import get


@pytest.mark.live
@pytest.mark.parametrize("layer", LAYERS)
def test_every_algorithm_decides_at_this_layer(layer: str) -> None:
    """One lab with a VIP for each algorithm; who was chosen is who answers."""
    services = [service(layer, number, algorithm=name, weights=(2, 1, 1)) for number, name in enumerate(ALGORITHMS)]
    services = [type(one).from_json(one.to_json() | {"name": one.algorithm}) for one in services]
    with Lab("flat", services, clients=4) as lab:
        for one in services:
            answers = [answer for n in range(1, 5) for answer in get(lab, f"h{n}", f"http://{one.vip}/")]
            chosen = Counter(event["backend"] for event in lab.events("Assigned", one.name))
            assert chosen == Counter(answer.server for answer in answers), one
            if one.algorithm == "weighted-round-robin":
                assert chosen == {"srv1": 2, "srv2": 1, "srv3": 1}
