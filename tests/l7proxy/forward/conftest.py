"""Requests and answers of a forward proxy, as the engine reads them; and one that runs."""

from __future__ import annotations

import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest

from l7proxy.forward.destination import destination
from l7proxy.forward.fields import FORWARD_REQUEST_FIELDS, FORWARD_RESPONSE_FIELDS
from l7proxy.forward.rules import Asked
from l7proxy.http1 import RequestReader, ResponseReader
from l7proxy.limits import Limits
from l7proxy.lines import Lines
from l7proxy.messages import field
from tests.l7proxy.forward.running import FILE, Proxy


def fields(*lines):
    """fields("Via: 1.1 a", ...) -> a list of Field."""
    return [field(name.encode("latin-1"), value.strip().encode("latin-1"))
            for name, _, value in (line.partition(":") for line in lines)]


def lines(found):
    """The same back."""
    return [one.line.decode("latin-1").removesuffix("\r\n") for one in found]


def asked(method, target, client="10.0.1.1", user=None):
    """A request, as far as rules look at it."""
    return Asked(ip_address(client), user, method.encode(), destination(method.encode(), target.encode("latin-1")))


def read_request(*text, target="/"):
    """(head, what was said of the client) of a request, by the engine's reader with the forward tables."""
    reader = RequestReader(Limits(), Lines(FORWARD_REQUEST_FIELDS))
    reader.feed("\r\n".join([f"GET {target} HTTP/1.1", "Host: a", *text, "", ""]).encode("latin-1"))
    head = reader.next()
    return head, reader.forwarded


def read_response(*text, status="200 OK", method=b"GET"):
    """The head of an answer."""
    reader = ResponseReader(Limits(), Lines(FORWARD_RESPONSE_FIELDS))
    reader.expect(method)
    reader.feed("\r\n".join([f"HTTP/1.1 {status}", *text, "", ""]).encode("latin-1"))
    return reader.next()


@pytest.fixture
def goal():
    """goal("http://a/") -> Destination, of a GET; goal("a:443") of a CONNECT."""
    def build(target):
        return destination(b"GET" if "/" in target else b"CONNECT", target.encode("latin-1"))
    return build


@pytest.fixture
def forward(tmp_path):
    """Start proxies with this [forward] and these limits; by default whoever is on loopback may go there.

    The first one's files are in tmp_path, those of others below it.
    """
    started = []

    def start(rules='default = "allow"\nreachable = ["127.0.0.0/8"]\n', limits="connect_s = 5"):
        folder = tmp_path / str(len(started)) if started else tmp_path
        folder.mkdir(exist_ok=True)
        (folder / "forward.toml").write_text(f"{FILE}{limits}\n[forward]\n{rules}")
        started.append(Proxy(folder))
        return started[-1]
    yield start
    for proxy in started:
        if proxy.process.poll() is None:
            proxy.stop()


@pytest.fixture
def listener():
    """A port at which a test answers by hand."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        yield server


def at(server, path="/"):
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


class Page(BaseHTTPRequestHandler):
    """A page of `server.pages`: by its path, (fields, body). It knows conditions and ranges, and counts what is asked.

    Pages whose body is None are written by `server.write(handler)`. While server.awake is clear, nobody is answered.
    """

    protocol_version = "HTTP/1.1"
    server_version = "Pages/1"

    def log_message(self, *_):
        pass

    def answer(self):
        server = self.server
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        server.asked.append((self.command, self.path, dict(self.headers)))
        server.awake.wait(60)
        said, body = server.pages[self.path]
        if body is None:
            server.write(self)
            return
        said, status = dict(said), said.get(":status", 200)
        if said.get("ETag") and said["ETag"] == self.headers["If-None-Match"]:
            status, body = 304, b""
        elif wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or ""):
            first, last = int(wanted[1]), int(wanted[2] or len(body) - 1)
            said["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
            status, body = 206, body[first:last + 1]
        self.send_response(status)
        for name, value in said.items():
            if not name.startswith(":"):
                self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = answer


@pytest.fixture
def pages():
    """An origin: pages["/a"] = (fields, body) in pages.pages; pages.asked is what has come."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads, server.pages, server.asked = True, {}, []
    server.awake = threading.Event()
    server.awake.set()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.awake.set()
    server.shutdown()
    server.server_close()
