"""Every claim can come out either way: fed with data that refutes it, the verdict is "doesn't hold"."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from experiments.catalog import EXPERIMENTS
from experiments.verdicts import DOES_NOT, UNDECIDED

TRIED = list(EXPERIMENTS.values())


def data_of(name: str) -> ModuleType:
    return importlib.import_module(f"tests.experiments.claims.{name.replace('-', '_')}")


@pytest.mark.parametrize("experiment", TRIED, ids=lambda one: one.name)
def test_what_refutes_a_claim_is_seen(experiment) -> None:
    for verdict in data_of(experiment.name).refuting():
        assert verdict.verdict == DOES_NOT, str(verdict)


@pytest.mark.parametrize("experiment", TRIED, ids=lambda one: one.name)
def test_what_supports_a_claim_is_seen(experiment) -> None:
    for verdict in data_of(experiment.name).supporting():
        assert verdict.verdict not in (DOES_NOT, UNDECIDED), str(verdict)


@pytest.mark.parametrize("experiment", TRIED, ids=lambda one: one.name)
def test_every_claim_is_tried_both_ways(experiment) -> None:
    data = data_of(experiment.name)
    against, pro = ([verdict.claim for verdict in found] for found in (data.refuting(), data.supporting()))
    assert set(against) == set(pro)
    assert {claim.number for claim in pro} - {0} == set(experiment.lecture)
