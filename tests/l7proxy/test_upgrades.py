"""Another protocol on the same connections (RFC 9110 7.8): both sides agree, or neither; then bytes both ways."""

from __future__ import annotations

import socket
import threading

import pytest

from l7proxy.limits import Wait

ASK = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
SWITCH = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          b"Sec-WebSocket-Accept: h\r\n\r\n")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def asked(talk):
    """A conversation in which an upgrade was asked for: asked(request) -> it, what went to the backend."""
    def build(request=ASK, **more):
        it = talk(**more)
        it.outside.idle = ["s1", "s2"]
        it.client_bytes(request)
        return it, it.since()[1]
    return build


@pytest.fixture
def tunnel(asked):
    """A conversation in which it was agreed to."""
    it, _ = asked()
    it.upstream_bytes(SWITCH)
    it.since()
    return it


def test_what_is_asked_and_agreed_to_is_written_anew(asked):
    it, request = asked()
    assert "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" in request
    it.upstream_bytes(SWITCH + b"\x81\x01a")
    answer, *rest = it.since()
    assert answer.startswith("< HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: h\r\n")
    assert answer.endswith("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01a")
    assert rest == ["wait TUNNEL"]


def test_bytes_go_both_ways_as_they_are(tunnel):
    tunnel.client_bytes(b"GET / HTTP/1.1\r\n\r\n")
    tunnel.upstream_bytes(b"\0\xff")
    assert tunnel.since() == ["> GET / HTTP/1.1\r\n\r\n", "wait TUNNEL", "< \0\xff", "wait TUNNEL"]


def test_what_a_client_sent_before_it_was_agreed_to_is_of_the_new_protocol(asked):
    it, _ = asked(ASK + b"early")
    it.upstream_bytes(SWITCH)
    assert it.since()[1:] == ["wait TUNNEL", "> early", "wait TUNNEL"]
    it.client_bytes(b" bird")
    assert it.since() == [">  bird", "wait TUNNEL"]


def test_and_of_the_old_one_if_it_was_not(asked):
    it, _ = asked(ASK + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "dial s2", "> GET /next HTTP/1.1"]


def test_each_side_may_end_alone_client_first(tunnel):
    tunnel.client_end()
    assert tunnel.short() == ["end upstream"]
    tunnel.upstream_bytes(b"bye")
    assert tunnel.short() == ["< bye"]
    assert tunnel.upstream_end() is False
    assert tunnel.since() == ["drop upstream", "close FLUSH"]
    assert tunnel.pool.servers[1].active == 0


def test_each_side_may_end_alone_server_first(tunnel):
    assert tunnel.upstream_end() is True
    assert tunnel.short() == ["end client"]
    tunnel.client_bytes(b"bye")
    assert tunnel.short() == ["> bye"]
    tunnel.client_end()
    assert tunnel.since() == ["drop upstream", "close FLUSH"]
    assert tunnel.pool.servers[1].active == 0


def test_a_server_that_vanishes_ends_it_by_a_reset(tunnel):
    tunnel.upstream_gone(clean=False)
    assert tunnel.since()[-2:] == ["drop upstream", "close ABORT"]


def test_a_server_that_has_ended_and_then_vanishes_too(tunnel):
    tunnel.upstream_end()
    tunnel.since()
    tunnel.upstream_gone(clean=False)
    assert tunnel.since()[-2:] == ["drop upstream", "close ABORT"]


def test_a_tunnel_that_idles_is_closed(tunnel):
    tunnel.timed_out(Wait.TUNNEL)
    assert tunnel.since() == ["drop upstream", "close FLUSH"]


def test_a_slow_side_holds_the_other(tunnel):
    tunnel.client_paused(True)
    assert tunnel.since() == ["hold upstream"]
    tunnel.upstream_bytes(b"x")
    tunnel.client_paused(False)
    assert tunnel.since() == ["< x", "wait TUNNEL", "free upstream"]
    tunnel.upstream_paused(True)
    tunnel.client_bytes(b"y" * 100_000)
    assert tunnel.since() == ["hold client"]
    tunnel.client_end()
    tunnel.upstream_paused(False)
    assert tunnel.since() == [f"> {'y' * 100_000}", "wait TUNNEL", "end upstream", "free client"]


def test_elsewhere_the_servers_end_is_its_connections_end(talk):
    it = talk()
    assert it.upstream_end() is False
    it.outside.idle = ["s1"]
    it.client_bytes(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert it.upstream_end() is False


@pytest.mark.parametrize(("request_", "answer"), [
    (ASK.replace(b"Connection: Upgrade\r\n", b""), SWITCH),
    (ASK.replace(b"websocket", b"h2c"), SWITCH.replace(b"websocket", b"h2c")),
    (ASK.replace(b"HTTP/1.1", b"HTTP/1.0"), SWITCH),
    (ASK.replace(b"Host: a", b"Host: a\r\nContent-Length: 0"), SWITCH),
    (ASK.replace(b"Upgrade: websocket\r\n", b""), SWITCH),
    (ASK, SWITCH.replace(b"websocket", b"irc")),
    (ASK, SWITCH.replace(b"Connection: Upgrade\r\n", b"")),
    (ASK, SWITCH.replace(b"HTTP/1.1 101", b"HTTP/1.0 101")),
])
def test_what_was_not_asked_for_is_not_switched_to(asked, request_, answer):
    """RFC 9110 15.2.2; an h2c tunnel would carry requests that nobody here sees."""
    it, request = asked(request_)
    assert ("Upgrade:" in request) is (request_ is ASK)
    it.upstream_bytes(answer)
    assert it.short()[:2] == ["drop upstream", "< HTTP/1.1 502 Bad Gateway"]


def test_over_real_connections_each_side_ends_alone(proxy):
    """The client ends, is still answered; then the other way round. All bytes arrive."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=lambda: [_serve(listener.accept()[0], ends_first) for ends_first in (0, 1)])
        serving.start()
        web = proxy([listener.getsockname()[1]])
        for ends_first in (False, True):
            with web.connect() as client:
                client.sendall(ASK)
                answer = b""
                while not answer.endswith(b"\r\n\r\nhello"):
                    answer += (piece := client.recv(65_536))
                    assert piece
                if ends_first:
                    assert client.recv(1) == b""
                client.sendall(b"z" * 300_000)
                client.shutdown(socket.SHUT_WR)
                if not ends_first:
                    assert client.recv(100) == b"300000"
                assert client.recv(1) == b""
        serving.join(20)
        assert not serving.is_alive()
    assert web.stop() == (0, "")


def _serve(server, ends_first):
    """Switch, say hello (and end, if so told), count what comes to its end, and answer it if that is still possible."""
    with server:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            asked += server.recv(65_536)
        server.sendall(SWITCH + b"hello")
        if ends_first:
            server.shutdown(socket.SHUT_WR)
        count = 0
        while piece := server.recv(65_536):
            count += len(piece)
        assert count == 300_000
        if not ends_first:
            server.sendall(b"%d" % count)
