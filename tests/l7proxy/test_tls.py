"""TLS towards clients, by real handshakes over real sockets, on the loop that the proxy runs on."""

from __future__ import annotations

import hashlib
import select
import socket
import ssl
import struct
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from l7proxy import tls
from l7proxy.certificates import Identity, ignore_bad_names
from tests.l7proxy import tls_ends
from tests.l7proxy.tls_ends import PATIENCE_S, Client, trusting
from tests.outside import wait_until

authority, listening = tls_ends.authority, tls_ends.listening


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
    server.do(server.tls.certificates.show, [Identity(it.source) for it in server.tls.certificates.all])
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
    server.do(server.tls.certificates.show, [Identity(authority.issue("a.lab"))])
    assert visit(session)[1] is resumed
    assert (server.tls.counts.handshakes, server.tls.counts.resumed) == (2, int(resumed))


# What is no handshake, or none that ends.


def test_garbage_is_refused_and_counted(listening):
    server = listening()
    with server.connect() as client:
        client.sendall(b"\x16\x03\x01\x00\x04abcd" * 100)
        assert client.recv(7)[:1] in (b"\x15", b"")  # an alert, or the end
    wait_until(lambda: server.tls.failed.total() == 1, "the server to have noticed", PATIENCE_S)
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
    wait_until(lambda: server.tls.failed == {"cut off": 1}, "the server to have noticed", PATIENCE_S)
    assert not server.tls.shaking


def test_who_is_one_too_many_of_his_address_is_turned_away_before_the_handshake(authority, listening):
    server = listening(client_connections=2)
    with server.connect() as first, server.connect():
        wait_until(lambda: len(server.tls.shaking) == 2, "the server to have noticed", PATIENCE_S)
        with pytest.raises(ConnectionResetError):
            Client(server, trusting(authority))
        first.close()
        wait_until(lambda: len(server.tls.shaking) == 1, "the server to have noticed", PATIENCE_S)
        Client(server, trusting(authority))
    assert server.tls.failed["too many connections"] == 1
    wait_until(lambda: server.tls.guests.all == 0, "the server to have noticed", PATIENCE_S)


def test_handshakes_under_way_are_ended_when_the_proxy_stops(listening):
    server = listening()
    with server.connect() as client:
        wait_until(lambda: server.tls.shaking, "the server to have noticed", PATIENCE_S)
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
    wait_until(lambda: "eof" in application.said, "the server to have noticed", PATIENCE_S)
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
    wait_until(lambda: "eof" in application.said, "the server to have noticed", PATIENCE_S)
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
        wait_until(lambda: server.applications and server.applications[-1].said == ["made", 7],
                   "the server to have noticed", PATIENCE_S)


def test_a_slow_client_holds_the_application_and_gets_every_byte(authority, listening):
    """64 MiB are sent and echoed, and nobody reads them for a while: what is held meanwhile is bounded."""
    server, total = listening(), 64 << 20
    client = Client(server, trusting(authority))
    client.tcp.setblocking(False)
    piece = bytes(range(256)) * 256
    sent = _send_while_it_is_taken(client, piece)
    transport = server.application().transport
    assert 65_536 < server.do(transport.get_write_buffer_size) < 1 << 20
    assert sent < total
    digest, got = hashlib.sha256(), 0
    while got < total:
        sending = [client.tcp] if sent < total or client.left else []
        readable, writable, _ = select.select([client.tcp], sending, [], PATIENCE_S)
        assert readable or writable
        if writable:
            sent += _send_some(client, piece)
        for data in _read_what_came(client) if readable else ():
            digest.update(data)
            got += len(data)
    assert digest.digest() == hashlib.sha256(piece * (total // len(piece))).digest()


def _send_while_it_is_taken(client, piece):
    """Return how much was sent when nothing more was taken for a while."""
    sent = 0
    while select.select([], [client.tcp], [], 0.5)[1]:
        sent += _send_some(client, piece)
    return sent


def _send_some(client, piece):
    """Send what is left of the last piece, or begin another; return how much was begun. One thread only: an SSL
    object is not to be used by two (before Python 3.13 it breaks)."""
    begun = 0
    if not client.left:
        client.tls.write(piece)
        client.left, begun = client.outgoing.read(), len(piece)
    client.left = client.left[client.tcp.send(client.left):]
    return begun


def _read_what_came(client):
    raw = client.tcp.recv(1 << 18)
    assert raw
    client.incoming.write(raw)
    with suppress(ssl.SSLWantReadError):
        while True:
            yield client.tls.read(1 << 16)
