"""The rules of a service, as text that reads like ovs-ofctl's, and their cookies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing import Backend, HealthCheck, Service, Unit
from controller.cookies import Cookie, Kind
from controller.flows import Flow, resolve
from controller.pipelines import rules_of
from controller.rules import unit_flow
from layerlab import LabError


def static_flows(service: Service) -> list[Flow]:
    return list(rules_of(service).flows.values())


def service(layer: str, **changes: Any) -> Service:
    backend = Backend(2, "srv2", "10.0.10.2", "02:00:0a:00:02:02", 8001)  # type: ignore[arg-type]
    return Service(**{"id": 4, "name": "web", "vip": "10.0.0.100", "layer": layer, "backends": (backend,), "port": 80}
                   | changes)


@given(kind=st.sampled_from(Kind), numbers=st.tuples(st.integers(0, 65_535), st.integers(0, 65_535)))
def test_a_cookie_says_what_a_rule_is_for(kind: Kind, numbers: tuple[int, int]) -> None:
    cookie = Cookie(kind, *numbers)
    assert Cookie.read(int(cookie)) == cookie
    assert int(cookie) < 2**64


@pytest.mark.parametrize("number", [0, 7, 0x4C4C << 48, 0x4C4C << 48 | 99, 2**64 - 1])
def test_a_cookie_of_somebody_else_is_not_ours(number: int) -> None:
    assert Cookie.read(number) is None


UNITS = {
    "l2": (Unit(("02:00:0a:00:01:01",), b""),
           "eth_type=2048,ipv4_dst=10.0.0.100,eth_src=02:00:0a:00:01:01 actions=set_field:02:00:0a:00:02:02->eth_dst"),
    "l3": (Unit(("10.0.1.1",), b""),
           "eth_type=2048,ipv4_dst=10.0.0.100,ipv4_src=10.0.1.1 actions="
           "set_field:02:00:0a:00:02:02->eth_dst,set_field:10.0.10.2->ipv4_dst"),
    "l4": (Unit(("10.0.1.1", 40000), b""),
           "eth_type=2048,ip_proto=6,ipv4_dst=10.0.0.100,tcp_dst=80,ipv4_src=10.0.1.1,tcp_src=40000 actions="
           "fin_timeout(idle_timeout=1),set_field:02:00:0a:00:02:02->eth_dst,set_field:10.0.10.2->ipv4_dst,set_field:8001->tcp_dst"),
}


@pytest.mark.parametrize("layer", sorted(UNITS))
def test_a_units_flow_rewrites_what_its_layer_says(layer: str) -> None:
    unit, expected = UNITS[layer]
    web = service(layer)
    flow = unit_flow(web, unit, web.backends[0])
    assert str(flow) == f"cookie=0x4c4c000400020007, table=2, priority=20, {expected},NORMAL"
    assert flow.idle_timeout_s == 60


def test_the_flow_of_a_connection_goes_soon_after_its_end() -> None:
    """Not if it would be gone as soon anyway: fin_timeout only ever makes a timeout shorter."""
    unit, _ = UNITS["l4"]
    for web, closing in ((service("l4"), True), (service("l4", protocol="udp"), False),
                         (service("l4", idle_timeout_s=1), False), (service("l3"), False)):
        number = UNITS[web.layer][0] if web.layer == "l3" else unit
        assert ("fin_timeout(idle_timeout=1)" in str(unit_flow(web, number, web.backends[0]))) is closing


def test_a_backend_on_a_known_port_is_sent_to_directly() -> None:
    backend = Backend(2, "srv2", "10.0.10.2", "02:00:0a:00:02:02", switch_port=5)  # type: ignore[arg-type]
    web = service("l2", backends=(backend,))
    assert str(unit_flow(web, UNITS["l2"][0], backend)).endswith("eth_dst,output:5")


def test_udp_is_matched_and_rewritten_as_udp() -> None:
    web = service("l4", protocol="udp")
    text = str(unit_flow(web, UNITS["l4"][0], web.backends[0]))
    assert "ip_proto=17" in text
    assert "udp_dst=80" in text
    assert "8001->udp_dst" in text
    assert Kind.NEW not in {flow.cookie.kind for flow in static_flows(web)}


@pytest.mark.parametrize(("layer", "kinds"), [
    ("l2", {Kind.ARP, Kind.CLASSIFY, Kind.UNKNOWN}),
    ("l3", {Kind.ARP, Kind.CLASSIFY, Kind.UNKNOWN, Kind.REPLY}),
    ("l4", {Kind.ARP, Kind.CLASSIFY, Kind.UNKNOWN, Kind.REPLY, Kind.PING, Kind.REFUSE, Kind.NEW, Kind.CONNECTED,
            Kind.ABORT}),
])
def test_the_rules_that_a_layer_needs(layer: str, kinds: set[Kind]) -> None:
    flows = static_flows(service(layer))
    assert {flow.cookie.kind for flow in flows} == kinds
    assert {flow.cookie.service for flow in flows} == {4}


@pytest.mark.parametrize(("algorithm", "told"), [
    ("round-robin", 0), ("maglev", 0), ("least-connections", 2), ("least-response-time", 2),
    ("power-of-two-choices", 2), ("random", 0),
])
def test_ends_are_told_to_those_who_want_to_know(algorithm: str, told: int) -> None:
    flows = [flow for flow in static_flows(service("l4", algorithm=algorithm)) if flow.cookie.kind is Kind.END]
    assert len(flows) == told
    for flow in flows:
        assert str(flow).endswith("actions=CONTROLLER,goto_table:2"), "it is told, and goes on as well"


def test_probes_have_rules_of_their_own_above_every_reply() -> None:
    checked = service("l4", health=HealthCheck(source="10.0.0.3"))  # type: ignore[arg-type]
    flows = static_flows(checked)
    found = {flow.cookie.kind: flow for flow in flows if flow.cookie.kind in (Kind.PROBE, Kind.PROBE_ARP)}
    assert str(found[Kind.PROBE]) == ("cookie=0x4c4c00000000000e, table=0, priority=400, eth_dst=02:1c:0a:00:00:03 "
                                      "actions=CONTROLLER")
    assert "arp_tpa=10.0.0.3" in str(found[Kind.PROBE_ARP])
    assert found[Kind.PROBE].priority > max(flow.priority for flow in flows if flow.cookie.kind is Kind.REPLY)


def test_at_l2_nothing_touches_the_answers() -> None:
    """Direct server return: no rule matches what a server sends."""
    assert not [flow for flow in static_flows(service("l2")) if {"ipv4_src", "eth_src"} & set(flow.match)]


def test_replies_get_the_vips_address_back_and_come_from_no_port() -> None:
    (reply,) = [flow for flow in static_flows(service("l4")) if flow.cookie.kind is Kind.REPLY]
    assert str(reply) == (
        "cookie=0x4c4c000400020008, table=0, priority=100, eth_type=2048,ip_proto=6,ipv4_src=10.0.10.2,tcp_src=8001 "
        "actions=set_field:02:1b:0a:00:00:64->eth_src,set_field:10.0.0.100->ipv4_src,set_field:80->tcp_src,"
        "load:0xffff->in_port_nxm,NORMAL")


def test_nothing_assumes_four_bytes() -> None:
    backend = Backend(1, "srv1", "2001:db8::1", "02:00:0a:00:02:01", 8001)  # type: ignore[arg-type]
    web = service("l4", vip="2001:db8::100", backends=(backend,))
    assert resolve(web, "ip_dst") == "ipv6_dst"
    flow = unit_flow(web, Unit(("2001:db8::99", 40000), b""), backend)
    assert flow.match["eth_type"] == 0x86DD
    assert flow.match["ipv6_src"] == "2001:db8::99"
    with pytest.raises(LabError, match="2001:db8::100"):
        static_flows(web)
