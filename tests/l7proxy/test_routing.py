"""Whose request is it? Conditions as a table, services as transcripts, and all of it once over TCP."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from balancing import Backend, Pair, Pool, Route, Service, check_services
from l7proxy.balancer import Balancer
from l7proxy.config import Answer
from l7proxy.config_file import read_text
from l7proxy.explain import Explanations
from l7proxy.framing import REQUEST_FIELDS
from l7proxy.http1 import RequestReader
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.routing import MOST_AUTHORITIES, Routed, router, said, table
from tests.l7proxy.conftest import service

VIDEO, BETA, GROUP_B = Route(path="/video"), Route(header=Pair("X-Version", "beta")), Route(cookie=Pair("group", "b"))
ANSWER = Answer(204)
SHOP = Route(host="shop.example")


def head(target="/", *lines, host="a"):
    """The head of a request, as the proxy reads it."""
    reader = RequestReader(Limits(), Lines(REQUEST_FIELDS))
    reader.feed("\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode("latin-1"))
    return reader.next()


def web(route, number=1):
    return Service(number, f"web{number}", "127.0.0.1", "l7", (Backend(1, "s1", "127.0.0.1"),), port=80, route=route)


def meets(route, request):
    return getattr(router([(route, Routed("it", ANSWER))])(request), "action", None) is ANSWER


@pytest.mark.parametrize(("route", "request_", "met"), [
    (VIDEO, head("/video"), True),
    (VIDEO, head("/video/"), True),
    (VIDEO, head("/video/x?y=/../z"), True),
    (VIDEO, head("/video?hd"), True),
    (VIDEO, head("/%76ideo/x"), True),
    (VIDEO, head("http://b/video/x"), True),
    (VIDEO, head("/videos"), False),
    (VIDEO, head("/video%2Fx"), False),
    (VIDEO, head("/Video"), False),
    (VIDEO, head("//video"), False),
    (VIDEO, head("/x/video"), False),
    (VIDEO, head("/?/video"), False),
    (Route(path="/video/"), head("/video/x"), True),
    (Route(path="/video/"), head("/video/"), True),
    (Route(path="/video/"), head("/video"), False),
    (Route(path="/"), head("/anything"), True),
    (Route(path="/caf%c3%a9"), head("/caf%C3%A9/x"), True),
    (SHOP, head(host="shop.example"), True),
    (SHOP, head(host="Shop.EXAMPLE:8080"), True),
    (SHOP, head(host="shop.example.:80"), True),
    (SHOP, head("http://shop.example/", host="a"), True),
    (SHOP, head("http://a/", host="shop.example"), False),
    (SHOP, head(host="shop.example.org"), False),
    (SHOP, head(host="www.shop.example"), False),
    (Route(host="[::1]"), head(host="[::1]:80"), True),
    (Route(host="[::1]"), head(host="[::1]"), True),
    (Route(host="[::1]"), head(host="[::2]:1"), False),
    (Route(host="*.shop.example"), head(host="www.Shop.example:80"), True),
    (Route(host="*.shop.example"), head(host="a.b.shop.example."), True),
    (Route(host="*.shop.example"), head(host="shop.example"), False),
    (Route(host="*.shop.example"), head(host="wwwshop.example"), False),
    (Route(host="*.shop.example"), head(host="shop.example.evil"), False),
    (Route(host="*.1"), head(host="[::1]"), False),
    (Route(path_exact="/video"), head("/%76ideo?x"), True),
    (Route(path_exact="/video"), head("/video/"), False),
    (Route(path_exact="/"), head("/"), True),
    (Route(path_exact="/"), head("/x"), False),
    (Route(path_pattern="/*.png"), head("/a.png"), True),
    (Route(path_pattern="/*.png"), head("/a/b.png"), False),
    (Route(path_pattern="/u/*/p/**"), head("/u/7/p/a/b"), True),
    (Route(path_pattern="/*/p/**"), head("/u/p/"), True),
    (Route(method=("GET", "HEAD")), head(), True),
    (Route(method=("POST",)), head(), False),
    (BETA, head("/", "x-VERSION:  beta "), True),
    (BETA, head("/", "X-Version: Beta"), False),
    (BETA, head("/", "X-Version: beta2"), False),
    (BETA, head("/", "X-Version: beta", "X-Version: gamma"), False),
    (BETA, head("/", "X-Version: beta", "Connection: X-Version"), False),
    (BETA, head("/", "X-Versions: beta"), False),
    (Route(header=Pair("Accept", "a, b")), head("/", "Accept: a", "Accept: b"), True),
    (GROUP_B, head("/", "Cookie: group=b"), True),
    (GROUP_B, head("/", "Cookie: a=1; group=b; c=group=a"), True),
    (GROUP_B, head("/", "Cookie: a=1;group=b"), True),
    (GROUP_B, head("/", "Cookie: a=1", "cookie: group=b"), True),
    (GROUP_B, head("/", "Cookie: group=b; group=a"), True),
    (GROUP_B, head("/", "Cookie: group=a; group=b"), False),
    (GROUP_B, head("/", "Cookie: group=a", "Cookie: group=b"), False),
    (GROUP_B, head("/", "Cookie: group=bb"), False),
    (GROUP_B, head("/", 'Cookie: group="b"'), False),
    (GROUP_B, head("/", "Cookie: Group=b"), False),
    (GROUP_B, head("/", "Cookie: subgroup=b"), False),
    (GROUP_B, head("/", "Cookie: x=group=b"), False),
    (GROUP_B, head("/", "Cookie: group =b"), False),
    (GROUP_B, head("/", "Cookie: group"), False),
    (GROUP_B, head("/", "Cookie: x=1, group=b"), False),
    (GROUP_B, head(), False),
    (Route(cookie=Pair("t", '"q"')), head("/", 'Cookie: t="q"'), True),
    (Route("a", "/video", Pair("X", "y"), Pair("g", "b")), head("/video", "X: y", "Cookie: g=b"), True),
    (Route("a", "/video", Pair("X", "y"), Pair("g", "b")), head("/video", "X: y"), False),
    (Route("a", "/video", Pair("X", "y"), Pair("g", "b")), head("/", "X: y", "Cookie: g=b"), False),
], ids=str)
def test_a_condition_is_met_or_not(route, request_, met):
    assert meets(route, request_) is met


def test_options_of_the_whole_server_has_no_path():
    reader = RequestReader(Limits(), Lines(REQUEST_FIELDS))
    reader.feed(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
    assert not meets(Route(path="/"), reader.next())


SEGMENTS = st.lists(st.text("ab.-_~%", min_size=1, max_size=3).filter(lambda text: text.strip(".")), max_size=3)


@given(SEGMENTS, SEGMENTS)
def test_a_path_prefix_is_whole_segments(prefix, rest):
    """Whatever the octets: each is escaped where it must be on one side, and everywhere on the other."""
    plain = "".join("/" + segment.replace("%", "%25") for segment in prefix) or "/"
    escaped = "".join("/" + "".join(f"%{ord(octet):02x}" for octet in segment) for segment in prefix + rest) or "/"
    assert meets(Route(path=plain), head(escaped))
    if prefix:
        assert not meets(Route(path=plain), head(escaped.replace("/", "/x", 1)))
        assert meets(Route(path=plain), head(plain + "x")) is False


@given(SEGMENTS, SEGMENTS)
def test_only_a_prefix_matches(one, other):
    paths = ["".join("/" + segment.replace("%", "%25") for segment in segments) or "/" for segments in (one, other)]
    assert meets(Route(path=paths[0]), head(paths[1])) is (other[:len(one)] == one)


def led(*services):
    """The router of these services' routes, in their order."""
    return router([(service.route, Routed(service.name, Balancer(Pool(service)))) for service in services])


def test_the_first_in_order_wins_and_the_rest_is_nobodys():
    routes = Route(path="/video/x"), VIDEO, BETA
    services = check_services(web(route, number) for number, route in enumerate(routes, 1))
    find = led(*services)
    asked = head("/video/x", "X-Version: beta"), head("/video", "X-Version: beta"), head("/", "X-Version: beta"), head()
    assert [row and row.name for row in map(find, asked)] == ["web1", "web2", "web3", None]


def test_a_service_without_a_route_takes_the_rest():
    find = led(web(VIDEO), web(None, 2))
    assert [find(head(target)).name for target in ("/video", "/x", "/")] == ["web1", "web2", "web2"]


TABLE = [None, SHOP, VIDEO, BETA, Route("*.example"), Route("*.shop.example"), Route("www.shop.example", "/video"),
         Route(path="/"), Route(path="/video/"), Route(path_exact="/"), Route(path_exact="/video"), Route(path="/a/b"),
         Route(path_pattern="/*/x"), Route(path_pattern="/video/*"), Route(path_pattern="/**"), Route(path="//a"),
         Route("shop.example", path_exact="/a"), Route(method=("POST",)), Route("[::1]")]
HOSTS = ["shop.example", "www.shop.example", "a.b.shop.example:80", "SHOP.example.", "example", "other", "[::1]:8", ""]
TARGETS = ["/", "*", "/video", "/video/x", "/a", "/a/b/c", "//a", "//a/x", "/a/x", "/%61/b", "/b?/video", "/videos/x"]


@given(st.lists(st.sampled_from(TABLE), min_size=1, max_size=8), st.sampled_from(HOSTS), st.sampled_from(TARGETS),
       st.sampled_from(["GET", "POST"]))
def test_the_dictionaries_change_nothing(routes, host, target, method):
    """The first row that would take a request if it stood alone takes it: twice, for hosts are remembered."""
    asked = RequestHead(method.encode(), target.encode(), host.encode(), 1, [], NO_BODY, True)
    rows = [(route, Routed(str(number), ANSWER)) for number, route in enumerate(routes)]
    alone = [row for row in rows if router([row])(asked)]
    find = router(rows)
    assert [find(asked), find(asked)] == [alone[0][1] if alone else None] * 2


def test_what_is_remembered_of_hosts_is_bounded():
    find = router([(SHOP, Routed("shop", ANSWER)), (None, Routed("rest", ANSWER))])
    known = find.__closure__
    for number in range(2 * MOST_AUTHORITIES):
        assert find(head(host=f"h{number}")).name == "rest"
        assert find(head(host=f"shop.example:{number}")).name == "shop"
    found = next(cell.cell_contents for cell in known if isinstance(cell.cell_contents, dict))
    assert len(found) == MOST_AUTHORITIES
    assert find(head(host="x" * 300)).name == "rest"


CONFIG = read_text("""
[[listener]]
name = "web"
address = "127.0.0.1:80"
[[listener]]
name = "other"
address = "127.0.0.1:81"
redirect_to_https = 8443
[[pool]]
name = "shop"
backends = ["127.0.0.1:8001"]
[[route]]
name = "old"
path = "/old"
redirect = { to = "/new{rest}", status = 301 }
[[route]]
name = "no"
path_exact = "/no"
answer = { status = 403, body = "no" }
[[route]]
name = "shop"
path = "/shop"
rewrite = "{rest}"
pool = "shop"
cache = false
[[route]]
name = "rest"
pool = "shop"
[cache]
""", "proxy.toml", Path())


def test_a_configurations_rows_are_what_it_says():
    shop = Balancer(Pool(CONFIG.pools[0].service))
    find = table(CONFIG, CONFIG.listeners[0], {"shop": shop})
    old, no, inside, rest = (find(head(target)) for target in ("/old/x", "/no", "/shop/x?y", "/x"))
    assert said(old, head("/old/x?y")) == (Answer(301), b"Location: /new/x?y\r\n")
    assert said(no, head("/no")) == (Answer(403, b"no"), b"")
    assert (inside.action, inside.rewrite(head("/shop/x?y")), inside.cache) == (shop, b"/x?y", False)
    assert (rest.name, rest.action, rest.rewrite, rest.cache) == ("rest", shop, None, True)


def test_a_listener_can_send_everybody_to_https():
    find = table(CONFIG, CONFIG.listeners[1], {})
    asked = head("/a?b", host="shop.example:81")
    assert said(find(asked), asked) == (Answer(308), b"Location: https://shop.example:8443/a?b\r\n")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n"


def test_requests_of_one_connection_go_to_different_services(talk):
    it = talk(services=[web(VIDEO), web(None, 2)])
    it.outside.idle = ["s1"] * 3
    it.client_bytes(GET % (b"/video", b"") + GET % (b"/", b"") + GET % (b"/video/x", b""))
    for _ in range(3):
        it.upstream_bytes(OK)
    assert [(event.service, event.unit) for event in it.pool_events[::2]] == [
        ("web1", "10.0.1.1 1"), ("web2", "10.0.1.1 2"), ("web1", "10.0.1.1 3")]


def test_what_no_service_takes_is_a_404_and_the_connection_stays(talk):
    it = talk(services=[web(VIDEO)])
    it.outside.idle = ["s1"]
    it.client_bytes(GET % (b"/", b"") + GET % (b"/video", b""))
    assert it.short() == ["< HTTP/1.1 404 Not Found", "dial s1", "> GET /video HTTP/1.1"]


def test_a_404_to_head_has_no_body_and_one_to_a_body_ends_the_connection(talk):
    it = talk(services=[web(VIDEO)])
    it.client_bytes(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert it.since()[0].endswith("\r\n\r\n")
    it.client_bytes(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
    assert "Connection: close" in it.since()[0]
    assert it.closed


def test_a_redirect_and_a_fixed_answer_need_no_server(talk):
    it = talk(services=[web(VIDEO)])
    it.site.route_of = table(CONFIG, CONFIG.listeners[0], {"shop": it.balancer})
    it.client_bytes(GET % (b"/old/x", b"") + GET % (b"/no", b"") + b"HEAD /no HTTP/1.1\r\nHost: a\r\n\r\n")
    moved, no, bodiless = (line for line in it.since() if line.startswith("<"))
    assert moved.startswith("< HTTP/1.1 301 Moved Permanently\r\n")
    assert "\r\nLocation: /new/x\r\n" in moved
    assert no.startswith("< HTTP/1.1 403 Forbidden\r\n")
    assert no.endswith("\r\nContent-Length: 2\r\n\r\nno")
    assert bodiless.endswith("\r\nContent-Length: 2\r\n\r\n")
    assert it.site.counts.own_answers == {301: 1, 403: 2}
    assert not it.closed


def test_an_explanation_names_the_route_that_took_it(talk):
    it = talk(services=[web(VIDEO)], more={"explain": Explanations()})
    it.site.route_of = table(CONFIG, CONFIG.listeners[0], {"shop": it.balancer})
    why = b"Layer-Lab-Explain: 1\r\n"
    it.client_bytes(GET % (b"/old/x", why) + GET % (b"/shop/x", why))
    moved = next(line for line in it.since() if line.startswith("<"))
    assert 'Layer-Lab-Explanation: 1; route="old: path /old"; because="no server was needed"' in moved
    assert "\r\nLocation: /new/x\r\n" in moved
    assert it.site.explain.view(["2"])["route"] == "shop: path /shop"


def test_a_path_is_asked_for_as_it_was_rewritten_and_else_as_it_came(talk):
    it = talk(services=[web(VIDEO)])
    it.site.route_of = table(CONFIG, CONFIG.listeners[0], {"shop": it.balancer})
    it.outside.idle = ["s1"] * 2
    it.client_bytes(GET % (b"/shop/%7Ex?%7E", b"") + GET % (b"/%7Ex?%7E", b""))
    it.upstream_bytes(OK)
    assert [line for line in it.short() if line.startswith(">")] == [
        "> GET /~x?%7E HTTP/1.1", "> GET /%7Ex?%7E HTTP/1.1"]


def test_an_old_client_without_a_host_asks_for_the_vip(talk):
    it = talk(services=[web(Route(host="127.0.0.1"))])
    it.client_bytes(b"GET / HTTP/1.0\r\n\r\n")
    assert it.short() == ["dial s1"]


@pytest.fixture
def shop(proxy, origins):
    """Three services of one port, each with one of the origins: by category, by header, by cookie."""
    ports = [origin.server_address[1] for origin in origins]
    video = service(ports[:1], id=1, name="video", route={"path": "/video"})
    beta = service(ports[1:2], id=2, name="beta", route={"header": {"name": "X-Version", "value": "beta"}})
    group_b = {"cookie": {"name": "group", "value": "b"}}
    return proxy(ports[2:], first=(video, beta), id=3, name="group-b", route=group_b)


def test_category_header_and_cookie_each_find_their_server_on_one_connection(shop):
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=20)
    answers, sockets = [], set()
    for path, fields in (("/video/1", {}), ("/", {"X-Version": "beta"}), ("/", {"Cookie": "a=1; group=b"}),
                         ("/videos", {}), ("/video", {"X-Version": "beta"})):
        connection.request("GET", path, headers=fields)
        sockets.add(connection.sock)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read().decode()))
    connection.close()
    assert len(sockets) == 1
    assert answers == [(200, "s1"), (200, "s2"), (200, "s3"),
                       (404, "404 Not Found: no service here takes such a request\n"), (200, "s1")]
    assert [event["service"] for event in shop.events() if event["event"] == "Assigned"] == [
        "video", "beta", "group-b", "video"]
    assert [event["service"] for event in shop.events() if event["event"] == "Ready"] == ["video", "beta", "group-b"]


def test_services_that_share_a_server_share_its_connections(proxy, origins):
    """Backend 1 is s1 to one service and s2 to the other; s2 is backend 2 to the first."""
    ports = [origin.server_address[1] for origin in origins]
    with requests.Session() as session:
        lab = proxy(ports[:2], first=[service(ports[1:2], id=2, name="video", route={"path": "/video"})])
        served = [session.get(lab.url + path).text for path in ("/", "/", "/video", "/video", "/", "/", "/video")]
    assert served == ["s1", "s2", "s2", "s2", "s1", "s2", "s2"]
    assert [origin.connections for origin in origins] == [1, 1, 0]
