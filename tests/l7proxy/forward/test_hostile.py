"""Requests to a forward proxy that are nearly right, by the hundred; what must hold is in hostile.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.l7proxy.corpus import found, requests
from tests.l7proxy.forward.hostile import judge
from tests.l7proxy.test_fuzz import cuts, messages

GOALS = [b"http://a/", b"http://93.184.215.14/x", b"HTTP://A:80", b"http://b.example/games/1", b"http://x.ads.example/",
         b"http://inside.example/", b"https://a/?q", b"http://[::1]/", b"http://[::ffff:93.184.215.14]:80/", b"a:443",
         b"a:80", b"93.184.215.14:443", b"[::ffff:7f00:1]:443", b"http://127.1/", b"http://u:p@a/", b"*", b"/", b"a:0",
         b"http://a:65536/", b"http://no.such/", b"http://a/%2e%2e/", b"http://a./", b"http:/a/", b"a", b"http://a#b"]
lines = st.builds(lambda method, goal, minor: b"%b %b HTTP/1.%d\r\n" % (method, goal, minor),
                  st.sampled_from([b"GET"] * 4 + [b"CONNECT"] * 3
                                  + [b"POST", b"HEAD", b"OPTIONS", b"TRACE", b"DELETE"]),
                  st.sampled_from(GOALS), st.sampled_from([1, 1, 1, 0]))
hosts = st.sampled_from([b"Host: a\r\n", b"Host: a\r\nMax-Forwards: 0\r\n",
                         b"Host: a\r\nVia: 1.1 x, 1.0 lab-0123abcd\r\n",
                         b"Host: a\r\nProxy-Authorization: Basic YW5uOnNlY3JldA==\r\n",
                         b"Host: a\r\nProxy-Authorization: Basic eDp5\r\n"])
known = [raw.replace(b" /", b" http://a/") for raw, *_ in
         (requests.REFUSED | requests.BROKEN | requests.PASSED).values() if len(raw) < 3000]


@settings(max_examples=400)
@given(st.one_of(hosts.flatmap(lambda host: messages(lines, host)),
                 st.lists(st.sampled_from(known), min_size=1, max_size=3).map(b"".join)),
       cuts, st.sampled_from(["transparent", "anonymous", "elite"]))
def test_whatever_a_client_sends(raw, places, level):
    judge(raw, places, level)


@pytest.mark.parametrize("raw", found.FORWARD)
def test_what_was_found(raw):
    for places in ([], range(len(raw)), [len(raw) // 2]):
        judge(raw, places)
