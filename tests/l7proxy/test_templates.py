"""Where a request goes on to: gaps filled, and no template that a client could bend to another site."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancing import Route
from l7proxy.framing import REQUEST_FIELDS
from l7proxy.http1 import RequestReader
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.refusal import Refused
from l7proxy.templates import location, rewrite
from layerlab import LabError


def head(target, host="shop.example:8080", method="GET"):
    reader = RequestReader(Limits(), Lines(REQUEST_FIELDS))
    reader.feed(f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
    return reader.next()


SHOP, INSIDE, ALL = Route(path="/shop"), Route(path="/shop/"), Route(path="/")
USERS = Route(path_pattern="/users/*/img/*.png")
TAIL = Route(path_pattern="/a/**")


@pytest.mark.parametrize(("text", "route", "target", "made"), [
    ("/v2{rest}", SHOP, "/shop/cart", "/v2/cart"),
    ("/v2{rest}", SHOP, "/shop", "/v2"),
    ("/v2{rest}", SHOP, "/shop?a=1&b", "/v2?a=1&b"),
    ("/v2{rest}", INSIDE, "/shop/", "/v2/"),
    ("/v2{rest}", ALL, "/x", "/v2/x"),
    ("{rest}", SHOP, "/shop", "/"),
    ("{rest}", SHOP, "/shop?a", "/?a"),
    ("{rest}", SHOP, "/shop//evil.example", "/evil.example"),
    ("/b{path}", None, "/%7Ea/%2f?q=%7E", "/b/~a/%2F?q=%7E"),
    ("{path}?from=old&{query}", None, "/a?b=c", "/a?from=old&b=c"),
    ("{path}?only=this", None, "/a?b=c", "/a?only=this"),
    ("{path}?only=this", None, "/a", "/a?only=this"),
    ("/i/{1}/{2}", USERS, "/users/7/img/a.b.png", "/i/7/a.b"),
    ("/b/{1}", TAIL, "/a/x/y?z", "/b/x/y?z"),
    ("/fixed", SHOP, "/shop/x", "/fixed"),
], ids=str)
def test_a_path_is_rewritten(text, route, target, made):
    assert rewrite(text, route)(head(target)) == made.encode()


def test_the_whole_server_has_no_path_to_rewrite():
    assert rewrite("/b{path}", None)(head("*", method="OPTIONS")) == b"*"


@pytest.mark.parametrize(("text", "route", "target", "made"), [
    ("https://{host}{path}", None, "/a?b", "https://shop.example/a?b"),
    ("https://{host}:8443{path}", None, "/", "https://shop.example:8443/"),
    ("https://new.example{rest}", SHOP, "/shop", "https://new.example"),
    ("https://new.example{rest}", SHOP, "/shop?a", "https://new.example?a"),
    ("https://new.example/{1}#top", TAIL, "/a/b", "https://new.example/b#top"),
    ("/new{rest}", SHOP, "/shop/x", "/new/x"),
    ("{rest}", SHOP, "/shop//evil.example", "/evil.example"),
    ("{path}", None, "//evil.example", "/evil.example"),
    ("/{1}", TAIL, "/a//evil.example", "/evil.example"),
], ids=str)
def test_a_client_is_sent_on(text, route, target, made):
    assert location(text, route)(head(target)) == made.encode()


@pytest.mark.parametrize(("make", "text", "route", "saw"), [
    (rewrite, "/{rest}", None, "rewrite has a gap {rest}"),
    (rewrite, "/{rest}", TAIL, "rewrite has a gap {rest}"),
    (rewrite, "/{2}", TAIL, "rewrite has a gap {2}"),
    (rewrite, "/{0}", TAIL, "rewrite has a gap {0}"),
    (rewrite, "/{}", TAIL, "rewrite has a gap {}"),
    (rewrite, "/{host}", None, "rewrite has a gap {host}"),
    (rewrite, "/{", None, "rewrite is '/{'"),
    (rewrite, "/a b", None, "rewrite is '/a b'"),
    (rewrite, "/a\r\nX: y", None, "rewrite is '/a\\r\\nX: y'"),
    (rewrite, "/é", None, "rewrite is '/é'"),
    (rewrite, "/a#b", None, "rewrite is '/a#b'"),
    (rewrite, "a", None, "rewrite is 'a'"),
    (rewrite, "", None, "rewrite is ''"),
    (location, "ftp://a/", None, "redirect to 'ftp://a/'"),
    (location, "//a/", None, "redirect to '//a/'"),
    (location, "https://{path}", None, "redirect to 'https://{path}'"),
    (location, "https://{1}.shop.example/", TAIL, "redirect to 'https://{1}.shop.example/'"),
    (location, "https://shop.example{1}", TAIL, "redirect to 'https://shop.example{1}'"),
    (location, "https://{host}.evil.example/", None, "redirect to 'https://{host}.evil.example/'"),
    (location, "https://shop.example:{1}/", TAIL, "redirect to 'https://shop.example:{1}/'"),
    (location, "https://a@b/", None, "redirect to 'https://a@b/'"),
    (location, "javascript:alert(1)", None, "redirect to 'javascript:alert(1)'"),
])
def test_what_is_no_template_is_refused(make, text, route, saw):
    with pytest.raises(LabError) as caught:
        make(text, route)
    assert caught.value.saw == saw
    assert caught.value.expected


TEMPLATES = [("/new{rest}", SHOP), ("{rest}", SHOP), ("{path}", None), ("/{1}", TAIL), ("{rest}?{query}", SHOP),
             ("https://new.example{rest}", SHOP), ("https://new.example/{1}", TAIL),
             ("https://new.example{path}", None)]
ODD = st.text("/\\@:.?#;%2f5cevil", max_size=12)


@given(st.sampled_from(TEMPLATES), ODD)
@example(("{rest}", SHOP), "/\\evil")
def test_no_client_bends_a_redirect_to_another_site(template, tail):
    """Whatever it asks for: as a browser reads it (backslashes are slashes), it stays where the template says."""
    text, route = template
    begin = {SHOP: "/shop", TAIL: "/a/", None: "/"}[route]
    try:
        asked = head(begin + tail)
    except Refused:
        return
    if route is SHOP and not re.match(r"/shop(?:[/?]|\Z)", begin + tail):
        return
    sent = location(text, route)(asked).decode("ascii")
    assert re.fullmatch("[!-~]+", sent)
    site = urlsplit(urljoin("https://here.example/x/y", sent.replace("\\", "/"))).netloc
    assert site == ("new.example" if text.startswith("https:") else "here.example")
