"""Clients that others wrote, through the forward proxy: curl, requests, git, pip, and a browser."""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from experiments.authority import Authority
from l7proxy.forward.users import entry
from tests.l7proxy.forward.chromium import Chromium

POLICIES = Path("/etc/chromium/policies/managed")
RULES = """
reachable = ["127.0.0.0/8"]
users = "users"
connect_ports = [{}]
[[forward.rule]]
name = "no-games"
action = "deny"
urls = ["*/games/*"]
[[forward.rule]]
name = "members"
action = "allow"
users = ["ann"]
"""


class Site(BaseHTTPRequestHandler):
    """A site with a page, a WebSocket, and pages of any other site's business."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade") == "websocket":
            key = self.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                             b"Sec-WebSocket-Accept: %b\r\n\r\n\x81\x05hello" % b64encode(hashlib.sha1(key).digest()))
            self.rfile.read(1)
            self.close_connection = True
            return
        page = json.dumps({"path": self.path, "said": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *words):
        pass


@contextmanager
def serving(handler, secret=None):
    """A server's port, with this certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if secret is not None:
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown.load_cert_chain(secret.cert, secret.key)
        server.socket = shown.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def started(forward, folder):
    """A proxy that knows ann, a site in clear, one by TLS, and the authority: (proxy, port, port, authority)."""
    authority = Authority(folder / "ca")
    (folder / "users").write_text(entry("ann", "secret: ü", 4) + "\n")
    with serving(Site) as port, serving(Site, authority.issue("localhost", "secure.lab")) as secure:
        yield forward(RULES.format(f"{port}, {secure}")), port, secure, authority


@pytest.fixture
def sites(forward, tmp_path):
    with started(forward, tmp_path) as found:
        yield found


def test_curl_with_user_and_password(sites):
    proxy, port, secure, authority = sites
    https = ("--cacert", str(authority.bundle), f"https://localhost:{secure}/x")
    for way in ((f"http://localhost:{port}/x",), ("-p", f"http://localhost:{port}/x"), https):
        assert json.loads(proxy.curl("-U", "ann:secret: ü", *way))["path"] == "/x"
        assert json.loads(proxy.curl("-U", "ann:secret: ü", "--proxy-anyauth", *way))["path"] == "/x"
        assert "407" in proxy.curl("-U", "ann:wrong", "-v", *way)
        assert "407" in proxy.curl("-v", *way)
    posted = proxy.curl("-U", "ann:secret: ü", "--proxy-anyauth", "-d", "x" * 2000, "-X", "GET",
                        f"http://localhost:{port}/post")
    assert json.loads(posted)["path"] == "/post"
    assert "Rule: <b>no-games</b>" in proxy.curl(f"http://localhost:{port}/games/1")


def test_curl_to_a_proxy_that_speaks_tls(forward, tmp_path):
    authority = Authority(tmp_path)
    shown = authority.issue("127.0.0.2")
    with serving(Site) as port:
        proxy = forward(f'default = "allow"\nreachable = ["127.0.0.0/8"]\nconnect_ports = [{port}]\n',
                        '[[listener]]\naddress = "127.0.0.2:0"\ntls = true\n'
                        f'[[certificate]]\nname = "proxy"\ncert = "{shown.cert}"\nkey = "{shown.key}"\n')
        proxy.url = f"https://{proxy.process.stderr.readline().split()[-1]}"
        for way in ((), ("-p",)):
            said = proxy.curl("--proxy-cacert", str(authority.bundle), *way, f"http://localhost:{port}/x")
            assert json.loads(said)["path"] == "/x"


def test_requests_with_proxies_and_a_password(sites):
    proxy, port, secure, authority = sites
    with proxy.session() as session:
        urls = (f"http://localhost:{port}/", f"https://localhost:{secure}/")
        session.verify = str(authority.bundle)
        assert session.get(urls[0]).status_code == 407
        with pytest.raises(requests.exceptions.ProxyError, match="407"):
            session.get(urls[1])
        known = proxy.url.replace("//", "//ann:secret%3A%20%C3%BC@")
        session.proxies = {"http": known, "https": known}
        for url in (*urls, *urls):
            assert not any("uthorization" in name for name in session.get(url).json()["said"])
        assert session.get(urls[0] + "games/1").status_code == 403


def test_git_and_pip(forward, tmp_path):
    """A repository by git's plain way of fetching, and an index of packages as pip reads one."""
    work = tmp_path / "work"
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q", str(work)), ("-C", str(work), *identity, "commit", "-q", "--allow-empty", "-m", "one"),
                  ("clone", "-q", "--bare", str(work), str(tmp_path / "web/work.git")),
                  ("-C", str(tmp_path / "web/work.git"), "update-server-info")):
        subprocess.run(["git", *words], check=True)
    index = tmp_path / "web/simple/nothing-at-all"
    index.mkdir(parents=True)
    (index / "index.html").write_text('<a href="nothing_at_all-1.tar.gz">nothing_at_all-1.tar.gz</a>')

    class Folder(SimpleHTTPRequestHandler):
        def __init__(self, *words):
            super().__init__(*words, directory=str(tmp_path / "web"))

        def log_message(self, *words):
            pass
    proxy = forward()
    with serving(Folder) as port:
        subprocess.run(["git", "-c", f"http.proxy={proxy.url}", "clone", "-q", f"http://localhost:{port}/work.git",
                        str(tmp_path / "copy")], check=True, timeout=60)
        said = subprocess.run([sys.executable, "-m", "pip", "index", "versions", "nothing-at-all", "--index-url",
                               f"http://localhost:{port}/simple", "--proxy", proxy.url, "--isolated",
                               "--disable-pip-version-check"], check=True, timeout=60, capture_output=True, text=True)
    assert "Available versions: 1" in said.stdout
    asked = {(one["method"], one["target"]) for one in proxy.stop()}
    assert ("GET", f"http://localhost:{port}/work.git/info/refs?service=git-upload-pack") in asked
    assert ("GET", f"http://localhost:{port}/simple/nothing-at-all/") in asked


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium (./lab setup --browser installs it)")
def test_a_browser(forward, tmp_path):
    """It is asked who it is, fetches in clear and by CONNECT, speaks WebSocket, and sees the page of a rule."""
    with started(forward, tmp_path) as sites:
        browse(*sites, tmp_path / "home")


def browse(proxy, port, secure, authority, home):
    """In this capsule only: names, and an authority that every Chromium of the machine believes."""
    subprocess.run(["sh", "-c", "echo 127.0.0.1 shop.lab secure.lab >> /etc/hosts"], check=True)
    POLICIES.parents[1].mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", POLICIES.parents[1]], check=True)
    POLICIES.mkdir(parents=True)
    der = ssl.PEM_cert_to_DER_cert(authority.bundle.read_text())
    (POLICIES / "lab.json").write_text(json.dumps({"CACertificates": [b64encode(der).decode()]}))
    browser = Chromium(proxy.url, home, ("ann", "secret: ü"))
    try:
        assert browser.navigate(f"http://shop.lab:{port}/page") == ""
        assert ("Proxy", "proxy") in browser.asked
        said = json.loads(browser.evaluate("document.body.innerText"))
        assert said["path"] == "/page"
        assert "lab-" in said["said"]["Via"]
        assert "Proxy-Authorization" not in said["said"]
        assert browser.evaluate(f"fetch('https://secure.lab:{secure}/x').then(it => it.json()).then(it => it.path)") \
            == "/x"
        assert browser.evaluate(f"new Promise(then => new WebSocket('ws://shop.lab:{port}/').onmessage ="
                                " it => then(it.data))") == "hello"
        assert browser.navigate(f"http://shop.lab:{port}/games/1") == ""
        assert "Rule: no-games" in browser.evaluate("document.body.innerText")
        assert browser.navigate(f"https://secure.lab:{secure}/games/1") == "", "of a tunnel no URL is known"
        assert browser.navigate("https://secure.lab:4443/") == "net::ERR_TUNNEL_CONNECTION_FAILED"
        assert browser.navigate("http://no.such.name.lab/") == ""
        assert "Rule: dns" in browser.evaluate("document.body.innerText")
    finally:
        browser.close()
    assert {one["method"] for one in proxy.stop()} >= {"GET", "CONNECT"}
