"""Requests and answers of a forward proxy, as the engine reads them."""

from __future__ import annotations

import socket
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
