"""The page on pipelines is what the rules draw; every kind of rule is on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.cookies import Kind
from controller.drawing import page, sample, section
from controller.pipelines import rules_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pipelines.md"


def test_the_page_is_drawn_from_the_rules_as_they_are() -> None:
    assert PAGE.read_text() == page(), "draw it anew: python -m controller.drawing > docs/pipelines.md"


def test_every_kind_of_rule_is_on_it() -> None:
    names = {kind.name.lower().replace("_", " ") for kind in Kind} - {"end"}
    assert [name for name in names if f"| {name} |" not in page() and f"| {name}, " not in page()] == []


@pytest.mark.parametrize(("layer", "realisation", "way"), [
    ("l4", "tracked", 't1 -- "choose" --> t4'),
    ("l4", "reactive", 't1 -- "new" --> controller([controller])'),
    ("l3", "tracked", 't0 -- "classify" --> t2'),
    ("l3", "hashed", 't3 -- "slot" --> t4'),
])
def test_arrows_go_where_packets_go(layer: str, realisation: str, way: str) -> None:
    assert way in section(sample(layer, realisation))


def test_a_pipeline_with_nobody_to_choose_asks_the_controller() -> None:
    for layer, realisation in (("l2", "hashed"), ("l3", "tracked"), ("l4", "hashed"), ("l4", "tracked")):
        rules = rules_of(sample(layer, realisation), [])
        assert not rules.groups
        assert [flow for flow in rules.flows.values() if flow.cookie.kind in (Kind.CLASSIFY, Kind.CHOOSE)
                and "CONTROLLER" in str(flow)]
