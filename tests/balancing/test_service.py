"""A Service that exists is valid, survives its JSON form, and every refusal names what is wrong."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancing import LAYERS, Backend, Service
from layerlab import LabError


def form(**changes: Any) -> dict[str, Any]:
    backends = [{"id": n, "name": f"s{n}", "ip": f"10.0.3.{n}", "mac": f"02:00:00:02:00:0{n}", "port": 8000 + n}
                for n in (1, 2, 3)]
    return {"id": 1, "name": "web", "vip": "10.0.0.100", "port": 80, "layer": "l4", "backends": backends} | changes


def backend(**changes: Any) -> dict[str, Any]:
    return form()["backends"][0] | changes


@given(layer=st.sampled_from(sorted(LAYERS)), weights=st.lists(st.integers(1, 65_535), min_size=1, max_size=8),
       algorithm=st.sampled_from(["round-robin", "weighted-round-robin", "source-hash"]), v6=st.booleans())
def test_json_form_is_lossless(layer: str, weights: list[int], algorithm: str, v6: bool) -> None:
    net = "2001:db8::" if v6 else "10.0.3."
    backends = [{"id": n, "name": f"s{n}", "ip": f"{net}{n}", "mac": "02:00:00:02:00:01", "weight": weight}
                for n, weight in enumerate(weights, start=1)]
    service = Service.from_json(form(layer=layer, vip=f"{net}99", backends=backends, algorithm=algorithm))
    assert Service.from_json(json.loads(json.dumps(service.to_json()))) == service


@pytest.mark.parametrize(("changes", "saw"), [
    ({"vip": "10.0.0"}, "vip is '10.0.0'"),
    ({"layer": "l5"}, "no layer 'l5'"),
    ({"algorithm": "round-robbin"}, "no algorithm 'round-robbin'"),
    ({"realisation": "magic"}, "no realisation 'magic'"),
    ({"realisation": "proxy"}, "l4 cannot be realised as 'proxy'"),
    ({"layer": "l7", "realisation": "reactive"}, "l7 cannot be realised as 'reactive'"),
    ({"protocol": "sctp"}, "no protocol 'sctp'"),
    ({"port": None}, "has no port"),
    ({"port": 0}, "port is 0"),
    ({"port": "80"}, "port is '80'"),
    ({"id": 65_536}, "id is 65536"),
    ({"backends": []}, "has no backends"),
    ({"backends": "s1"}, "backends is 's1'"),
    ({"backends": [backend(), backend()]}, "two backends with id 1"),
    ({"backends": [backend(), backend(id=2)]}, "two backends with name 's1'"),
    ({"health": {"interval_s": 1}}, "no source"),
    ({"health": {"source": "10.0.0.3", "interval_s": 0}}, "interval_s is 0"),
    ({"health": {"source": "10.0.0.3", "fall": True}}, "fall is True"),
    ({"health": {"source": "nowhere"}}, "source is 'nowhere'"),
    ({"health": {"source": "10.0.0.3", "path": "no slash"}}, "path is 'no slash'"),
    ({"health": {"source": "10.0.0.3", "rize": 2}}, "no field of a health check 'rize'"),
    ({"backends": [backend(weight=-1)]}, "weight is -1"),
    ({"backends": [backend(weight="heavy")]}, "weight is 'heavy'"),
    ({"backends": [backend(weight=True)]}, "weight is True"),
    ({"backends": [backend(weight=1.5)]}, "weight is 1.5"),
    ({"backends": [backend(mac="02:00")]}, "mac is '02:00'"),
    ({"backends": [backend(mac=None)]}, "has no mac"),
    ({"backends": [backend(ip="2001:db8::1")]}, "has the address 2001:db8::1"),
    ({"backends": [backend(prot=1)]}, "no field of a backend 'prot'"),
    ({"backnds": []}, "no field of a service 'backnds'"),
])
def test_what_is_wrong_is_named(changes: dict[str, Any], saw: str) -> None:
    with pytest.raises(LabError) as caught:
        Service.from_json(form(**changes))
    assert saw in caught.value.saw
    assert caught.value.expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["l2", "l7", "10.0.0.9", "udp"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5)
FIELDS = [field.name for field in dataclasses.fields(Service)]
BACKEND_FIELDS = [field.name for field in dataclasses.fields(Backend)]


@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2),
       inside=st.dictionaries(st.sampled_from(BACKEND_FIELDS), JSON, max_size=2))
@example({"layer": 5}, {})
@example({"algorithm": 5}, {})
@example({"algorithm": "a\0b.py:C"}, {})
@example({}, {"name": {}})
@example({}, {"name": None})
@example({}, {"ip": 5})
@example({}, {"switch_port": [1]})
def test_anything_at_all_is_a_service_or_refused(changes: dict[str, Any], inside: dict[str, Any]) -> None:
    """Never a TypeError, and never a service that its own JSON form would not give again."""
    whole = form(backends=[backend(**inside), backend(id=2, name="s2")]) | changes
    try:
        service = Service.from_json(whole)
    except LabError:
        return
    assert Service.from_json(json.loads(json.dumps(service.to_json()))) == service


@pytest.mark.parametrize(("changes", "field"), [
    ({"id": 0}, "id"), ({"name": ""}, "name"), ({"name": "a\nb"}, "name"), ({"name": 5}, "name"), ({"vip": 5}, "vip"),
    ({"layer": "l5"}, "layer"), ({"algorithm": "robin"}, "algorithm"), ({"algorithm": "x.py:Y"}, "algorithm"),
    ({"realisation": "proxy"}, "realisation"), ({"protocol": "sctp"}, "protocol"), ({"port": None}, "port"),
    ({"idle_timeout_s": 0}, "idle_timeout_s"), ({"switch": -1}, "switch"), ({"route": {"path": "/a"}}, "route"),
    ({"health": {"interval_s": 1}}, "source"), ({"health": {"rize": 2}}, "rize"), ({"backends": []}, "backends"),
    ({"backends": {}}, "backends"), ({"backnds": []}, "backnds"), ({"backends": [backend(), backend(name="b")]}, "id"),
    ({"backends": [backend(), backend(id=2)]}, "name"), ({"backends": [backend(name="x" * 101)]}, "name"),
    ({"backends": [backend(ip=5)]}, "ip"), ({"backends": [backend(ip="2001:db8::1")]}, "ip"),
    ({"backends": [backend(mac=None)]}, "mac"), ({"backends": [backend(mac="02")]}, "mac"),
    ({"backends": [backend(port=0)]}, "port"), ({"backends": [backend(weight=65_536)]}, "weight"),
    ({"backends": [backend(switch_port=0)]}, "switch_port"), ({"backends": [{"id": 1, "name": "s1"}]}, "ip"),
])
def test_the_field_that_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(LabError) as caught:
        Service.from_json(form(**changes))
    assert caught.value.field == field


def test_a_missing_field_is_named() -> None:
    without = form()
    del without["vip"]
    with pytest.raises(LabError, match="has no vip"):
        Service.from_json(without)


def test_the_nearest_word_is_offered() -> None:
    with pytest.raises(LabError, match="did you mean that") as caught:
        Service.from_json(form(algorithm="roundrobin"))
    assert "round-robin" in caught.value.hint


def test_the_vip_can_be_read_in_its_mac() -> None:
    assert Service.from_json(form()).vmac == "02:1b:0a:00:00:64"


def test_repr_is_for_students() -> None:
    assert repr(Service.from_json(form())) == "<Service web 10.0.0.100:80/tcp l4 round-robin reactive: s1 s2 s3>"
    assert repr(Backend(1, "s1", "10.0.3.1", port=8001)) == "<Backend s1 10.0.3.1:8001 w=1>"  # type: ignore[arg-type]
