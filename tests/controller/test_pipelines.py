"""Pipelines as data: what changes when a pool does, and in which order a switch is told."""

from __future__ import annotations

import pytest

from balancing import Backend, Pool, Service
from controller.carried import differences
from controller.cookies import Kind
from controller.drawing import sample
from controller.flows import Flow, Group
from controller.messages import Remove
from controller.pipelines import SLOTS, Rules, rules_of

CELLS = [("l4", "hashed"), ("l4", "tracked"), ("l3", "hashed"), ("l2", "tracked"), ("l4", "reactive")]


def pool(layer: str, realisation: str) -> Pool:
    one = sample(layer, realisation)
    backends = tuple(Backend(n, f"srv{n}", f"10.0.10.{n}", f"02:00:0a:00:02:0{n}", 8001) for n in (1, 2, 3))  # type: ignore[arg-type]
    return Pool(Service.from_json(one.with_backends(backends).to_json()))


def rules(of: Pool) -> Rules:
    owners = [server.backend for server in of.algorithm.slots(SLOTS)] if of.available else []
    return rules_of(of.service, owners)


@pytest.mark.parametrize(("layer", "realisation"), CELLS)
def test_what_stays_the_same_is_not_sent_again(layer: str, realisation: str) -> None:
    one = pool(layer, realisation)
    assert list(differences(rules(one), rules(one))) == []
    changes = list(differences(Rules({}, {}), rules(one)))
    assert len(changes) == len(rules(one).flows) + len(rules(one).groups)


def test_when_a_server_leaves_only_its_slots_change_hands() -> None:
    """Rows of slots that had another owner stay, but for the few that Maglev's table moves."""
    one = pool("l3", "hashed")
    before = rules(one)
    own = sum(flow.cookie.kind is Kind.SLOT and flow.cookie.backend == 2 for flow in before.flows.values())
    one.set_up(one.servers[2], False)
    changes = list(differences(before, rules(one)))
    assert all(isinstance(change, Flow) and change.cookie.kind is Kind.SLOT for change in changes)
    assert own <= len(changes) <= own + SLOTS * 0.1


def test_a_group_comes_before_the_rule_that_leads_to_it_and_goes_after_it() -> None:
    one = pool("l4", "hashed")
    empty = rules_of(one.service, [])
    full = rules(one)
    first, *rest = differences(empty, full)
    assert isinstance(first, Group)
    assert any(isinstance(change, Flow) and change.cookie.kind is Kind.CLASSIFY for change in rest)
    *others, last = differences(full, empty)
    assert isinstance(last, Remove)
    assert isinstance(last.what, Group)
    assert any(isinstance(change, Flow) and change.cookie.kind is Kind.CLASSIFY for change in others)


def test_a_bucket_is_a_slot_and_their_number_never_changes() -> None:
    one = pool("l4", "tracked")
    (before,) = rules(one).groups.values()
    one.set_up(one.servers[2], False)
    (after,) = rules(one).groups.values()
    assert len(before.buckets) == len(after.buckets) == SLOTS
    stayed = sum(old == new for old, new in zip(before.buckets, after.buckets, strict=True))
    assert stayed >= SLOTS * 2 / 3 - SLOTS * 0.1
    assert str(after.buckets[0][0]).endswith("->reg0")
    assert len(set(after.buckets)) == 2
