"""A Route that exists can be met, and is stored in one way only."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing import Pair, Route, Service
from balancing.path import normal_path
from layerlab import LabError

BACKENDS = [{"id": 1, "name": "s1", "ip": "10.0.3.1", "port": 8001, "mac": "02:00:00:02:00:01"}]
BETA = {"name": "X-Version", "value": "beta"}


def form(**changes: Any) -> dict[str, Any]:
    return {"id": 1, "name": "web", "vip": "10.0.0.100", "port": 80, "layer": "l7", "backends": BACKENDS} | changes


def test_a_route_is_part_of_its_services_json_form() -> None:
    route = {"host": "shop.example", "path": "/video", "header": {"name": "x-version", "value": "beta"},
             "cookie": {"name": "group", "value": "b"}, "method": ["GET", "HEAD"]}
    service = Service.from_json(form(route=route))
    assert service.route == Route("shop.example", "/video", Pair("x-version", "beta"), Pair("group", "b"),
                                  method=("GET", "HEAD"))
    assert json.loads(json.dumps(service.to_json()))["route"] == route
    assert Service.from_json(service.to_json()) == service
    assert "route" not in Service.from_json(form()).to_json()


def test_what_can_be_written_in_several_ways_is_stored_in_one() -> None:
    assert Route(host="Shop.Example") == Route(host="shop.example")
    assert Route(header=Pair("X-Version", "beta")) == Route(header=Pair("x-version", "beta"))
    assert Route(path="/%76ideo/caf%c3%a9") == Route(path="/video/caf%C3%A9")
    assert Route(path="/video") != Route(path="/video/")
    assert Route(path_pattern="/%76/*") == Route(path_pattern="/v/*")
    assert Route(method=["HEAD", "GET", "GET"]) == Route(method=("GET", "HEAD"))  # type: ignore[arg-type]
    assert Route(path="/video") != Route(path_exact="/video")
    assert Route(cookie=Pair("Group", "b")) != Route(cookie=Pair("group", "b"))


@pytest.mark.parametrize(("route", "saw"), [
    ({}, "the route has no condition"),
    ([], "a route is []"),
    ({"url": "/video"}, "no field of a route 'url'"),
    ({"host": "shop.example:80"}, "route's host is 'shop.example:80'"),
    ({"host": "*"}, "route's host is '*'"),
    ({"host": "www.*.example"}, "route's host is 'www.*.example'"),
    ({"host": "*.[::1]"}, "route's host is '*.[::1]'"),
    ({"host": ""}, "route's host is ''"),
    ({"host": 7}, "route's host is 7"),
    ({"path": "video"}, "route's path is 'video'"),
    ({"path": ""}, "route's path is ''"),
    ({"path": "/video?hd"}, "route's path is '/video?hd'"),
    ({"path": "/café"}, "route's path is '/café'"),
    ({"path": "/100%"}, "route's path is '/100%'"),
    ({"path": "/video/../x"}, "route's path is '/video/../x'"),
    ({"path_exact": "/a/../b"}, "route's path_exact is '/a/../b'"),
    ({"path": "/a", "path_exact": "/a"}, "the route has path and path_exact"),
    ({"path_pattern": "/a"}, "route's path_pattern is '/a'"),
    ({"path_pattern": "/**/a"}, "route's path_pattern is '/**/a'"),
    ({"path_pattern": "/a**"}, "route's path_pattern is '/a**'"),
    ({"path_pattern": "/**/**"}, "route's path_pattern is '/**/**'"),
    ({"path_pattern": "a/*"}, "route's path_pattern is 'a/*'"),
    ({"method": "GET"}, "route's method is 'GET'"),
    ({"method": []}, "route's method is []"),
    ({"method": ["get"]}, "route's method is 'get'"),
    ({"header": "beta"}, "a route's header is 'beta'"),
    ({"header": {"name": "X-Version"}}, "route's header 'X-Version' has no value"),
    ({"header": {"name": "X Version", "value": "beta"}}, "route's header's name is 'X Version'"),
    ({"header": {"name": "X-Version", "value": " beta"}}, "route's header's value is ' beta'"),
    ({"header": {"name": "X-Version", "value": "a\r\nB: c"}}, "route's header's value is 'a\\r\\nB: c'"),
    ({"header": BETA | {"vaule": 1}}, "no field of a route's header 'vaule'"),
    ({"cookie": {"name": "group", "value": "a;b"}}, "route's cookie's value is 'a;b'"),
    ({"cookie": {"name": "gr=oup", "value": "a"}}, "route's cookie's name is 'gr=oup'"),
    ({"cookie": {"name": "group", "value": ""}}, "route's cookie's value is ''"),
])
def test_what_is_wrong_is_named(route: Any, saw: str) -> None:
    with pytest.raises(LabError) as caught:
        Service.from_json(form(route=route))
    assert saw in caught.value.saw
    assert caught.value.expected


@pytest.mark.parametrize("layer", ["l2", "l3", "l4"])
def test_only_l7_sees_what_a_route_asks_for(layer: str) -> None:
    with pytest.raises(LabError, match=f"{layer} has a route"):
        Service.from_json(form(layer=layer, route={"path": "/video"}))


def test_a_route_can_be_read() -> None:
    route = Route("shop.example", "/video", Pair("X-Version", "beta"), Pair("group", "b"))
    assert str(route) == "host shop.example, path /video, header x-version: beta, cookie group=b"
    assert str(Route(host="*.x", path_pattern="/a/**", method=("GET", "HEAD"))) == (
        "host *.x, path_pattern /a/**, method GET or HEAD")
    assert "l7 round-robin proxy for path /video: s1>" in repr(Service.from_json(form(route={"path": "/video"})))


@pytest.mark.parametrize(("path", "compared_as"), [
    ("/", "/"), ("/video", "/video"), ("/%76%69deo", "/video"), ("/a%2fb", "/a%2Fb"), ("/%7Euser", "/~user"),
    ("/a%2ejpg", "/a.jpg"), ("/%252e%252e/b", "/%252e%252e/b"), ("/a//b", "/a//b"), ("/100%", "/100%"),
    ("/...", "/..."), ("/a..", "/a.."), ("/..a/.b", "/..a/.b"), ("/%2e%2e%2e/", "/.../"),
    ("/..", None), ("/.", None), ("/a/./b", None), ("/a/../b", None), ("/a/%2e%2E/b", None), ("/a/.%2e", None),
    ("/a/..%2fb", None), ("/a%2F../b", None), ("/a/..%5cb", None), ("/a\\..\\b", None), ("/a/..;x=1/b", None),
    ("/a/..%3Bx/b", None), ("/a//../b", None),
])
def test_a_path_is_compared_in_one_form_or_is_none(path: str, compared_as: str | None) -> None:
    assert normal_path(path) == compared_as


@given(st.text("a.%2eEfF5cCbB/\\;", max_size=12).map("/".__add__))
def test_no_server_finds_a_dot_segment_in_a_path_that_is_compared(path: str) -> None:
    """Not even one that takes escapes for slashes, backslashes for slashes, and cuts parameters off."""
    read = unquote(path).replace("\\", "/").split("/")
    dots = any(segment.partition(";")[0] in (".", "..") for segment in read)
    assert (normal_path(path) is None) == dots
