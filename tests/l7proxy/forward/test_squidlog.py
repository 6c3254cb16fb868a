"""Squid's native format, column by column, and that nobody writes a column of his own."""

from __future__ import annotations

import re

import pytest

from l7proxy.forward.squidlog import code_of, line
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.outside import Answered, Fetched

# What Squid's own manual gives as the format: %ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt
NATIVE = re.compile(r"(\d+\.\d{3}) +(\d+) (\S+) ([A-Z_]+)/(\d{3}) (\d+) (\S+) (\S+) (\S+) ([A-Z_]+)/(\S+) (\S+)\n")
ENDED_S = 1795543070.25
CART = Fetched(b"http://shop.example/cart", "ann", "known", b"text/html; charset=utf-8")


def answered(fetched=CART, method=b"GET", **more):
    """One answer; to what was no request, if `fetched` is None."""
    head = RequestHead(method, fetched.url, b"shop.example", 1, [], NO_BODY, True) if fetched else None
    return Answered(**{"client": "10.0.1.1", "head": head, "status": 200, "octets": 1273, "ended_s": 0.0,
                       "took_s": 0.0123, "server": "10.0.2.1", "tries": 1, "note": "", "fetched": fetched} | more)


def test_the_format():
    assert line(answered(), ENDED_S) == ("1795543070.250     12 10.0.1.1 TCP_MISS/200 1273 GET "
                                         "http://shop.example/cart ann HIER_DIRECT/10.0.2.1 text/html\n")


@pytest.mark.parametrize(("one", "expected"), [
    (answered(Fetched(b"shop.example:443", tunnel=True), b"CONNECT"),
     ("TCP_TUNNEL", "200", "CONNECT", "shop.example:443", "-", "HIER_DIRECT", "-")),
    (answered(CART._replace(user=None, denied=True), status=403, server="-"),
     ("TCP_DENIED", "403", "GET", "http://shop.example/cart", "-", "HIER_NONE", "text/html")),
    (answered(None, status=400, server="-"),
     ("NONE_NONE", "400", "-", "error:invalid-request", "-", "HIER_NONE", "-")),
    (answered(status=0, note="client_gone"),
     ("TCP_MISS_ABORTED", "000", "GET", "http://shop.example/cart", "ann", "HIER_DIRECT", "text/html")),
    (answered(CART._replace(user="J\u00f6rg x")),
     ("TCP_MISS", "200", "GET", "http://shop.example/cart", "J%C3%B6rg%20x", "HIER_DIRECT", "text/html")),
])
def test_what_stands_in_the_columns(one, expected):
    found = NATIVE.fullmatch(line(one, ENDED_S))
    assert found.group(4, 5, 7, 8, 9, 10, 12) == expected


@pytest.mark.parametrize("said", [b"a b", b"a\nb", b"\r\n0 0 x", b"\xff", b"a\tb"])
def test_nobody_writes_a_line_or_a_column_of_his_own(said):
    text = line(answered(Fetched(said, said.decode("latin-1"), kind=said), said), ENDED_S)
    assert NATIVE.fullmatch(text)
    assert text.isascii()


@pytest.mark.parametrize(("fetched", "note", "code"), [
    ({}, "", "TCP_MISS"),
    ({"denied": True}, "rule:ads", "TCP_DENIED"),
    ({"denied": True, "tunnel": True}, "rule:ads", "TCP_DENIED"),
    ({"tunnel": True}, "", "TCP_TUNNEL"),
    ({"tunnel": False}, "connection_refused", "NONE_NONE"),
    ({}, "client_gone", "TCP_MISS_ABORTED"),
    ({"tunnel": True}, "client_gone", "TCP_TUNNEL_ABORTED"),
    ({}, "hit", "TCP_MEM_HIT"),
    ({"instead": True}, "stale-if-error", "TCP_REFRESH_FAIL_OLD"),
    ({"instead": True}, "fwd=stale", "TCP_REFRESH_UNMODIFIED"),
    ({}, "fwd=stale", "TCP_REFRESH_MODIFIED"),
    ({}, "fwd=request", "TCP_CLIENT_REFRESH_MISS"),
    ({}, "fwd=uri-miss", "TCP_MISS"),
])
def test_the_result_code(fetched, note, code):
    assert code_of(answered(Fetched(b"http://a/", **fetched), b"CONNECT" if "tunnel" in fetched else b"GET",
                            note=note)) == code
