"""What a client is told when the answer is no."""

from __future__ import annotations

import pytest

from l7proxy.forward.fields import FORWARD_RESPONSE_FIELDS
from l7proxy.forward.users import challenge
from l7proxy.forward.verdict import answer, check_name, denied
from l7proxy.http1 import ResponseReader
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import values
from layerlab import LabError


def told(verdict, url=b"http://ads.example/x", method=b"GET", **more):
    data = answer(verdict, url, **{"proxy": "lab-1", "date": b"Date: now\r\n", "persistent": True,
                                   "bodiless": method == b"HEAD"} | more)
    reader = ResponseReader(Limits(), Lines(FORWARD_RESPONSE_FIELDS))
    reader.expect(method)
    reader.feed(data)
    return reader.next(), reader.body()[0].decode() if method != b"HEAD" else reader.buffer


def test_the_page_and_the_fields_name_the_rule():
    head, page = told(denied("ads", "a rule of this proxy forbids it"))
    assert head.status == 403
    assert list(values(head.fields, b"proxy-status")) == [
        b'lab-1; error=http_request_denied; details="rule ads"']
    assert list(values(head.fields, b"cache-control")) == [b"no-store"]
    assert "<b>ads</b>" in page
    assert "<code>http://ads.example/x</code>" in page
    assert "a rule of this proxy forbids it" in page


def test_a_tunnel_that_is_refused_gets_the_same():
    head, page = told(denied("connect-ports", "no"), b"shop.example:25", persistent=False)
    assert not head.persistent
    assert "shop.example:25" in page


def test_head_has_the_length_and_no_page():
    head, rest = told(denied("ads", "no"), method=b"HEAD")
    assert head.declared > 0
    assert rest == b""


def test_what_a_client_asked_for_is_text_in_the_page():
    _, page = told(denied("<i>", "no"), b'http://a/<script>"&\xff')
    assert "<script>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;&quot;&amp;\u00ff" in page


def test_a_rules_name_ends_no_quotation():
    head, _ = told(denied('a"\\b', "no"))
    assert list(values(head.fields, b"proxy-status")) == [
        b'lab-1; error=http_request_denied; details="rule a\\"\\\\b"']


def test_a_proxy_without_a_name_says_none():
    assert not list(values(told(denied("ads", "no"), proxy="")[0].fields, b"proxy-status"))


def test_407_asks_for_credentials():
    data = answer(challenge('a "lab"', "staff"), b"http://a/", proxy="", date=b"", persistent=True)
    assert b'\r\nProxy-Authenticate: Basic realm="a \\"lab\\"", charset="UTF-8"\r\n' in data
    assert data.startswith(b"HTTP/1.1 407 Proxy Authentication Required\r\n")
    assert b"Connection: close" not in data


@pytest.mark.parametrize("name", ["", "a b", "\u00e4", "a\r\nb", "x" * 65])
def test_a_name_that_no_field_can_hold_is_refused(name):
    with pytest.raises(LabError):
        check_name(name)
