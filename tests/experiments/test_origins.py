"""An origin over real sockets: what is at a path, in which form, and what it saw, byte for byte."""

from __future__ import annotations

import gzip
import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.authority import Authority
from experiments.sites import KINDS, LEAST_BYTES, MOST_BYTES, describe

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def ports(authority: Authority) -> Iterator[dict[str, int]]:
    files = authority.issue("news.example", "www.news.example")
    command = [sys.executable, "-P", "-m", "experiments.origins", "--site", "news.example",
               "--site", "www.news.example", "--address", "127.0.0.1", "--port", "0", "--tls-port", "0",
               "--cert", str(files.cert), "--key", str(files.key)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}) as one:
        assert one.stdout
        line = one.stdout.readline()
        yield {name: int(port) for name, port in re.findall(r"(\w+)=(\d+)", line)}
        one.terminate()


def ask(connection: socket.socket, head: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send a head that asks for the connection's end; status, fields, body."""
    connection.sendall(head)
    with connection.makefile("rb") as file:
        first, _, rest = file.read().partition(b"\r\n")
    top, _, data = rest.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in top.decode().split("\r\n"))
    return int(first.split()[1]), fields, data


def get(ports: dict[str, int], path: str, *lines: str, host: str = "news.example", method: str = "GET") -> Any:
    head = "\r\n".join((f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", ""))
    with socket.create_connection(("127.0.0.1", ports["http"]), 10) as connection:
        return ask(connection, head.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_served_as_it_is_described(ports: dict[str, int], kind: str) -> None:
    thing = describe("news.example", f"/{kind}/7")
    assert thing
    status, fields, data = get(ports, f"/{kind}/7")
    assert (status, data) == (200, thing.body())
    assert len(data) == thing.size == int(fields["Content-Length"])
    assert (fields["Cache-Control"], fields["Content-Type"]) == (thing.kind.keep, thing.kind.content_type)
    assert LEAST_BYTES <= thing.size <= MOST_BYTES


def test_a_text_is_packed_for_whoever_takes_it_under_a_tag_of_its_own(ports: dict[str, int]) -> None:
    plain, (_, fields, data) = get(ports, "/page/1"), get(ports, "/page/1", "Accept-Encoding: gzip")
    assert gzip.decompress(data) == plain[2]
    assert len(data) < len(plain[2])
    assert fields["ETag"] != plain[1]["ETag"]
    assert fields["Vary"] == plain[1]["Vary"] == "Accept-Encoding"
    assert get(ports, "/image/1", "Accept-Encoding: gzip")[1].get("Content-Encoding") is None
    status, fields, data = get(ports, "/page/1", f"If-None-Match: {plain[1]['ETag']}")
    assert (status, data, fields["ETag"]) == (304, b"", plain[1]["ETag"])


def test_sites_differ_and_another_ones_is_refused(ports: dict[str, int]) -> None:
    one, other = get(ports, "/page/1"), get(ports, "/page/1", host="www.news.example:80")
    assert one[2] != other[2]
    assert other[1]["X-Site"] == "www.news.example"
    assert get(ports, "/page/1", host="video.example")[0] == 421
    assert get(ports, "/page/")[0] == get(ports, "/nothing")[0] == get(ports, "/bytes/x")[0] == 404


def test_bytes_streams_and_bombs(ports: dict[str, int]) -> None:
    assert len(get(ports, "/bytes/100000")[2]) == 100_000
    assert get(ports, "/bytes/100000", method="HEAD")[2] == b""
    status, fields, data = get(ports, "/stream/20000")
    assert (status, fields["Transfer-Encoding"], fields["Cache-Control"]) == (200, "chunked", "no-store")
    assert data.count(b".") == 20_000
    assert data.endswith(b"\r\n0\r\n\r\n")
    _, fields, data = get(ports, "/packed/10000000")
    assert fields["Content-Encoding"] == "gzip"
    assert len(data) < 20_000
    assert gzip.decompress(data) == bytes(10_000_000)


def test_it_tells_what_it_saw_byte_for_byte_over_tls_too(ports: dict[str, int], authority: Authority) -> None:
    head = b"GET /see HTTP/1.1\r\nhOsT:  news.example\r\nX-Odd:\t\xe4  \r\nDNT: 1\r\nConnection: close\r\n\r\n"
    context = ssl.create_default_context(cafile=str(authority.bundle))
    for scheme in ("http", "https"):
        with socket.create_connection(("127.0.0.1", ports[scheme]), 10) as plain:
            tls = scheme == "https"
            with context.wrap_socket(plain, server_hostname="news.example") if tls else plain as connection:
                _, _, data = ask(connection, head)
        seen = json.loads(data)
        assert seen["head"].encode("latin-1") == head
        assert (seen["peer"], seen["tls"], seen["site"]) == ("127.0.0.1", tls, "news.example")
    assert json.loads(get(ports, "/_seen")[2])[-1] == seen


def test_one_request_after_another_each_has_its_own_head(ports: dict[str, int]) -> None:
    one = b"GET /see HTTP/1.1\r\nHost: news.example\r\nX-Number: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", ports["http"]), 10) as connection:
        for number in (1, 2):
            connection.sendall(one % number)
            data = b""
            while b"fields" not in data or not data.endswith(b"}"):
                data += connection.recv(65_536)
            assert json.loads(data.partition(b"\r\n\r\n")[2])["head"].encode() == one % number


def test_it_counts_bodies_as_they_were_sent_by_site_and_kind(ports: dict[str, int]) -> None:
    before = json.loads(get(ports, "/_stats")[2])
    sent = len(get(ports, "/script/9", "Accept-Encoding: gzip")[2])
    after = json.loads(get(ports, "/_stats")[2])
    for what, more in (("requests", 1), ("bytes", sent)):
        assert after[what]["news.example/script"] - before[what].get("news.example/script", 0) == more


def test_a_plain_word_at_the_tls_door_and_one_who_leaves_disturb_nobody(ports: dict[str, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports["https"]), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with socket.create_connection(("127.0.0.1", ports["http"]), 10) as connection:
        connection.sendall(b"GET /bytes/50000000 HTTP/1.1\r\nHost: news.example\r\n\r\n")
    assert get(ports, "/page/1")[0] == 200
