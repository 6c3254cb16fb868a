"""The forward proxy as a process, between real curl and requests and real origins on loopback."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess

import pytest

from experiments.authority import Authority
from l7proxy.forward.anonymity import USUAL_AGENT
from l7proxy.forward.users import entry
from tests.l7proxy.forward.conftest import at
from tests.l7proxy.forward.running import FILE


def test_get_and_post_keep_both_connections(forward, origins):
    with forward().session() as session:
        seen = [session.get(at(origins[0])), session.post(at(origins[0], "/echo"), data=b"x" * 300_000),
                session.get(at(origins[0], "/chunked"))]
    assert [answer.status_code for answer in seen] == [200, 200, 200]
    assert seen[1].content == b"x" * 300_000
    assert len({answer.headers["X-Connection"] for answer in seen}) == 1
    assert seen[0].headers["Server"].startswith("SecretServer/1")


def test_a_name_is_resolved_and_another_place_gets_another_connection(forward, origins):
    proxy = forward()
    port = origins[1].server_address[1]
    assert proxy.curl(f"http://localhost:{port}/") == "s2"
    with proxy.session() as session:
        assert [session.get(at(origin)).text for origin in (*origins, *origins)] == ["s1", "s2", "s3"] * 2
    assert proxy.status("http://no.such.name.invalid/") == 502


def test_curl_tunnels(forward, origins):
    port = origins[0].server_address[1]
    proxy = forward(f'default = "allow"\nreachable = ["127.0.0.0/8"]\nconnect_ports = [{port}]\n')
    assert proxy.curl("-p", at(origins[0])) == "s1"
    assert len(proxy.curl("-p", at(origins[0], "/bytes/3000000"))) == 3_000_000
    assert "rule connect-ports" in proxy.curl("-p", "-v", at(origins[1]))
    log = proxy.stop()
    assert [(one["method"], one["status"]) for one in log] == [("CONNECT", 200), ("CONNECT", 200), ("CONNECT", 403)]
    assert log[1]["octets"] > 3_000_000


def test_a_tunnel_is_half_closed_on_either_side(forward, listener):
    port = listener.getsockname()[1]
    proxy = forward(f'default = "allow"\nreachable = ["127.0.0.0/8"]\nconnect_ports = [{port}]\n')
    for first in ("client", "origin"):
        client, said = proxy.connect(f"127.0.0.1:{port}")
        assert said.startswith(b"HTTP/1.1 200 ")
        origin, _ = listener.accept()
        origin.settimeout(20)
        one, other = (client, origin) if first == "client" else (origin, client)
        one.sendall(b"\0 all that I say")
        one.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda end=other: end.recv(4096), b"")) == b"\0 all that I say"
        other.sendall(b"and my answer")
        other.close()
        assert b"".join(iter(lambda end=one: end.recv(4096), b"")) == b"and my answer"
        one.close()


def sent_until_held(sender):
    """How much goes before nothing goes any more."""
    sent = 0
    sender.settimeout(1)
    while sent < 200_000_000:
        try:
            sent += sender.send(b"x" * 65_536)
        except TimeoutError:
            return sent
    raise AssertionError("never held")


def test_a_tunnel_ahead_of_its_reader_is_held(forward, listener):
    port = listener.getsockname()[1]
    proxy = forward(f'default = "allow"\nreachable = ["127.0.0.0/8"]\nconnect_ports = [{port}]\n')
    client, _ = proxy.connect(f"127.0.0.1:{port}")
    origin, _ = listener.accept()
    for sender, reader in ((client, origin), (origin, client)):
        sent = sent_until_held(sender)
        reader.settimeout(20)
        while sent:
            sent -= len(reader.recv(1 << 20))
    client.close()
    origin.close()


@pytest.mark.parametrize(("request_line", "status"), [
    (b"CONNECT 127.0.0.1 HTTP/1.1", 400), (b"CONNECT 127.0.0.1:0 HTTP/1.1", 400),
    (b"CONNECT 127.0.0.1:70000 HTTP/1.1", 400), (b"CONNECT a@127.0.0.1:443 HTTP/1.1", 400),
    (b"CONNECT ::1:443 HTTP/1.1", 400), (b"GET / HTTP/1.1", 400), (b"GET http://u:p@127.0.0.1/ HTTP/1.1", 400),
    (b"GET ftp://127.0.0.1/ HTTP/1.1", 501), (b"OPTIONS * HTTP/1.1", 200),
    (b"CONNECT [::1]:443 HTTP/1.1", 403), (b"GET http://10.0.0.7/ HTTP/1.1", 403),
    (b"GET http://[::ffff:10.0.0.7]/ HTTP/1.1", 403), (b"GET http://2130706433/ HTTP/1.1", 400),
])
def test_bad_requests_and_forbidden_addresses(forward, request_line, status):
    with socket.create_connection(("127.0.0.1", forward().port), 20) as link:
        link.sendall(request_line + b"\r\nHost: a\r\n\r\n")
        assert link.recv(4096).startswith(b"HTTP/1.1 %d " % status)


def test_it_never_dials_itself(forward):
    proxy = forward()
    assert proxy.status(f"{proxy.url}/") == 502
    assert proxy.status(f"http://localhost:{proxy.port}/") == 502


RULES = """
reachable = ["127.0.0.0/8"]
users = "users"
[[forward.rule]]
name = "ads"
action = "deny"
hosts = [".ads.example"]
[[forward.rule]]
name = "known"
action = "allow"
users = ["ann"]
"""


def test_407_and_credentials_that_stay_here(forward, listener, tmp_path):
    (tmp_path / "users").write_text(entry("ann", "secret", 4) + "\n" + entry("bob", "secret", 4) + "\n")
    proxy = forward(RULES)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    assert "Proxy-Authenticate: Basic realm=" in proxy.curl("-i", url)
    assert [proxy.status("-U", who, url) for who in ("ann:wrong", "eve:secret", "bob:secret")] == [407, 407, 403]
    assert proxy.status("-U", "ann:secret", "http://x.ads.example/") == 403
    asks = subprocess.Popen(["curl", "-sS", "-m", "20", "-x", proxy.url, "-U", "ann:secret", url])
    link, _ = listener.accept()
    head = link.recv(65_536).lower()
    link.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert asks.wait(30) == 0
    assert b"authorization" not in head
    link.close()


SEEN = {
    "transparent": ["GET / HTTP/1.1", "Host: {host}", "User-Agent: me/1", "From: me@example",
                    "X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "Via: 1.1 {name}"],
    "anonymous": ["GET / HTTP/1.1", "Host: {host}", "User-Agent: {usual}", "Via: 1.1 {name}"],
    "elite": ["GET / HTTP/1.1", "Host: {host}", "User-Agent: {usual}"],
}


@pytest.mark.parametrize("level", SEEN)
def test_what_the_origin_sees_and_what_the_client_sees(forward, listener, level):
    proxy = forward(f'default = "allow"\nreachable = ["127.0.0.0/8"]\nanonymity.level = "{level}"\n')
    host = f"127.0.0.1:{listener.getsockname()[1]}"
    asks = subprocess.Popen(["curl", "-isS", "-m", "20", "-x", proxy.url, "-A", "me/1", "-H", "From: me@example",
                             "-H", "Accept:", "-H", "X-Forwarded-For: 6.6.6.6", f"http://{host}/"],
                            stdout=subprocess.PIPE, text=True)
    link, _ = listener.accept()
    head = link.recv(65_536).decode()
    link.sendall(b"HTTP/1.1 200 OK\r\nDate: now\r\nServer: theirs\r\nContent-Length: 0\r\n\r\n")
    said = asks.communicate(timeout=30)[0]
    link.close()
    name = said.partition("Via: 1.1 ")[2].split("\n")[0]
    assert head.split("\r\n")[:-2] == [line.format(host=host, name=name, usual=USUAL_AGENT) for line in SEEN[level]]
    expected = f"HTTP/1.1 200 OK\nDate: now\nServer: theirs\nVia: 1.1 {name}\nContent-Length: 0\n\n"
    if level == "elite":
        expected = expected.replace("Via: 1.1 \n", "")
        assert "proxy-status" not in proxy.curl("-i", "http://10.0.0.7/").lower()
    assert said == expected


def test_a_client_that_vanishes_leaves_no_tunnel(forward, listener):
    port = listener.getsockname()[1]
    proxy = forward(f'default = "allow"\nreachable = ["127.0.0.0/8"]\nconnect_ports = [{port}]\n')
    files = f"/proc/{proxy.process.pid}/fd"
    before = len(os.listdir(files))
    for _ in range(50):
        client, _ = proxy.connect(f"127.0.0.1:{port}")
        origin, _ = listener.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        origin.settimeout(20)
        assert origin.recv(1) == b""
        origin.close()
    proxy.status("http://10.0.0.7/")
    assert len(os.listdir(files)) <= before + 2


def test_https_is_spoken_for_the_client_and_only_to_whom_is_believed(forward, origins, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue("localhost")
    shown.load_cert_chain(certificate.cert, certificate.key)
    origins[0].socket = shown.wrap_socket(origins[0].socket, server_side=True)
    url = f"https://localhost:{origins[0].server_address[1]}/"
    ask = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % url.encode()
    for believed, status in (("", b"502"), (str(authority.bundle), b"200")):
        if believed:
            monkeypatch.setenv("SSL_CERT_FILE", believed)
        proxy = forward()
        with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:
            link.sendall(ask)
            said = b"".join(iter(lambda end=link: end.recv(4096), b""))
        assert said[9:12] == status
        assert (b"tls_certificate_error" in said) is not bool(believed)


def test_a_reload_brings_other_rules(forward, origins):
    proxy = forward()
    assert proxy.status(at(origins[0])) == 200
    (proxy.folder / "forward.toml").write_text(f"{FILE}connect_s = 5\n[forward]\n")
    proxy.process.send_signal(signal.SIGHUP)
    assert proxy.process.stderr.readline() == "read anew: forward\n"
    assert proxy.status(at(origins[0])) == 403
