"""The operator's API: every row of its table, every refusal, and that nothing whatever makes it stumble."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancing import Backend, Event, Pool, Service
from balancing.api import MAX_BODY_BYTES, Api
from layerlab import LabError
from tests.balancing.pools import pool, unit

S4 = {"name": "s4", "ip": "10.0.0.4", "mac": "02:00:00:02:00:04"}


class Desk:
    """An API over two pools, with what it told whom."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.changes: list[str] = []
        web = pool(on_event=self.events.append)
        shop = Service(2, "shop", "10.0.255.101", "l7", (Backend(1, "s1", "10.0.0.1"),), port=80)  # type: ignore[arg-type]
        self.pools = {"web": web, "shop": Pool(shop)}
        self.api = Api(self.pools, lambda changed: self.changes.append(changed.name))

    def ask(self, method: str, target: str, form: Any = None) -> tuple[int, Any]:
        return self.api.answer(method, target, b"" if form is None else json.dumps(form).encode())

    def servers(self) -> dict[str, dict[str, Any]]:
        """The servers of web, as the API shows them."""
        return {server["name"]: server for server in self.ask("GET", "/services/web")[1]["servers"]}


@pytest.fixture
def desk() -> Desk:
    return Desk()


# -- what else can be looked at ------------------------------------------------------------------


def test_a_view_is_shown_by_its_first_word_and_what_is_not_there_is_404() -> None:
    def numbers(words: list[str]) -> object:
        if words == ["7"]:
            raise LabError("there is no 7", "another one", "8")
        return words
    api = Api({}, views={"numbers": numbers})
    assert api.answer("GET", "/numbers") == (200, [])
    assert api.answer("GET", "/numbers/8?x=1") == (200, ["8"])
    assert api.answer("GET", "/numbers/7") == (404, {"error": "there is no 7", "expected": "another one", "hint": "8"})
    assert api.answer("POST", "/numbers/8") == (405, {"error": "POST is not for /numbers", "expected": "GET"})
    assert Api({}).answer("GET", "/numbers")[0] == 404


# -- what can be done ----------------------------------------------------------------------------


def test_every_pool_can_be_seen(desk: Desk) -> None:
    status, form = desk.ask("GET", "/services")
    assert status == 200
    assert [one["service"] for one in form] == ["web", "shop"]
    assert form == [desk.ask("GET", f"/services/{name}")[1] for name in ("web", "shop")]


def test_one_pool_is_shown_as_it_is(desk: Desk) -> None:
    desk.pools["web"].assign(unit(1))
    status, form = desk.ask("GET", "/services/web")
    assert status == 200
    servers = form.pop("servers")
    assert form == {"service": "web", "layer": "l3", "vip": "10.0.255.100", "port": None, "protocol": "tcp",
                    "algorithm": "round-robin", "realisation": "reactive"}
    assert servers[0] == {"id": 1, "name": "s1", "ip": "10.0.0.1", "mac": "02:00:00:02:00:01", "port": None,
                          "weight": 1, "draining": False, "state": "up", "active": 1, "effective_weight": 1.0,
                          "response_ms": None}
    assert desk.changes == [], "looking changes nothing"


def test_a_port_of_the_services_is_shown_where_a_server_has_none(desk: Desk) -> None:
    assert desk.ask("GET", "/services/shop")[1]["servers"][0]["port"] == 80


def test_the_algorithm_can_be_changed(desk: Desk) -> None:
    status, form = desk.ask("PATCH", "/services/web", {"algorithm": "least-connections"})
    assert (status, form["algorithm"]) == (200, "least-connections")
    assert desk.pools["web"].algorithm.name == "least-connections"
    assert desk.changes == ["web"]


def test_a_server_can_be_added(desk: Desk) -> None:
    status, form = desk.ask("POST", "/services/web/backends", S4)
    assert status == 201
    assert form["servers"][-1] | S4 == form["servers"][-1]
    assert form["servers"][-1]["id"] == 4, "the next number, where none is given"
    assert {desk.pools["web"].assign(unit(number)).name for number in range(4)} == {"s1", "s2", "s3", "s4"}
    assert desk.changes == ["web"]


def test_a_server_can_be_added_with_all_that_it_has(desk: Desk) -> None:
    given = S4 | {"id": 9, "weight": 5, "port": 8080, "switch_port": 7, "draining": True}
    status, form = desk.ask("POST", "/services/web/backends", given)
    assert status == 201
    assert form["servers"][-1] | given == form["servers"][-1]
    assert form["servers"][-1]["state"] == "draining"


@pytest.mark.parametrize(("form", "shown"), [
    ({"weight": 3}, {"weight": 3, "effective_weight": 3.0, "state": "up"}),
    ({"weight": 0}, {"weight": 0, "effective_weight": 0.0, "state": "draining"}),
    ({"draining": True}, {"weight": 1, "draining": True, "state": "draining"}),
    ({"draining": False}, {"weight": 1, "draining": False, "state": "up"}),
])
def test_a_server_can_be_changed(desk: Desk, form: Any, shown: Any) -> None:
    status, _ = desk.ask("PATCH", "/services/web/backends/s2", form)
    assert status == 200
    assert desk.servers()["s2"] | shown == desk.servers()["s2"]
    assert desk.servers()["s1"]["state"] == "up"
    assert desk.changes == ["web"]


def test_a_server_without_units_can_be_removed(desk: Desk) -> None:
    status, form = desk.ask("DELETE", "/services/web/backends/s2")
    assert status == 200
    assert [server["name"] for server in form["servers"]] == ["s1", "s3"]
    assert desk.changes == ["web"]


def test_a_server_with_units_is_kept_unless_they_may_go(desk: Desk) -> None:
    desk.pools["web"].assign(unit(1))
    gone: list[str] = []
    desk.pools["web"].on_leave = lambda server: gone.append(server.name)
    status, form = desk.ask("DELETE", "/services/web/backends/s1")
    assert status == 409
    assert form["error"].startswith("s1 still has 1 unit")
    assert form["expected"] == "none: drain it and wait"
    assert "now=true" in form["hint"]
    assert desk.ask("DELETE", "/services/web/backends/s1?now=false")[0] == 409
    assert (gone, desk.changes) == ([], [])
    assert desk.ask("DELETE", "/services/web/backends/s1?now=true")[0] == 200
    assert gone == ["s1"]


def test_names_are_read_as_they_are_written_in_urls(desk: Desk) -> None:
    assert desk.ask("POST", "/services/web/backends", S4 | {"name": "a/b ü"})[0] == 201
    assert desk.ask("PATCH", "/services/web/backends/a%2Fb%20%C3%BC", {"weight": 2})[0] == 200
    assert desk.servers()["a/b ü"]["weight"] == 2


@pytest.mark.parametrize("target", ["/services/web", "/services/web/", "services/web", "http://lab/services/web",
                                    "/services/web?", "/services/web#top"])
def test_a_target_may_be_written_in_several_ways(desk: Desk, target: str) -> None:
    assert desk.ask("GET", target)[0] == 200


def test_what_is_told_is_what_was_done(desk: Desk) -> None:
    desk.ask("PATCH", "/services/web/backends/s1", {"draining": True})
    assert [str(event) for event in desk.events] == [
        "Changed(service='web', change='s1 drains')", "Drained(service='web', backend='s1')"]


# -- what is refused -----------------------------------------------------------------------------

WEB, BACKENDS, S1 = "/services/web", "/services/web/backends", "/services/web/backends/s1"


@pytest.mark.parametrize(("method", "target", "status", "saw", "expected"), [
    ("GET", "/", 404, "there is nothing at /", "/services, /services/WEB"),
    ("GET", "", 404, "there is nothing at /", "/services"),
    ("GET", "/service", 404, "there is nothing at /service", "/services"),
    ("GET", "/services/web/servers", 404, "there is nothing at /services/web/servers", "backends"),
    ("GET", "/services/web/backends/s1/weight", 404, "there is nothing at", "backends/SRV1"),
    ("GET", "//[", 404, "there is nothing at '//['", "/services"),
    ("GET", "/services/wep", 404, "there is no service 'wep'", "one of web, shop"),
    ("PATCH", "/services/web/backends/s9", 404, "there is no server 's9'", "one of s1, s2, s3"),
    ("POST", "/services", 405, "POST is not for /services", "one of GET"),
    ("DELETE", WEB, 405, "DELETE is not for /services/*", "one of GET, PATCH"),
    ("GET", BACKENDS, 405, "GET is not for /services/*/backends", "one of POST"),
    ("GET", S1, 405, "GET is not for /services/*/backends/*", "one of PATCH, DELETE"),
    ("PUT", S1, 405, "PUT is not for", "one of PATCH, DELETE"),
    ("", "/services", 405, " is not for /services", "one of GET"),
])
def test_a_request_for_what_there_is_not(desk: Desk, method: str, target: str, status: int, saw: str,
                                         expected: str) -> None:
    got, form = desk.ask(method, target, {})
    assert got == status
    assert form["error"].startswith(saw)
    assert expected in form["expected"]
    assert desk.changes == []


def test_the_nearest_word_is_offered(desk: Desk) -> None:
    assert desk.ask("GET", "/services/wep")[1]["hint"] == "web (did you mean that?)"


@pytest.mark.parametrize(("method", "target", "form", "field", "expected"), [
    ("GET", WEB, {"weight": 1}, "weight", "none"),
    ("GET", f"{WEB}?now=true", {}, "now", "none"),
    ("GET", "/services?x", {}, "x", "one of true, false"),
    ("PATCH", WEB, {}, "algorithm", "one of algorithm"),
    ("PATCH", WEB, {"algorithm": "robin"}, "algorithm", "one of round-robin, "),
    ("PATCH", WEB, {"algorithm": 5}, "algorithm", "text"),
    ("PATCH", WEB, {"algorithm": None}, "algorithm", "text"),
    ("PATCH", WEB, {"algorithm": "/nowhere/mine.py:Mine"}, "algorithm", "FILE.py:CLASS"),
    ("PATCH", WEB, {"algorithm": "a\0.py:Mine"}, "algorithm", "FILE.py:CLASS"),
    ("PATCH", WEB, {"name": "x"}, "name", "only algorithm"),
    ("PATCH", WEB, {"algorithm": "maglev", "layer": "l4"}, "layer", "only algorithm"),
    ("PATCH", S1, {}, "weight", "one of weight, draining"),
    ("PATCH", S1, {"weight": 1, "draining": True}, "weight", "one of weight, draining"),
    ("PATCH", S1, {"weight": -1}, "weight", "a whole number from 0 to 65535"),
    ("PATCH", S1, {"weight": 65_536}, "weight", "a whole number from 0 to 65535"),
    ("PATCH", S1, {"weight": 1.5}, "weight", "a whole number"),
    ("PATCH", S1, {"weight": True}, "weight", "a whole number"),
    ("PATCH", S1, {"weight": "3"}, "weight", "a whole number"),
    ("PATCH", S1, {"draining": 1}, "draining", "true or false"),
    ("PATCH", S1, {"draining": "yes"}, "draining", "true or false"),
    ("PATCH", S1, {"ip": "10.0.0.9"}, "ip", "only weight, draining"),
    ("DELETE", f"{S1}?now=yes", {}, "now", "one of true, false"),
    ("DELETE", f"{S1}?force=true", {}, "force", "only now"),
    ("DELETE", S1, {"weight": 1}, "weight", "only now"),
    ("POST", BACKENDS, {}, "name", "that field: id, name, ip"),
    ("POST", BACKENDS, {"name": "s4"}, "ip", "that field"),
    ("POST", BACKENDS, S4 | {"nmae": "x"}, "nmae", "one of id, name, ip"),
    ("POST", BACKENDS, S4 | {"name": "s1"}, "name", "each name once"),
    ("POST", BACKENDS, S4 | {"name": ""}, "name", "1 to 100 characters"),
    ("POST", BACKENDS, S4 | {"name": {}}, "name", "1 to 100 characters"),
    ("POST", BACKENDS, S4 | {"name": None}, "name", "1 to 100 characters"),
    ("POST", BACKENDS, S4 | {"id": 1}, "id", "each id once"),
    ("POST", BACKENDS, S4 | {"id": 0}, "id", "a whole number from 1 to 65535"),
    ("POST", BACKENDS, S4 | {"id": None}, "id", "a whole number"),
    ("POST", BACKENDS, S4 | {"ip": "10.0.0"}, "ip", "an IP address"),
    ("POST", BACKENDS, S4 | {"ip": 5}, "ip", "an IP address"),
    ("POST", BACKENDS, S4 | {"ip": "2001:db8::4"}, "ip", "the VIP's family, IPv4"),
    ("POST", BACKENDS, S4 | {"mac": None}, "mac", "one, because l3 rewrites eth_dst"),
    ("POST", BACKENDS, S4 | {"mac": "02"}, "mac", "six bytes in hex"),
    ("POST", BACKENDS, S4 | {"port": 0}, "port", "a whole number from 1 to 65535"),
    ("POST", BACKENDS, S4 | {"weight": -1}, "weight", "a whole number from 0"),
    ("POST", BACKENDS, S4 | {"draining": 0}, "draining", "true or false"),
    ("POST", BACKENDS, S4 | {"switch_port": [1]}, "switch_port", "a whole number from 1"),
])
def test_a_field_that_is_wrong_is_named(desk: Desk, method: str, target: str, form: Any, field: str,
                                        expected: str) -> None:
    before = desk.pools["web"].service, desk.pools["web"].algorithm
    status, answer = desk.ask(method, target, form)
    assert status == 400
    assert answer["field"] == field
    assert answer["error"]
    assert expected in answer["expected"]
    assert (desk.pools["web"].service, desk.pools["web"].algorithm) == before
    assert (desk.changes, desk.events) == ([], [])


@pytest.mark.parametrize("body", [b"{", b"weight=3", b"\xff", b"[]", b"3", b"null", b'"x"', b"1" * 5000, b"[" * 60_000,
                                  b'{"weight": 1,}', b"{}{}", b"\0"])
def test_a_body_that_is_no_object(desk: Desk, body: bytes) -> None:
    status, form = desk.api.answer("PATCH", S1, body)
    assert status == 400
    assert form["error"].startswith("the body is ")
    assert form["expected"] == 'an object, such as {"weight": 3}'


def test_the_last_server_cannot_be_removed(desk: Desk) -> None:
    status, form = desk.ask("DELETE", "/services/shop/backends/s1")
    assert status == 400
    assert form["error"] == "service 'shop' has no backends"


def test_an_address_of_another_service_is_refused(desk: Desk) -> None:
    """Its replies would be rewritten to the wrong VIP (claims.py)."""
    other = Service.from_json(desk.pools["web"].service.to_json() | {
        "id": 3, "name": "other", "vip": "10.0.255.102",
        "backends": [{"id": 1, "name": "o1", "ip": "10.0.0.9", "mac": "02:00:00:02:00:09"}]})
    desk.pools["other"] = Pool(other)
    status, form = desk.ask("POST", BACKENDS, S4 | {"ip": "10.0.0.9"})
    assert (status, form["field"]) == (400, "ip")
    assert "both claim the service address 10.0.0.9" in form["error"]


def test_a_class_of_ones_own_that_cannot_begin_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from balancing import Stateless\nclass Mine(Stateless):\n    def __init__(self, pool):\n"
                    "        super().__init__(pool)\n        assert pool.name == 'trial'\n"
                    "    def choose(self, unit):\n        return self.pool.candidates[0]\n")
    status, form = desk.ask("PATCH", WEB, {"algorithm": f"{path}:Mine"})
    assert (status, form["field"]) == (400, "algorithm")
    assert "line 5: AssertionError" in form["error"]


# -- anything at all -----------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(
        ["s1", "s4", "10.0.0.7", "02:00:00:02:00:07", "maglev", "random", 0, 3, 65_535]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=5)
WORDS = ["services", "web", "shop", "backends", "s1", "s2", "s3", "s4"]
NAMES = ["algorithm", "weight", "draining", "now", "id", "name", "ip", "mac", "port", "switch_port", "layer"]
TARGETS = st.text() | st.sampled_from(
    ["/services", WEB, BACKENDS, S1, f"{S1}?now=true", "/services/web/backends/s4", "/services/shop/backends"],
) | st.lists(st.sampled_from(WORDS) | st.text(max_size=5), max_size=5).map("/".join)
FORMS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=4)
USEFUL = st.sampled_from([{"weight": 0}, {"weight": 7}, {"draining": True}, {"algorithm": "weighted-round-robin"}, S4])
BODIES = st.binary(max_size=50) | JSON.map(json.dumps).map(str.encode) | (
    FORMS | USEFUL | FORMS.map(lambda form: S4 | form)).map(json.dumps).map(str.encode)
METHODS = st.sampled_from(["GET", "PATCH", "POST", "DELETE", "HEAD"]) | st.text(max_size=5)


@given(st.lists(st.tuples(METHODS, TARGETS, BODIES), max_size=12))
@example([("GET", "//[", b"")])
@example([("PATCH", S1, b"[" * MAX_BODY_BYTES)])
@example([("POST", BACKENDS, json.dumps(S4 | {"name": ["x"]}).encode()), ("DELETE", S1, b"")])
@example([("PATCH", WEB, b'{"algorithm": "\\ud800.py:C"}')])
def test_nothing_makes_it_stumble(requests: list[tuple[str, str, bytes]]) -> None:
    """Every request has a status and a form that JSON can say; and the pools are still whole after each."""
    desk = Desk()
    for method, target, body in requests:
        before = [servers.service for servers in desk.pools.values()]
        status, form = desk.api.answer(method, target, body)
        assert status in (200, 201, 400, 404, 405, 409)
        assert json.loads(json.dumps(form)) == form
        assert (status < 400) or {"error", "expected"} <= set(form)
        if status >= 400 or method == "GET":
            assert [servers.service for servers in desk.pools.values()] == before
        for servers in desk.pools.values():
            whole(servers)


def whole(servers: Pool) -> None:
    assert Service.from_json(json.loads(json.dumps(servers.service.to_json()))) == servers.service
    assert [server.backend for server in servers.servers.values()] == list(servers.service.backends)
    if servers.candidates:
        one = unit(1)
        servers.release(one, servers.assign(one))
