"""The ladder, for real; and that it can come out otherwise."""

from __future__ import annotations

import subprocess

import pytest
from rich.console import Console

from experiments.cell import Cell
from experiments.lab import Lab
from experiments.ladder import ORDER, Size, elsewhere, ladder, measure, moral, plan, rows, services, verdicts
from experiments.traffic import Answer
from experiments.triangle import draw

SMALL = Size(clients=12, servers=3, requests=2)


@pytest.mark.live
def test_the_triangle_comes_out_of_the_servers_own_counts() -> None:
    cells = list(ladder(SMALL, seed=7))
    assert [(row["layer"], row["situation"]) for row in rows(cells)] == ORDER
    for cell in cells:
        assert cell.as_predicted, cell
        assert cell.requests == 24 == sum(cell.share.values())
        units = {"l2": {"flat": 12}, "l3": {"flat": 12, "routed": 12}, "l4": {"pooled": 1}, "l7": {}}
        many = {"l2": 1, "l3": 1, "l4": 24, "l7": 24}
        assert cell.units == units[cell.layer].get(cell.situation, many[cell.layer]), cell
    assert "Not the triangle" not in moral(cells)


@pytest.mark.live
@pytest.mark.parametrize("layer", ["l2", "l3", "l4"])
def test_a_rule_broken_on_purpose_turns_its_cell_wrong(layer: str) -> None:
    """One rule above all others sends the VIP to one server, past the balancer."""
    with Lab("flat", services(3), clients=13) as lab:
        web = lab.service(layer)
        first = web.backends[0]
        rewrites = {"l2": "", "l3": f"mod_nw_dst:{first.ip},", "l4": f"mod_nw_dst:{first.ip},mod_tp_dst:{first.port},"}
        subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "add-flow", "s1",
                        f"priority=999,tcp,nw_dst={web.vip},actions={rewrites[layer]}mod_dl_dst:{first.mac},NORMAL"],
                       check=True)
        broken = measure(lab, web, "flat", plan(lab, web, "flat", SMALL, seed=7))
        assert not broken.as_predicted
        assert broken.servers_used == 1
        sound = lab.service("l7")
        assert measure(lab, sound, "flat", plan(lab, sound, "flat", SMALL, seed=7)).as_predicted
        assert moral([broken]) == f"Not the triangle: 1 of 1 cells came out otherwise than predicted: {layer}/flat."


@pytest.mark.live
def test_same_seed_same_traffic() -> None:
    with Lab("flat", services(3), clients=13) as lab:
        web = lab.service("l4")
        plans = [plan(lab, web, "flat", SMALL, seed) for seed in (7, 7, 8)]
    order = [[step.client.name for step in one.steps] for one in plans]
    assert order[0] == order[1] != order[2]


@pytest.mark.parametrize(("used", "situation", "predicted"), [
    ((8, 8, 8), "flat", True), ((24, 0, 0), "flat", False), ((12, 12, 0), "flat", False),
    ((24, 0, 0), "routed", True), ((23, 1, 0), "routed", False), ((8, 8, 8), "routed", False),
])
def test_a_cell_is_as_predicted_only_if_it_is(used: tuple[int, ...], situation: str, predicted: bool) -> None:
    share = {f"srv{n}": count for n, count in enumerate(used, start=1)}
    cell = Cell("l2", situation, 24, 1, share, sum(count > 0 for count in used), None)
    assert cell.as_predicted is predicted


def test_rounds_are_taken_one_after_another() -> None:
    answers = [Answer("h1", server=f"srv{number}") for number in (1, 1, 1, 2, 1, 2, 2, 3)]
    assert elsewhere(answers) == (0.0, 0.5, 0.5, 0.5)
    assert elsewhere(answers[:4]) == (), "a round of one answer has nobody else in it"
    assert verdicts([Cell("l2", "flat", 1, 1, {"srv1": 1}, 1, None)]) == []


def test_a_wrong_cell_is_marked_in_the_drawing() -> None:
    cell = Cell("l2", "flat", 24, 12, {"srv1": 24, "srv2": 0, "srv3": 0}, 1, 1 / 3)
    console = Console(record=True, width=100)
    console.print(draw([cell]))
    assert "✗ 1/3, 12 units" in console.export_text()
