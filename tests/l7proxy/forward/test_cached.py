"""The forward proxy's cache, between real clients and origins: what it answers, whom, and what it says of itself."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from experiments.api_client import request
from experiments.authority import Authority
from l7proxy.forward.users import entry
from tests.l7proxy.conftest import ROOT
from tests.l7proxy.forward.conftest import at
from tests.l7proxy.forward.running import FILE

OPEN = 'default = "allow"\nreachable = ["127.0.0.0/8"]\n'
CACHE = '[cache]\nsize = "8MiB"\n'


def now():
    return {"Cache-Control": "max-age=600", "Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())}


def named(server, path="/a"):
    """By a name, as most are asked for: an address is guarded each time."""
    return f"http://localhost:{server.server_address[1]}{path}"


def test_a_hit_asks_no_origin_and_is_counted(forward, pages, tmp_path):
    pages.pages["/a"] = now(), b"x" * 100_000
    proxy = forward(OPEN + CACHE + f'[api]\nsocket = "{tmp_path}/api"\n')
    with proxy.session() as session:
        seen = [session.get(url) for url in (named(pages), named(pages), at(pages, "/a"), at(pages, "/a"))]
    assert [one.content for one in seen] == [b"x" * 100_000] * 4
    assert len(pages.asked) == 2  # localhost and 127.0.0.1 are two places
    assert ["hit" in one.headers["Cache-Status"] for one in seen] == [False, True, False, True]
    assert seen[1].headers["Via"] == seen[0].headers["Via"]
    door = request(tmp_path / "api", "GET", "/counters")[1]["doors"][0]
    assert (door["looked"], door["cached"]) == (4, 2)
    assert door["cached_octets"] > 200_000
    assert door["cached_ms"] > 0
    log = proxy.stop()
    assert [one["note"] for one in log] == ["fwd=uri-miss", "hit", "fwd=uri-miss", "hit"]
    assert [one["server"] for one in log] == ["127.0.0.1", "-", "127.0.0.1", "-"]


RULES = """
reachable = ["127.0.0.0/8"]
users = "users"
[[forward.rule]]
name = "not-bob"
action = "deny"
users = ["bob"]
hosts = ["localhost"]
[[forward.rule]]
name = "not-there"
action = "deny"
networks = ["127.0.0.0/8"]
users = ["eve"]
[[forward.rule]]
name = "known"
action = "allow"
users = ["*"]
"""


def test_a_hit_is_no_way_around_the_rules(forward, pages, tmp_path):
    (tmp_path / "users").write_text("".join(entry(name, "secret", 4) + "\n" for name in ("ann", "bob", "eve")))
    pages.pages["/a"] = now(), b"stored"
    proxy = forward(RULES + CACHE)
    assert proxy.curl("-U", "ann:secret", named(pages)) == "stored"
    assert proxy.curl("-U", "ann:secret", named(pages)) == "stored"
    assert len(pages.asked) == 1
    assert "authorization" not in str(pages.asked).lower()
    assert proxy.status(named(pages)) == 407
    assert "rule not-bob" in proxy.curl("-i", "-U", "bob:secret", named(pages))
    assert "rule not-there" in proxy.curl("-i", "-U", "eve:secret", named(pages))
    assert proxy.curl("-U", "ann:secret", named(pages)) == "stored"  # what they were told isn't stored
    assert len(pages.asked) == 1


def test_what_was_fetched_from_behind_the_guard_is_forgotten_with_it(forward, pages):
    pages.pages["/a"] = now(), b"inside"
    proxy = forward(OPEN + CACHE)
    assert proxy.curl(named(pages)) == "inside"
    (proxy.folder / "forward.toml").write_text(f'{FILE}[forward]\ndefault = "allow"\n{CACHE}')
    proxy.process.send_signal(signal.SIGHUP)
    proxy.process.stderr.readline()
    assert proxy.status(named(pages)) == 403
    assert proxy.status(at(pages, "/a")) == 403


def test_schemes_and_ports_are_apart(forward, pages, origins, tmp_path, monkeypatch):
    authority = Authority(tmp_path)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue("localhost")
    shown.load_cert_chain(certificate.cert, certificate.key)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.bundle))
    pages.socket = shown.wrap_socket(pages.socket, server_side=True)
    pages.pages["/a"] = now(), b"by TLS"
    proxy = forward(OPEN + CACHE)
    port = pages.server_address[1]
    ask = b"GET %b://localhost:%d/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answers = []
    for scheme in (b"https", b"https", b"http"):
        with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:
            link.sendall(ask % (scheme, port))
            answers.append(b"".join(iter(lambda end=link: end.recv(4096), b"")))
    assert [one.endswith(b"by TLS") for one in answers] == [True, True, False]
    assert b"Cache-Status: layer-lab; hit" in answers[1]
    assert len(pages.asked) == 1
    assert proxy.curl(named(origins[0], "/a")) == "s1"


def raw(proxy, url, *lines):
    """All that a client hears."""
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:
        link.sendall("\r\n".join([f"GET {url} HTTP/1.1", "Host: a", "Connection: close", *lines, "", ""]).encode())
        return b"".join(iter(lambda: link.recv(65_536), b""))


def test_at_elite_a_hit_is_the_origins_answer_byte_for_byte(forward, listener):
    proxy = forward(OPEN + 'anonymity.level = "elite"\n' + CACHE)
    date = now()["Date"]
    said = (f"HTTP/1.1 200 OK\r\nDate: {date}\r\nServer: theirs\r\nCache-Control: max-age=600\r\n"
            "Cache-Status: theirs; hit\r\nContent-Length: 4\r\n{}\r\nbody").encode()
    url = f"http://localhost:{listener.getsockname()[1]}/"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(raw, proxy, url)
        link, _ = listener.accept()
        link.recv(65_536)
        link.sendall(said.replace(b"{}", b""))
        assert first.result(20) == said.replace(b"{}", b"Connection: close\r\n")
    link.close()
    assert raw(proxy, url) == first.result()
    nothing = raw(proxy, url + "other", "Cache-Control: only-if-cached")
    assert nothing.startswith(b"HTTP/1.1 504 ")
    assert b"layer-lab" not in nothing


def test_a_stored_answer_is_validated_and_cookies_are_not_handed_on(forward, pages):
    pages.pages["/a"] = {"Cache-Control": "no-cache", "ETag": '"1"', "Set-Cookie": "who=1"}, b"stored"
    proxy = forward(OPEN + CACHE)
    with proxy.session() as session:
        first = session.get(named(pages))
        pages.pages["/a"] = {"Cache-Control": "no-cache", "ETag": '"1"', "Set-Cookie": "who=2"}, b"stored"
        second = session.get(named(pages), headers={"Cookie": ""})
        pages.pages["/a"] = {"Cache-Control": "no-cache", "ETag": '"1"'}, b"stored"
        third = session.get(named(pages))
        mine = session.get(named(pages), headers={"If-None-Match": '"1"'})
    assert [one.text for one in (first, second, third)] == ["stored"] * 3
    assert [one.headers.get("Set-Cookie") for one in (first, second, third)] == ["who=1", "who=2", None]
    assert "fwd-status=304" in third.headers["Cache-Status"]
    assert (mine.status_code, mine.content) == (304, b"")
    assert [asked[2].get("If-None-Match") for asked in pages.asked] == [None, '"1"', '"1"', '"1"']


def test_many_wait_for_one(forward, pages):
    pages.pages["/a"] = now(), b"x" * 300_000
    pages.awake.clear()
    proxy = forward(OPEN + CACHE)
    with ThreadPoolExecutor(8) as pool:
        asks = [pool.submit(raw, proxy, named(pages)) for _ in range(8)]
        while not pages.asked:
            time.sleep(0.01)
        time.sleep(0.2)
        pages.awake.set()
        assert all(ask.result(20).endswith(b"x" * 300_000) for ask in asks)
    assert len(pages.asked) == 1


def test_who_has_waited_too_long_asks_itself(forward, pages):
    pages.pages["/a"] = now(), b"late"
    pages.awake.clear()
    proxy = forward(OPEN + CACHE, limits="join_s = 0.3\n")
    with ThreadPoolExecutor(2) as pool:
        asks = [pool.submit(raw, proxy, named(pages)) for _ in range(2)]
        deadline = time.monotonic() + 20
        while len(pages.asked) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        pages.awake.set()
        assert all(ask.result(20).endswith(b"late") for ask in asks)


def test_stale_serves_while_it_is_validated_and_when_the_origin_is_gone(forward, pages):
    pages.pages["/a"] = {"Cache-Control": "max-age=0, stale-while-revalidate=60", "ETag": '"1"'}, b"one"
    proxy = forward(OPEN + CACHE)
    assert proxy.curl(named(pages)) == "one"
    pages.pages["/a"] = {"Cache-Control": "max-age=600", "ETag": '"2"'}, b"two"
    assert proxy.curl(named(pages)) == "one"
    deadline = time.monotonic() + 20
    while proxy.curl(named(pages)) != "two":
        assert time.monotonic() < deadline
    assert len(pages.asked) == 2
    pages.pages["/b"] = {"Cache-Control": "max-age=0, stale-if-error=60", "ETag": '"1"'}, b"kept"
    assert proxy.curl(named(pages, "/b")) == "kept"
    pages.shutdown()
    pages.server_close()
    assert "stale-if-error" in proxy.curl("-i", named(pages, "/b"))


def test_an_unsafe_request_makes_room_for_what_is_new(forward, pages):
    pages.pages["/a"] = now(), b"old"
    proxy = forward(OPEN + CACHE)
    assert proxy.curl(named(pages)) == "old"
    pages.pages["/a"] = now(), b"new"
    assert proxy.curl(named(pages)) == "old"
    proxy.curl("-d", "x", named(pages))
    assert proxy.curl(named(pages)) == "new"


def test_what_was_for_somebody_is_for_him_alone(forward, pages):
    pages.pages["/a"] = now(), b"mine"
    pages.pages["/public"] = now() | {"Cache-Control": "public, max-age=600"}, b"everybody's"
    proxy = forward(OPEN + CACHE)
    for path, times in (("/a", 2), ("/public", 1)):
        pages.asked.clear()
        for _ in range(2):
            proxy.status("-H", "Authorization: Basic eA==", named(pages, path))
        assert len(pages.asked) == times


def test_pipelined_hits_are_answered_in_order(forward, pages):
    for name in "abc":
        pages.pages[f"/{name}"] = now(), name.encode() * 20_000
    proxy = forward(OPEN + CACHE)
    ask = b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % named(pages, f"/{name}").encode() for name in "abcabcab")
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:
        link.sendall(ask + b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % named(pages, "/c").encode())
        heard = b"".join(iter(lambda: link.recv(65_536), b""))
    bodies = [part[-20_000:] for part in heard.split(b"HTTP/1.1 200 OK")[1:]]
    assert bodies == [name.encode() * 20_000 for name in "abcabcabc"]
    assert len(pages.asked) == 3


def lab_proxy(*arguments):
    done = subprocess.run([sys.executable, "-m", "l7proxy", "forward", *arguments], cwd=ROOT, capture_output=True,
                          text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_its_size_is_given_on_the_command_line(tmp_path):
    flags = "--listen", "127.0.0.1:0", "--allow", "127.0.0.0/8", "--check", "--cache"
    code, said = lab_proxy(*flags, "2MiB")
    assert (code, said.splitlines()[-1]) == (0, "cache: 2MiB, answers of at most 2MiB")
    code, said = lab_proxy(*flags, "much")
    assert (code, said.startswith("--cache: size is 'much'")) == (2, True)
    (tmp_path / "f.toml").write_text(f"{FILE}[forward]\n{CACHE}")
    assert lab_proxy("--config", str(tmp_path / "f.toml"), "--check")[0] == 0
    assert lab_proxy("--config", str(tmp_path / "f.toml"), "--cache", "1MiB")[0] == 2
