"""Sessions that stay at their server, whoever sends what cookie. As transcripts."""

from __future__ import annotations

import re

import pytest

from l7proxy.balancer import Policy
from l7proxy.sticky import Sticky

OWN = Policy(sticky=Sticky("own", "lab", b"a secret"))
GET = b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(it, line=b""):
    """Ask with this field line; return (the server, what it has read, the cookie that the client gets)."""
    it.since()
    it.client_bytes(GET % line)
    server, = (said.removeprefix("dial ") for said in it.since() if said.startswith("dial"))
    it.opened()
    read = it.since()[0]
    it.upstream_bytes(OK)
    cookie = re.search(r"\r\nSet-Cookie: (lab=[^;]*); Path=/; HttpOnly; SameSite=Lax\r\n", it.since()[0])
    return server, read, cookie and cookie[1].encode()


def test_a_session_stays_where_it_began(talk):
    it = talk(policy=OWN)
    server, _, cookie = ask(it)
    assert ask(it)[0] != server
    for _ in range(5):
        assert ask(it, b"Cookie: %b\r\n" % cookie) == (server, ask(it)[1], None)


def test_the_cookie_ends_here_and_others_go_on(talk):
    it = talk(policy=OWN)
    _, _, cookie = ask(it)
    for said, gone_on in {b"Cookie: a=b; %b; c=d\r\n": "Cookie: a=b; c=d\r\n", b"Cookie: %b\r\n": "",
                          b"Cookie: a=b\r\nCookie: %b\r\n": "Cookie: a=b\r\n",
                          b"Cookie: xlab=1;%b\r\n": "Cookie: xlab=1\r\n"}.items():
        _, read, again = ask(it, said % cookie)
        assert "".join(line + "\r\n" for line in read.split("\r\n") if line.startswith("Cookie")) == gone_on
        assert again is None


@pytest.mark.parametrize("forged", [
    lambda cookie: cookie.replace(b"lab=1", b"lab=2"), lambda cookie: cookie[:-1], lambda cookie: cookie + b"0",
    lambda cookie: b"lab=1", lambda cookie: b"lab=1.", lambda cookie: b"lab=", lambda cookie: b"lab=9" + b"9" * 900,
    lambda cookie: b"lab=" + b"\xb2.", lambda cookie: cookie.replace(b"lab", b"LAB"),
])
def test_a_cookie_that_we_did_not_sign_is_none(talk, forged):
    it = talk(policy=OWN)
    first, _, cookie = ask(it)
    assert first == "s1"
    server, _, again = ask(it, b"Cookie: %b\r\n" % forged(cookie))
    assert server == "s2"
    assert again.startswith(b"lab=2.")


def test_a_cookie_of_another_pool_or_secret_is_none(talk):
    it, other = talk(policy=OWN), talk(policy=Policy(sticky=Sticky("own", "lab", b"another")))
    _, _, cookie = ask(it)
    ask(other)
    assert ask(other, b"Cookie: %b\r\n" % cookie)[0] == "s2"


def test_a_session_outlives_a_drain_but_not_its_server(talk):
    it = talk(policy=OWN)
    server, _, cookie = ask(it)
    it.pool.drain(it.pool.servers[1], True)
    assert ask(it, b"Cookie: %b\r\n" % cookie)[0] == server == "s1"
    it.pool.set_up(it.pool.servers[1], False)
    moved, _, again = ask(it, b"Cookie: %b\r\n" % cookie)
    assert moved != "s1"
    assert ask(it, b"Cookie: %b\r\n" % again) == (moved, ask(it)[1], None)


def test_a_session_whose_server_takes_no_connection_is_pinned_anew(talk):
    it = talk(policy=OWN)
    _, _, cookie = ask(it)
    it.client_bytes(GET % b"Cookie: %b\r\n" % cookie)
    it.not_opened()
    it.opened()
    it.since()
    it.upstream_bytes(OK)
    assert "\r\nSet-Cookie: lab=" in it.since()[0]
    assert all(server.active == 0 for server in it.pool.servers.values())


@pytest.mark.parametrize(("kind", "name", "lines"), [
    ("header", "X-User", (b"X-User: ann\r\n", b"x-user:ann\r\n", b"Cookie: b\r\nX-User: ann\r\n")),
    ("cookie", "sid", (b"Cookie: sid=7\r\n", b"Cookie: a=b; sid=7\r\n", b"Cookie: a=b\r\nCookie: sid=7\r\n")),
])
def test_a_session_by_a_hash_of_what_the_client_says_anyway(talk, kind, name, lines):
    it = talk(algorithm="source-hash", servers=5, policy=Policy(sticky=Sticky(kind, name)))
    served = {ask(it, line)[0] for line in lines for _ in range(3)}
    assert len(served) == 1
    others = {ask(it, line.replace(b"ann", b"%d" % n).replace(b"sid=7", b"sid=%d" % n))[0]
              for n in range(50) for line in lines[:1]}
    assert len(others) == 5
    read = ask(it, lines[0])[1]
    assert lines[0].decode() in read
    assert len({ask(it)[0] for _ in range(5)}) == 1  # without it: by its client's address
