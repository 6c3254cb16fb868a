"""Squid's native format, column by column, and that nobody writes a column of his own."""

from __future__ import annotations

import json
import re

import pytest

from l7proxy.forward.squidlog import Transaction, as_json, code_of, line

ONE = Transaction(1795543070.25, 0.0123, "10.0.1.1", "TCP_MISS", 200, 1273, b"GET", b"http://shop.example/cart", "ann",
                  "10.0.2.1", b"text/html; charset=utf-8")
# What Squid's own manual gives as the format: %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt
NATIVE = re.compile(r"(\d+\.\d{3}) +(\d+) (\S+) ([A-Z_]+)/(\d{3}) (\d+) (\S+) (\S+) (\S+) ([A-Z_]+)/(\S+) (\S+)\n")


def test_the_format():
    assert line(ONE) == ("1795543070.250     12 10.0.1.1 TCP_MISS/200 1273 GET http://shop.example/cart ann "
                         "HIER_DIRECT/10.0.2.1 text/html\n")


@pytest.mark.parametrize(("changes", "expected"), [
    ({"code": "TCP_TUNNEL", "method": b"CONNECT", "url": b"shop.example:443", "user": None, "kind": b""},
     ("TCP_TUNNEL", "200", "CONNECT", "shop.example:443", "-", "HIER_DIRECT", "-")),
    ({"code": "TCP_DENIED", "status": 403, "peer": "", "user": None},
     ("TCP_DENIED", "403", "GET", "http://shop.example/cart", "-", "HIER_NONE", "text/html")),
    ({"code": "NONE_NONE", "status": 400, "method": b"", "url": b"", "peer": "", "user": None, "kind": b""},
     ("NONE_NONE", "400", "-", "error:invalid-request", "-", "HIER_NONE", "-")),
    ({"status": 0, "code": "TCP_MISS_ABORTED"},
     ("TCP_MISS_ABORTED", "000", "GET", "http://shop.example/cart", "ann", "HIER_DIRECT", "text/html")),
    ({"user": "J\u00f6rg x"}, ("TCP_MISS", "200", "GET", "http://shop.example/cart", "J%C3%B6rg%20x", "HIER_DIRECT",
                               "text/html")),
])
def test_what_stands_in_the_columns(changes, expected):
    found = NATIVE.fullmatch(line(ONE._replace(**changes)))
    assert found.group(4, 5, 7, 8, 9, 10, 12) == expected


@pytest.mark.parametrize("said", [b"a b", b"a\nb", b"\r\n0 0 x", b"\xff", b"a\tb"])
def test_nobody_writes_a_line_or_a_column_of_his_own(said):
    text = line(ONE._replace(url=said, kind=said, user=said.decode("latin-1"), method=said))
    assert NATIVE.fullmatch(text)
    assert text.isascii()


@pytest.mark.parametrize(("facts", "code"), [
    ({}, "TCP_MISS"),
    ({"denied": True}, "TCP_DENIED"),
    ({"denied": True, "tunnel": True}, "TCP_DENIED"),
    ({"tunnel": True}, "TCP_TUNNEL"),
    ({"malformed": True, "aborted": True}, "NONE_NONE"),
    ({"aborted": True}, "TCP_MISS_ABORTED"),
    ({"tunnel": True, "aborted": True}, "TCP_TUNNEL_ABORTED"),
    ({"cached": b"layer-lab; hit; ttl=57"}, "TCP_MEM_HIT"),
    ({"cached": b"layer-lab; hit; ttl=-3; detail=stale-if-error"}, "TCP_REFRESH_FAIL_OLD"),
    ({"cached": b"layer-lab; fwd=stale; fwd-status=304; ttl=60"}, "TCP_REFRESH_UNMODIFIED"),
    ({"cached": b"layer-lab; fwd=stale; stored; ttl=60"}, "TCP_REFRESH_MODIFIED"),
    ({"cached": b"layer-lab; fwd=request; stored"}, "TCP_CLIENT_REFRESH_MISS"),
    ({"cached": b"layer-lab; fwd=uri-miss; detail=private"}, "TCP_MISS"),
])
def test_the_result_code(facts, code):
    assert code_of(**facts) == code


def test_json_has_the_same():
    form = json.loads(as_json(ONE._replace(rule="ads")))
    assert form == {"time": 1795543070.25, "client": "10.0.1.1", "user": "ann", "method": "GET",
                    "url": "http://shop.example/cart", "status": 200, "octets": 1273, "took_s": 0.0123,
                    "code": "TCP_MISS", "server": "10.0.2.1", "type": "text/html; charset=utf-8", "rule": "ads"}
