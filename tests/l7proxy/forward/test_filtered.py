"""The forward proxy's filters, between real clients and real origins: what is stopped, changed, and put right."""

from __future__ import annotations

import gzip
import random
import signal
import socket
import zlib
from pathlib import Path

import pytest

from l7proxy.forward.filters import HOLD_BYTES
from tests.l7proxy.forward.conftest import at
from tests.l7proxy.forward.running import FILE
from tests.l7proxy.forward.test_cached import CACHE, OPEN, lab_proxy, named, now, raw

FILTERS = """
[[forward.filter]]
name = "fine"
action = "allow"
urls = ["*/fine*"]
[[forward.filter]]
name = "ads"
action = "block"
hosts = [".ads.example"]
[[forward.filter]]
name = "programs"
action = "block"
types = ["application/x-msdownload"]
[[forward.filter]]
name = "large"
action = "block"
over = "1MiB"
types = ["application/zip"]
[[forward.filter]]
name = "secrets"
action = "block"
words = ["top secret"]
[[forward.filter]]
name = "manners"
action = "replace"
words = ["damn"]
by = "d*mn"
"""
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture(params=["", CACHE], ids=["no-cache", "cache"])
def filtered(forward, request):
    """A proxy with these filters: alone, and before a cache."""
    return forward(OPEN + FILTERS + request.param)


def test_hosts_and_types_and_sizes_and_words_are_stopped_and_the_rule_is_named(filtered, pages):
    pages.pages["/program"] = now() | {"Content-Type": "application/x-msdownload"}, b"MZ"
    pages.pages["/zip"] = now() | {"Content-Type": "application/zip"}, bytes(2**21)
    pages.pages["/small.zip"] = now() | {"Content-Type": "application/zip"}, b"PK"
    pages.pages["/text"] = now() | TEXT, b"this is Top Secret"
    pages.pages["/fine"] = now() | TEXT, b"this is Top Secret"
    for _ in range(2):
        for path, rule in (("/program", "programs"), ("/zip", "large"), ("/text", "secrets")):
            said = filtered.curl("-i", named(pages, path))
            assert said.startswith("HTTP/1.1 403 ")
            assert f'details="rule {rule}"' in said
            assert "ecret" not in said.partition("\r\n\r\n")[2].replace("secrets", "")
        assert filtered.curl(named(pages, "/fine")) == "this is Top Secret"
        assert filtered.curl(named(pages, "/small.zip")) == "PK"
        assert filtered.status("-I", named(pages, "/zip")) == 403
    assert "rule ads" in filtered.curl("-i", "http://x.ads.example/")
    assert "rule ads" in filtered.curl("-v", "https://x.ads.example/")  # CONNECT: by its name
    assert {"rule:programs", "rule:large", "rule:secrets", "rule:ads"} <= {one["note"] for one in filtered.stop()}


@pytest.mark.parametrize(("coding", "code"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_word_is_replaced_in_what_is_packed_and_all_that_says_otherwise_is_put_right(filtered, pages, coding, code):
    text = b"oh damn, " * 30_000
    pages.pages["/a"] = now() | TEXT | {"Content-Encoding": coding, "ETag": '"1"', "Content-MD5": "eA==",
                                        "Accept-Ranges": "bytes"}, code(text)
    with filtered.session() as session:
        for _ in range(2):
            seen = session.get(named(pages, "/a"), headers={"Accept-Encoding": "br, gzip"})
            assert seen.text == text.decode().replace("damn", "d*mn")
            assert (seen.headers["ETag"], seen.headers["Transfer-Encoding"]) == ('W/"1"', "chunked")
            assert not {"Content-Encoding", "Content-Length", "Content-MD5", "Accept-Ranges"} & set(seen.headers)
            head = session.head(named(pages, "/a"), headers={"Accept-Encoding": "br, gzip"})
            same = {name: value for name, value in head.headers.items() if name in ("ETag", "Content-Type")}
            assert same == {"ETag": 'W/"1"', "Content-Type": "text/plain"}
            assert "Content-Length" not in head.headers
            known = session.get(named(pages, "/a"), headers={"Accept-Encoding": "br, gzip", "If-None-Match": '"1"'})
            assert (known.status_code, known.headers["ETag"]) == (304, 'W/"1"')
    assert {asked[2]["Accept-Encoding"] for asked in pages.asked} == {"gzip"}


def test_no_transform_is_respected(filtered, pages):
    said = now() | TEXT
    said["Cache-Control"] += ", no-transform"
    pages.pages["/a"] = said, b"damn"
    pages.pages["/b"] = said, b"damn, top secret"
    assert [filtered.curl(named(pages, "/a")) for _ in range(2)] == ["damn"] * 2
    assert [filtered.status(named(pages, "/b")) for _ in range(2)] == [403] * 2


def test_parts_are_no_way_around(filtered, pages):
    pages.pages["/a"] = now() | TEXT, b"well, damn it"
    pages.pages["/b"] = now() | TEXT, b"this is top secret"
    pages.pages["/video"] = now() | {"Content-Type": "video/mp4"}, b"damn" * 100
    for _ in range(2):
        part = filtered.curl("-i", "-r", "6-7", named(pages, "/a"))
        assert part.startswith("HTTP/1.1 200 ")
        assert part.endswith("well, d*mn it")
        assert filtered.status("-r", "8-9", named(pages, "/b")) == 403
        assert filtered.curl("-r", "4-7", named(pages, "/video")) == "damn"
        assert filtered.curl("-r", "0-1,3-8", named(pages, "/a")) == "well, d*mn it"


def until(link, then):
    """What comes on a connection until `then` has; b"RESET" stands for its being cut."""
    heard = b""
    while then not in heard:
        try:
            piece = link.recv(65_536)
        except ConnectionResetError:
            piece = b"RESET"
        assert piece, heard
        heard += piece
    return heard


def served_by_hand(proxy, listener, *pieces):
    """What a client hears of an origin that says these pieces: (octets, what the client then hears of it) each."""
    heard = b""
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        client.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % listener.getsockname()[1])
        origin, _ = listener.accept()
        with origin:
            origin.recv(65_536)
            for piece, then in pieces:
                origin.sendall(piece)
                heard += until(client, then)
    return heard


def test_a_word_that_comes_late_ends_the_connection(filtered, listener):
    begun = b"x" * (HOLD_BYTES + 1)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n"
    heard = served_by_hand(filtered, listener, (head + begun, b"xxx"), (b"... top", b""), (b" secret", b"RESET"))
    assert heard.startswith(b"HTTP/1.1 200 OK")
    assert b"secret" not in heard
    assert filtered.stop()[-1]["note"] == "rule:secrets"


def test_what_comes_in_drops_goes_on_in_drops(filtered, listener):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    heard = served_by_hand(filtered, listener, (head + b"data: oh damn\n\n", b"d*mn\n\n"))
    assert b"Transfer-Encoding: chunked" in heard


def memory(proxy):
    """The most that it ever had, in bytes."""
    status = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def test_a_large_text_streams_through_a_replacement_in_flat_memory(filtered, listener, pages):
    text = random.Random(1).randbytes(2**19).hex().encode()
    said = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\ndamn"
    served_by_hand(filtered, listener, (said, b"d*mn"))
    before = memory(filtered)

    def write(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/plain")
        handler.send_header("Content-Length", str(24 * len(text)))
        handler.end_headers()
        for _ in range(24):
            handler.wfile.write(text)
    pages.pages["/big"], pages.write = ({}, None), write
    with socket.create_connection(("127.0.0.1", filtered.port), 20) as client:
        client.sendall(b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (at(pages, "/big").encode()))
        heard = sum(map(len, iter(lambda: client.recv(65_536), b"")))
    assert heard > 24 * len(text)
    assert memory(filtered) - before < 12 * 2**20  # of 24 MiB


def test_a_bomb_is_bounded(filtered, pages):
    bomb = gzip.compress(bytes(2**28), 9)
    pages.pages["/bomb"] = now() | TEXT | {"Content-Encoding": "gzip"}, bomb
    pages.pages["/a"] = now() | TEXT, b"damn"
    assert filtered.curl(named(pages, "/a")) == "d*mn"
    before = memory(filtered)
    for _ in range(2):
        said = raw(filtered, named(pages, "/bomb"), "Accept-Encoding: gzip")
        assert said.startswith(b"HTTP/1.1 502 ")
        assert b"http_response_content_coding" in said
    assert memory(filtered) - before < 64 * 2**20


def test_a_filter_holds_for_what_is_stored_before_it(forward, pages):
    text = b"well, damn it. " * 100_000
    pages.pages["/a"] = now() | TEXT, text
    pages.pages["/b"] = now() | TEXT, b"top secret"
    pages.pages["/late"] = now() | TEXT, bytes(300_000).replace(b"\0", b"-") + b"top secret"
    proxy = forward(OPEN + CACHE)
    for path in ("/a", "/b", "/late"):
        assert proxy.status(named(pages, path)) == 200
    (proxy.folder / "forward.toml").write_text(f"{FILE}connect_s = 5\n[forward]\n{OPEN}{FILTERS}{CACHE}")
    proxy.process.send_signal(signal.SIGHUP)
    assert proxy.process.stderr.readline() == "read anew: forward\n"
    for _ in range(2):
        assert proxy.curl(named(pages, "/a")) == text.decode().replace("damn", "d*mn")
        assert proxy.status(named(pages, "/b")) == 403
        with pytest.raises(ConnectionResetError):
            raw(proxy, named(pages, "/late"))
    assert len(pages.asked) == 3


def test_a_slow_reader_of_what_is_stored_holds_it(forward, pages):
    text = b"".join(b"damn %x\n" % random.getrandbits(60) for _ in range(200_000))
    pages.pages["/a"] = now() | TEXT, gzip.compress(text)
    pages.pages["/a"][0]["Content-Encoding"] = "gzip"
    proxy = forward(OPEN + FILTERS + CACHE)
    assert proxy.curl("--compressed", named(pages, "/a")).count("d*mn") == 200_000
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:
        link.sendall(f"GET {named(pages, '/a')} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        assert proxy.curl("--compressed", named(pages, "/a")).count("d*mn") == 200_000
        heard = b"".join(iter(lambda: link.recv(65_536), b""))
    assert heard.count(b"d*mn") == 200_000
    assert len(pages.asked) == 1


HEAD = '[[listener]]\naddress = "127.0.0.1:0"\n[forward]\n'


@pytest.mark.parametrize(("rows", "lines"), [
    (('action = "blok"', 'action = "block"\nover = "large"'), {6: "did you mean", 10: "a size in B"}),
    (('action = "replace"', 'action = "block"\nhosts = ["*x"]', 'action = "replace"\nby = "x"\nwords = [""]'),
     {4: "replaces nothing", 10: "is no host name", 11: "words that aren't empty"}),
])
def test_what_is_wrong_is_told_with_its_line(tmp_path, rows, lines):
    text = "".join(f'[[forward.filter]]\nname = "n{number}"\n{row}\n' for number, row in enumerate(rows))
    (tmp_path / "wrong.toml").write_text(HEAD + text)
    code, said = lab_proxy("--config", str(tmp_path / "wrong.toml"), "--check")
    assert code == 2
    told = said.split("wrong.toml:")[1:]
    assert [int(one.partition(":")[0]) for one in told] == list(lines), said
    assert all(words in one for words, one in zip(lines.values(), told, strict=True)), said


def test_two_filters_of_one_name_are_one_too_many(tmp_path):
    row = '[[forward.filter]]\nname = "a"\naction = "block"\n'
    (tmp_path / "wrong.toml").write_text(HEAD + row + row)
    code, said = lab_proxy("--config", str(tmp_path / "wrong.toml"), "--check")
    assert code == 2
    assert "wrong.toml:8: there are two filters called 'a'" in said
