"""What a forward proxy's clients may do with a connection, against an origin that answers by hand."""

from __future__ import annotations

import hashlib
import socket
import threading
from base64 import b64encode

import pytest

from l7proxy.forward.users import entry
from tests.l7proxy.forward.running import everything, head_of

OPEN = 'default = "allow"\nreachable = ["127.0.0.0/8"]\n'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Pair:
    """A client's connection to the proxy, and the origin behind it."""

    def __init__(self, proxy, listener):
        self.listener, self.port = listener, listener.getsockname()[1]
        self.client = socket.create_connection(("127.0.0.1", proxy.port), 20)

    def ask(self, line=b"GET", *fields, body=b"", version=b"1.1", path=b"/"):
        self.client.sendall(b"%b http://127.0.0.1:%d%b HTTP/%b\r\n%b\r\n%b" % (
            line, self.port, path, version, b"".join(b"%b\r\n" % one for one in (b"Host: a", *fields)), body))
        return self

    def origin(self):
        link, _ = self.listener.accept()
        link.settimeout(20)
        return link


@pytest.fixture
def pair(forward, listener):
    made = []

    def build(rules=OPEN):
        made.append(Pair(forward(rules), listener))
        return made[-1]
    yield build
    for it in made:
        it.client.close()


def test_another_protocol_by_upgrade(pair):
    """A WebSocket's opening handshake, whose answer the client can check; then octets both ways."""
    it = pair()
    key = b64encode(b"sixteen octets!!")
    it.ask(b"GET", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: " + key)
    with it.origin() as origin:
        head = head_of(origin)
        assert b"Connection: Upgrade\r\nUpgrade: websocket\r\n" in head
        proof = b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        origin.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       b"Sec-WebSocket-Accept: %b\r\n\r\n\x81\x02hi" % proof)
        said = head_of(it.client)
        assert said.startswith(b"HTTP/1.1 101 ")
        assert proof in said
        assert it.client.recv(4) == b"\x81\x02hi"
        it.client.sendall(b"\x81\x80\0\0\0\0")
        assert origin.recv(6) == b"\x81\x80\0\0\0\0"


def test_the_origin_says_whether_a_body_is_wanted(pair):
    it = pair().ask(b"POST", b"Expect: 100-continue", b"Content-Length: 4")
    with it.origin() as origin:
        assert b"Expect: 100-continue\r\n" in head_of(origin)
        origin.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        assert head_of(it.client).startswith(b"HTTP/1.1 100 ")
        assert b"Link: </a>\r\n" in head_of(it.client)
        it.client.sendall(b"body")
        assert origin.recv(4) == b"body"
        origin.sendall(OK)
        assert head_of(it.client).startswith(b"HTTP/1.1 200 ")


def test_an_answer_before_the_end_of_the_request(pair):
    it = pair().ask(b"POST", b"Content-Length: 1000000", body=b"x" * 1000)
    with it.origin() as origin:
        head_of(origin)
        origin.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        said = everything(it.client)  # the proxy closes: where the request ends nobody knows now
    assert said.startswith(b"HTTP/1.1 413 ")


def test_an_old_client(pair):
    """HTTP/1.0 knows no chunks and no interim answers; the connection ends with the body (RFC 9112 6.1)."""
    it = pair().ask(version=b"1.0")
    with it.origin() as origin:
        assert head_of(origin).startswith(b"GET / HTTP/1.1\r\n")
        origin.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"2\r\nok\r\n0\r\n\r\n")
        said = everything(it.client)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"chunked" not in said
    assert said.endswith(b"\r\n\r\nok")


def test_requests_in_a_row_are_answered_in_their_order(pair, origins):
    it = pair()
    ports = [origin.server_address[1] for origin in origins] * 4
    it.client.sendall(b"".join(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n%b\r\n" % (
        port, b"Connection: close\r\n" * (number == len(ports) - 1)) for number, port in enumerate(ports)))
    said = everything(it.client)
    assert [one[-2:] for one in said.split(b"HTTP/1.1 200 OK")[1:]] == [b"s1", b"s2", b"s3"] * 4


def test_fields_for_this_connection_only(pair):
    it = pair().ask(b"GET", b"Connection: X-Mine, keep-alive", b"X-Mine: secret", b"Keep-Alive: timeout=5",
                    b"Proxy-Connection: keep-alive", b"X-Yours: stays", b"Proxy-Authorization: Basic eDp5")
    with it.origin() as origin:
        head = head_of(origin)
        origin.sendall(b"HTTP/1.1 200 OK\r\nConnection: X-Theirs\r\nX-Theirs: 1\r\nProxy-Authenticate: Basic\r\n"
                       b"Content-Length: 0\r\nX-Kept: 1\r\n\r\n")
        said = head_of(it.client)
    for name in (b"mine", b"keep-alive", b"proxy-", b"authorization"):
        assert name not in head.lower().replace(b"x-forwarded", b""), name
    assert b"X-Yours: stays\r\n" in head
    assert b"X-Theirs" not in said
    assert b"Proxy-Authenticate" not in said
    assert b"X-Kept: 1\r\n" in said


def test_what_is_in_a_tunnel_is_not_touched(forward, listener):
    port = listener.getsockname()[1]
    proxy = forward(f"{OPEN}connect_ports = [{port}]\nanonymity.level = \"elite\"\n")
    inside = b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic eDp5\r\nVia: me\r\nFrom: me\r\n\r\n"
    client, _ = proxy.connect(f"127.0.0.1:{port}")
    origin, _ = listener.accept()
    with client, origin:
        client.sendall(inside)
        assert head_of(origin) == inside


def test_what_follows_a_connect_that_failed_is_no_request(forward, origins, dead):
    """A client may send a tunnel's octets before it is open; they are not asked for, whatever they look like."""
    proxy = forward(f"{OPEN}connect_ports = [{dead}]\n")
    hidden = b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % origins[0].server_address[1]
    for port, status in ((dead, b"502"), (81, b"403")):
        said = proxy.say(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % port, hidden)
        assert (said[9:12], said.count(b"HTTP/1.1 ")) == (status, 1)
        assert b"Connection: close\r\n" in said
    assert origins[0].requests == 0


def test_a_client_that_is_asked_who_it_is_answers_on_the_same_connection(forward, listener, tmp_path):
    (tmp_path / "users").write_text(entry("ann", "secret", 4) + "\n")
    port = listener.getsockname()[1]
    proxy = forward(f'reachable = ["127.0.0.0/8"]\nusers = "users"\nconnect_ports = [{port}]\n'
                    '[[forward.rule]]\nname = "known"\naction = "allow"\nusers = ["*"]\n')
    ask = b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n%%b\r\n" % port
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:
        link.sendall(ask % b"")
        said = head_of(link)
        assert said.startswith(b"HTTP/1.1 407 ")
        assert b'Proxy-Authenticate: Basic realm="proxy", charset="UTF-8"\r\n' in said
        length = int(said.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
        page = b""
        while len(page) < length:
            page += link.recv(length - len(page))
        assert b"Rule: <b>known</b>" in page
        link.sendall(ask % b"Proxy-Authorization: basic %b\r\n" % b64encode(b"ann:secret"))
        assert head_of(link).startswith(b"HTTP/1.1 200 ")
    said = proxy.say(ask % b"" + b"\x16\x03\x01 a hello too soon")
    assert said.startswith(b"HTTP/1.1 407 ")
    assert said.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("scheme", [b"NTLM TlRM", b"negotiate YII="])
def test_a_connection_of_one_user_is_no_other_ones(forward, listener, scheme):
    """An origin takes all that comes on it for his (RFC 4559 6)."""
    proxy, seen = forward(), []

    def serve():
        for _ in range(2):
            link, _ = listener.accept()
            seen.append(head_of(link))
            link.sendall(OK)
            kept.append(link)
    kept = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    url = b"http://127.0.0.1:%d/" % listener.getsockname()[1]
    for fields in (b"Authorization: %b\r\n" % scheme, b""):
        assert proxy.say(b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%b\r\n" % (url, fields)).endswith(b"ok")
    thread.join(20)
    assert [b"uthorization" in head for head in seen] == [True, False]
    for link in kept:
        link.close()
