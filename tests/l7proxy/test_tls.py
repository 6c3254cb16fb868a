"""TLS towards clients, by real handshakes over real sockets, on the loop that the proxy runs on."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
import uvloop

from experiments.authority import Authority
from l7proxy import tls
from l7proxy.certificates import Certificates, Identity, ignore_bad_names
from l7proxy.limits import Limits
from l7proxy.tls import Tls
from l7proxy.wheel import Wheel

PATIENCE_S = 20


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


class Echo(asyncio.Protocol):
    """An application: what comes is sent back, at the pace at which it is taken. `said`: what it was told, in order."""

    def __init__(self, server):
        self.server, self.said, self.lost = server, [], threading.Event()

    def connection_made(self, transport):
        self.transport = transport
        self.said.append("made")
        self.server.applications.append(self)

    def data_received(self, data):
        self.said.append(len(data))
        self.transport.write(data)

    def eof_received(self):
        self.said.append("eof")
        return True

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    def connection_lost(self, exc):
        self.said.append(exc)
        self.lost.set()


class Listening:
    """A TLS listener on a loop of its own, in a thread. `do` calls something there."""

    def __init__(self, files, **limits):
        self.applications, self.clients, self.limits = [], [], Limits(**{"tick_s": 0.02} | limits)
        self.certificates = Certificates([Identity(one) for one in files], self.limits.ticket_key_s)
        self.loop, ready = uvloop.new_event_loop(), threading.Event()

        async def listen():
            wheel = Wheel()
            self.tls = Tls(self.certificates, self.limits, wheel)
            self.listener = await self.loop.create_server(self.tls.below(lambda: Echo(self)), "127.0.0.1", 0)
            self.port = self.listener.sockets[0].getsockname()[1]
            self._tick(wheel)
            ready.set()
        self.loop.call_soon(lambda: self.loop.create_task(listen()))
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        assert ready.wait(PATIENCE_S)

    def _tick(self, wheel):
        wheel.advance()
        self.loop.call_later(self.limits.tick_s, self._tick, wheel)

    def do(self, function, *arguments):
        async def call():
            return function(*arguments)
        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(PATIENCE_S)

    def application(self, count=1):
        """The newest application, once there are so many."""
        eventually(lambda: len(self.applications) >= count)
        return self.applications[-1]

    def connect(self):
        """A TCP connection of a client; it is closed with the listener."""
        self.clients.append(socket.create_connection(("127.0.0.1", self.port), PATIENCE_S))
        return self.clients[-1]

    def close(self):
        for client in self.clients:
            client.close()
        self.do(self.listener.close)
        self.do(self.tls.close)
        for application in self.applications:
            self.do(application.transport.abort)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE_S)
        self.loop.close()


def eventually(true):
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def listening(authority):
    """Start listeners: listening("a.lab", "b.lab") has a certificate for each of these names."""
    found = []

    def start(*names, **limits):
        found.append(Listening([authority.issue(name) for name in names or ("a.lab",)], **limits))
        return found[-1]
    yield start
    for it in found:
        it.close()


def trusting(authority, **settings):
    """How a client is set up that verifies the proxy."""
    context = ssl.create_default_context(cafile=str(authority.bundle))
    for name, value in settings.items():
        setattr(context, name, value)
    return context


class Client:
    """A TLS client whose every byte is in the test's hands: close_notify, a half-closed TCP, a record in pieces."""

    def __init__(self, server, context, name="a.lab"):
        self.tcp, self.incoming, self.outgoing = server.connect(), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self.step(self.tls.do_handshake)

    def step(self, call, *arguments):
        """Do something, sending and taking what it needs."""
        while True:
            try:
                return call(*arguments)
            except ssl.SSLZeroReturnError:  # the end in good order, after our own close_notify
                return b""
            except ssl.SSLWantReadError:
                self.flush()
                data = self.tcp.recv(65_536)
                if not data:
                    raise ConnectionResetError("cut off") from None
                self.incoming.write(data)
            finally:
                self.flush()

    def flush(self):
        if self.outgoing.pending:
            self.tcp.sendall(self.outgoing.read())

    def send(self, data):
        self.tls.write(data)
        self.flush()

    def read(self, count):
        """So many bytes; fewer if the end came."""
        data = b""
        while len(data) < count and (piece := self.step(self.tls.read, count - len(data))):
            data += piece
        return data

    def close_notify(self):
        with suppress(ssl.SSLError):
            self.tls.unwrap()
        self.flush()


# What is agreed on.


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_speak_http_1_1_with_forward_secrecy(authority, listening, version):
    context = trusting(authority, minimum_version=version, maximum_version=version)
    context.set_alpn_protocols(["h2", "http/1.1"])
    client = Client(listening(), context)
    client.send(b"hello")
    assert client.read(5) == b"hello"
    assert client.tls.selected_alpn_protocol() == "http/1.1"
    assert client.tls.version() == version.name.replace("_", ".")
    assert client.tls.cipher()[0].startswith(("ECDHE", "TLS_"))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_older_versions_are_refused(authority, listening):
    server = listening()
    context = trusting(authority, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        Client(server, context)
    assert server.tls.failed == {"unsupported protocol": 1}
    assert not server.applications


def test_ciphers_without_forward_secrecy_are_refused(authority, listening):
    context = trusting(authority, maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256")
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        Client(listening(), context)


# Names, and new certificates.


def shown(client):
    return {name for kind, name in client.tls.getpeercert()["subjectAltName"] if kind == "DNS"}


def test_each_name_has_its_certificate_and_the_application_knows_which(authority, listening):
    server = listening("a.lab", "b.lab", "*.c.lab")
    context = trusting(authority, check_hostname=False)
    for count, (name, expected) in enumerate([("a.lab", "a.lab"), ("b.lab", "b.lab"), ("x.c.lab", "*.c.lab"),
                                              ("nobody.lab", "a.lab"), (None, "a.lab")], start=1):
        client = Client(server, context, name)
        assert shown(client) == {expected}
        secured = server.application(count).transport.get_extra_info("ssl_object")
        assert (secured.server_name, secured.identity.names) == (name, {expected})
    assert secured.identity.covers(b"a.lab")
    assert not secured.identity.covers(b"b.lab")


def test_a_client_that_verifies_does_not_take_the_wrong_one(authority, listening):
    with pytest.raises(ssl.SSLCertVerificationError, match=r"nobody\.lab"):
        Client(listening("a.lab"), trusting(authority), "nobody.lab")


def test_new_certificates_are_shown_to_new_connections_and_the_old_ones_go_on(authority, listening):
    server = listening("a.lab")
    before = Client(server, trusting(authority))
    authority.issue("a.lab", "new.lab")
    server.do(server.certificates.show, [Identity(it.source) for it in server.certificates.all])
    assert shown(Client(server, trusting(authority), "new.lab")) == {"a.lab", "new.lab"}
    before.send(b"still here")
    assert before.read(10) == b"still here"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("ticket_key_s", "resumed"), [(86_400, True), (0, False)])
def test_a_session_is_resumed_across_new_certificates_until_the_key_of_tickets_changes(
    authority, listening, version, ticket_key_s, resumed
):
    server = listening("a.lab", ticket_key_s=ticket_key_s)
    context = trusting(authority, minimum_version=version, maximum_version=version)

    def visit(session):
        with context.wrap_socket(server.connect(), server_hostname="a.lab", session=session) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"  # the tickets of TLS 1.3 come after the handshake
            return client.session, client.session_reused
    session, _ = visit(None)
    server.do(server.certificates.show, [Identity(authority.issue("a.lab"))])
    assert visit(session)[1] is resumed
    assert (server.tls.full, server.tls.resumed) == ((1, 1) if resumed else (2, 0))


# What is no handshake, or none that ends.


def test_garbage_is_refused_and_counted(listening):
    server = listening()
    with server.connect() as client:
        client.sendall(b"\x16\x03\x01\x00\x04abcd" * 100)
        assert client.recv(7)[:1] in (b"\x15", b"")  # an alert, or the end
    eventually(lambda: server.tls.failed.total() == 1)
    assert not server.applications
    assert not server.tls.shaking


def test_plain_http_is_told_so(listening):
    with listening().connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a.lab\r\n\r\n")
        said = b"".join(iter(lambda: client.recv(4096), b""))
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"speaks HTTPS" in said


@pytest.mark.parametrize("beginning", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
def test_a_handshake_that_takes_too_long_is_cut(listening, beginning):
    server = listening(handshake_s=0.2)
    with server.connect() as client, suppress(ConnectionResetError):
        client.sendall(beginning)
        assert client.recv(1) == b""
    assert server.tls.failed == {"too late": 1}


def test_a_connection_that_is_open_is_not_bounded_by_the_handshakes_time(authority, listening):
    server = listening(handshake_s=0.1)
    client = Client(server, trusting(authority))
    time.sleep(0.5)
    client.send(b"x")
    assert client.read(1) == b"x"


def test_who_leaves_in_the_midst_of_a_handshake_is_counted(listening):
    server = listening()
    server.connect().close()
    eventually(lambda: server.tls.failed == {"cut off": 1})
    assert not server.tls.shaking


def test_handshakes_under_way_are_ended_when_the_proxy_stops(listening):
    server = listening()
    with server.connect() as client:
        eventually(lambda: server.tls.shaking)
        server.do(server.tls.close)
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_a_name_that_is_not_ascii_fails_and_fills_no_log(authority, listening, capfd, monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    ignore_bad_names()
    server, outgoing = listening(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        trusting(authority).wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="aaaa.lab").do_handshake()
    with server.connect() as client:
        client.sendall(outgoing.read().replace(b"aaaa.lab", b"\xff\xfeaa.lab"))
        assert client.recv(7)[:1] == b"\x15"
    assert server.tls.failed == {"callback failed": 1}
    assert capfd.readouterr().err == ""


# How a connection ends.


def test_after_the_clients_close_notify_it_is_still_answered(authority, listening):
    server = listening()
    client = Client(server, trusting(authority))
    client.send(b"question")
    client.close_notify()
    assert client.read(8) == b"question"
    application = server.application()
    eventually(lambda: "eof" in application.said)
    server.do(application.transport.write, b"and more")
    server.do(application.transport.close)
    assert client.read(99) == b"and more"  # and then the end, in good order
    assert application.lost.wait(PATIENCE_S)
    assert application.said == ["made", 8, "eof", None]


def test_a_connection_that_is_cut_off_is_no_end_in_good_order(authority, listening):
    server = listening()
    client = Client(server, trusting(authority))
    client.send(b"the first half")
    assert client.read(14) == b"the first half"
    client.tcp.shutdown(socket.SHUT_WR)  # as somebody between the two could, who has no key
    application = server.application()
    assert application.lost.wait(PATIENCE_S)
    assert isinstance(application.said[-1], ConnectionResetError)
    assert "eof" not in application.said


def test_our_end_is_said_and_not_only_seen(authority, listening):
    server = listening()
    client = Client(server, trusting(authority))
    server.do(server.application().transport.close)
    assert client.read(1) == b""  # cut off without close_notify, Client would raise
    assert server.application().lost.wait(PATIENCE_S)


def test_an_abort_is_seen_as_one(authority, listening):
    server = listening()
    client = Client(server, trusting(authority))
    server.do(server.application().transport.abort)
    with pytest.raises(ConnectionResetError):
        client.read(1)


def test_after_our_own_end_what_comes_is_dropped_until_the_clients_end(authority, listening):
    server = listening()
    client = Client(server, trusting(authority))
    application = server.application()
    server.do(application.transport.write, b"last words")
    server.do(application.transport.write_eof)
    for _ in range(50):
        client.send(b"x" * 10_000)
    assert client.read(99) == b"last words"
    assert not server.do(application.transport.is_closing)
    client.tcp.shutdown(socket.SHUT_WR)
    eventually(lambda: "eof" in application.said)
    assert application.said == ["made", "eof"]


def test_a_bad_record_ends_the_connection(authority, listening):
    server = listening()
    client = Client(server, trusting(authority))
    client.send(b"good")
    assert client.read(4) == b"good"
    client.tcp.sendall(b"\x17\x03\x03" + struct.pack(">H", 64) + b"\0" * 64)
    with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
        client.read(1)
    assert server.application().lost.wait(PATIENCE_S)
    assert isinstance(server.application().said[-1], ssl.SSLError)


def test_a_client_that_asks_for_new_keys_without_end_is_cut_off(authority, listening, monkeypatch):
    monkeypatch.setattr(tls, "REPLIES", 3)
    server = listening()
    asking = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}", "-servername", "a.lab"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    application, asked = server.application(), 0
    with suppress(BrokenPipeError):
        while not application.lost.wait(0.05) and (asked := asked + 1) < 200:
            asking.stdin.write(b"K\n")  # s_client(1): update the keys, and ask for the other side's
            asking.stdin.flush()
    asking.communicate(timeout=PATIENCE_S)
    assert "new keys" in str(application.said[-1])
    assert application.said[:-1] == ["made"]


# Bodies that are large, and clients that are slow.


def test_a_record_that_comes_byte_by_byte_is_read_once_it_is_whole(authority, listening):
    client = Client(listening(), trusting(authority))
    client.tls.write(b"in drops")
    for byte in client.outgoing.read():
        client.tcp.sendall(bytes([byte]))
    assert client.read(8) == b"in drops"


def test_what_comes_with_the_end_of_the_handshake_is_not_forgotten(authority, listening):
    server, outgoing = listening(), ssl.MemoryBIO()
    incoming = ssl.MemoryBIO()
    client = trusting(authority).wrap_bio(incoming, outgoing, server_hostname="a.lab")
    with server.connect() as tcp:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                tcp.sendall(outgoing.read())
                incoming.write(tcp.recv(65_536))
        client.write(b"at once")
        tcp.sendall(outgoing.read())  # the client's Finished, and the first request, in one segment
        eventually(lambda: server.applications and server.applications[-1].said == ["made", 7])


def test_a_slow_client_holds_the_application_and_gets_every_byte(authority, listening):
    """64 MiB are sent and echoed, and nobody reads them for a while: what is held meanwhile is bounded."""
    server, total = listening(), 64 << 20
    client = trusting(authority).wrap_socket(server.connect(), server_hostname="a.lab")
    piece = bytes(range(256)) * 256

    def send():
        for _ in range(total // len(piece)):
            client.sendall(piece)
    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    transport = server.application().transport
    eventually(lambda: server.do(transport.get_write_buffer_size) > 65_536)
    time.sleep(0.3)
    assert server.do(transport.get_write_buffer_size) < 1 << 20
    assert sender.is_alive()
    digest, got = hashlib.sha256(), 0
    while got < total:
        data = client.recv(1 << 20)
        assert data
        digest.update(data)
        got += len(data)
    assert digest.digest() == hashlib.sha256(piece * (total // len(piece))).digest()
    sender.join(PATIENCE_S)
    client.close()
