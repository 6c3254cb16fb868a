"""Each "no" is what became of requests: a "yes" where the layer can, and a "yes" that is broken turns into a "no"."""

from __future__ import annotations

import subprocess
from collections import Counter

import pytest

from balancing import LAYERS, check_services
from experiments.distinguish import CRITERIA, Cell, grid, lab_for, measure, moral, predicted, services


def test_every_layer_has_its_best_try() -> None:
    found = check_services(services())
    assert Counter(one.layer for one in found) == {"l2": 1, "l3": 1, "l4": 7, "l7": 10}


@pytest.mark.live
def test_what_each_layer_can_send_by() -> None:
    with lab_for() as lab:
        cells = list(measure(lab, 6, seed=2))
        assert len(cells) == len(LAYERS) * len(CRITERIA)
        for cell in cells:
            assert cell.distinguished is predicted(cell), cell
            assert cell.requests == 12
            assert cell.as_wished == 12 if cell.distinguished else cell.as_wished < 12
        break_it = "priority=999,tcp,nw_dst=10.0.0.102,tp_dst=81,actions=drop"
        subprocess.run(["ovs-ofctl", "add-flow", "s1", break_it], check=True)
        broken = next(cell for cell in measure(lab, 2, seed=2) if (cell.layer, cell.by) == ("l4", CRITERIA[0].by))
        assert not broken.distinguished
        assert broken.as_wished == 2


def test_the_grid_and_the_moral_say_what_was_found() -> None:
    cells = [Cell("l4", "cookie", 12, 12, True), Cell("l7", "cookie", 12, 5, False)]
    assert grid(cells)[-1] == {"send by": "cookie", "L4": "yes", "L7": "no (5/12)"}
    assert "L4 by 'cookie', L7 by none of it" in moral(cells)
