"""Services stand side by side only where every packet and every request has one owner."""

from __future__ import annotations

from typing import Any

import pytest

from balancing import Service, by_address, check_services
from layerlab import LabError

BACKENDS = [{"id": n, "name": f"s{n}", "ip": f"10.0.3.{n}", "mac": f"02:00:00:02:00:0{n}", "port": 8000 + n}
            for n in (1, 2, 3)]


def form(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "name": "web", "vip": "10.0.0.100", "port": 80, "layer": "l4", "backends": BACKENDS} | changes


def shifted(number: int, **changes: Any) -> Service:
    """The same service with an id, VIP and service addresses of its own."""
    backends = [other | {"ip": f"10.0.{10 + number}.{other['id']}"} for other in BACKENDS]
    return Service.from_json(form(id=number, name=f"web{number}", vip=f"10.0.0.{100 + number}", backends=backends)
                             | changes)


@pytest.mark.parametrize("layers", [("l4", "l4"), ("l2", "l3"), ("l3", "l4"), ("l7", "l4")])
def test_services_with_their_own_addresses_stand_side_by_side(layers: tuple[str, str]) -> None:
    check_services([shifted(number, layer=layer) for number, layer in enumerate(layers, start=1)])


def test_two_ports_of_one_vip_stand_side_by_side() -> None:
    other = [one | {"port": 9000} for one in BACKENDS]
    check_services([Service.from_json(form()), Service.from_json(form(id=2, port=81, backends=other))])


@pytest.mark.parametrize(("first", "second", "claimed"), [
    ({}, {"id": 1}, "the id 1"),
    ({"vip": "10.0.0.200"}, {"vip": "10.0.0.200"}, "the VIP 10.0.0.200"),
    ({"vip": "10.0.0.200", "layer": "l2"}, {"vip": "10.0.0.200", "layer": "l4", "port": 81}, "the VIP 10.0.0.200"),
    ({"vip": "10.0.0.200", "layer": "l4", "port": 81}, {"vip": "10.0.0.200", "layer": "l2"}, "the VIP 10.0.0.200"),
    ({"backends": BACKENDS}, {"backends": BACKENDS}, "the service address 10.0.3.1"),
    ({"backends": BACKENDS, "layer": "l3"}, {"backends": BACKENDS}, "service address 10.0.3.1"),
])
def test_services_that_claim_the_same_are_refused(first: Any, second: Any, claimed: str) -> None:
    with pytest.raises(LabError) as caught:
        check_services([shifted(1, **first), shifted(2, **second)])
    assert claimed in caught.value.saw
    assert caught.value.field in ("id", "vip", "ip")


VIDEO, BETA = {"path": "/video"}, {"header": {"name": "X-Version", "value": "beta"}}


def routed(*routes: Any, **changes: Any) -> list[Service]:
    """Services a, b, c... of one VIP and port, with these routes."""
    return [Service.from_json(form(layer="l7", id=number, name=chr(96 + number), route=route) | changes)
            for number, route in enumerate(routes, start=1)]


@pytest.mark.parametrize("routes", [(VIDEO, None), (VIDEO, BETA), (VIDEO | BETA, VIDEO, BETA, None)])
def test_services_with_routes_share_a_vip_and_port_and_their_servers(routes: Any) -> None:
    services = check_services(routed(*routes))
    assert list(by_address(services).values()) == [list(services)]


def test_each_port_has_its_own_last_service() -> None:
    first, second = routed(None)[0], routed(VIDEO, None, port=81)[1]
    assert list(by_address(check_services([first, second]))) == [(first.vip, 80), (first.vip, 81)]


@pytest.mark.parametrize(("routes", "saw"), [
    ((None, None), "'a' has no route and takes every request of 10.0.0.100:80: none is left for 'b'"),
    ((None, VIDEO), "'a' has no route and takes every request of 10.0.0.100:80: none is left for 'b'"),
    ((VIDEO, None, BETA), "'b' has no route and takes every request of 10.0.0.100:80: none is left for 'c'"),
    ((VIDEO, BETA, VIDEO), "services 'a' and 'c' have one route at 10.0.0.100:80: path /video"),
    (({"host": "Shop.example"}, {"host": "shop.EXAMPLE"}), "services 'a' and 'b' have one route"),
])
def test_a_service_that_no_request_can_reach_is_refused(routes: Any, saw: str) -> None:
    with pytest.raises(LabError) as caught:
        check_services(routed(*routes))
    assert saw in caught.value.saw
    assert caught.value.expected


@pytest.mark.parametrize("layer", ["l2", "l3", "l4"])
@pytest.mark.parametrize("switch_first", [True, False])
def test_a_switch_does_not_share_with_a_proxy(layer: str, switch_first: bool) -> None:
    other = Service.from_json(form(id=9, name="other", layer=layer))
    with pytest.raises(LabError, match="both claim the VIP"):
        check_services([other, *routed(VIDEO)] if switch_first else [*routed(VIDEO), other])
