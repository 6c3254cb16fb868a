"""A rule found is adopted, kept or deleted, by what its cookie and its match say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from balancing import Backend, Service, Unit
from controller.cookies import Cookie, Kind
from controller.flows import Flow
from controller.pipelines import rules_of
from controller.reconcile import Found, reconcile
from controller.rules import SWITCHING, unit_flow

WEB = Service(4, "web", "10.0.0.100", "l4",  # type: ignore[arg-type]
              tuple(Backend(n, f"srv{n}", f"10.0.10.{n}", f"02:00:0a:00:02:0{n}", 8001) for n in (1, 2)),  # type: ignore[arg-type]
              port=80)
UNIT = Unit(("10.0.1.1", 40000), bytes([10, 0, 1, 1]))
WANTED = [SWITCHING, *rules_of(WEB).flows.values()]


def found(flow: Flow, **changes: Any) -> Found:
    return replace(Found(flow.table, flow.priority, int(flow.cookie), dict(flow.match)), **changes)


def test_a_units_flow_is_adopted_with_its_server() -> None:
    result = reconcile([found(unit_flow(WEB, UNIT, WEB.backends[1]))], {4: WEB}, WANTED)
    assert result.adopt == [(WEB, UNIT, WEB.backends[1])]
    assert result.adopt[0][1].key == UNIT.key
    assert not result.delete


def test_what_will_be_sent_again_is_left_in_place() -> None:
    result = reconcile(map(found, WANTED), {4: WEB}, WANTED)
    assert not result.adopt
    assert not result.delete


def test_what_nobody_knows_any_more_is_deleted() -> None:
    flow = unit_flow(WEB, UNIT, WEB.backends[0])
    stale = [
        found(flow, cookie=int(Cookie(Kind.UNIT, 5, 1))),         # a service that is gone
        found(flow, cookie=int(Cookie(Kind.UNIT, 4, 3))),         # a backend that is gone
        found(flow, match={**flow.match, "ipv4_dst": "10.0.0.99"}),  # the VIP has changed
        found(flow, priority=21),                                 # another version's rule
        found(flow, match={"eth_type": 0x0800}),
        found(WANTED[1], table=7),
    ]
    result = reconcile(stale, {4: WEB}, WANTED)
    assert result.delete == stale
    assert not result.adopt


def test_what_is_not_ours_is_not_looked_at() -> None:
    others = [found(SWITCHING, cookie=0, priority=5), found(SWITCHING, cookie=7 << 48, table=3)]
    result = reconcile(others, {4: WEB}, WANTED)
    assert not result.adopt
    assert not result.delete
