"""An origin of the campus' Internet: several sites by Host, over HTTP and HTTPS, and all that it saw of who asked.

     /page/N, /image/N, ...   what sites.py says is there: Cache-Control, ETag, gzip where asked, 304 where unchanged
     /bytes/N                 N bytes that may be kept;  /stream/N the same in chunks, which nobody may keep
     /packed/N                N zeros, packed by gzip, whoever asks: what a small answer may unpack to
     /see                     what it sees of this request, as JSON: the head byte for byte (Latin-1), and the peer
     /_seen, /_stats          on port 80: the last heads, oldest first; requests and bytes, by site and kind

It says in every answer which site answered (X-Site). `python -m experiments.origins --help`
"""

from __future__ import annotations

import argparse
import gzip
import json
import socketserver
import ssl
import threading
import time
import zlib
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, BinaryIO

from experiments.sites import Thing, describe

KEPT_HEADS = 1_000
CHUNK = 16_384
MOST_BYTES = 1 << 30


class Seen:
    """What an origin has seen and counted, at all its ports."""

    def __init__(self, sites: Sequence[str], think_s: float = 0.0) -> None:
        self.sites, self.think_s = frozenset(sites), think_s
        self.lock, self.heads = threading.Lock(), deque[dict[str, object]](maxlen=KEPT_HEADS)
        self.requests, self.bytes = Counter[str](), Counter[str]()
        self.asked = self.connections = 0

    def count(self, site: str, kind: str, size: int) -> None:
        """An answer's body has gone out."""
        with self.lock:
            self.requests[f"{site}/{kind}"] += 1
            self.bytes[f"{site}/{kind}"] += size

    def stats(self) -> dict[str, object]:
        """What GET /_stats says. requests, bytes: of answers whose bodies have gone out; asked: all that came."""
        with self.lock:
            return {"sites": sorted(self.sites), "requests": dict(self.requests), "bytes": dict(self.bytes),
                    "asked": self.asked, "connections": self.connections}


class Door(socketserver.ThreadingTCPServer):  # http.server's own would ask the DNS for its name
    """One port. tls: how to speak HTTPS at it; the handshake is the connection's own thread's."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], seen: Seen, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(address, Visit)
        self.seen, self.tls = seen, tls

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's thread."""
        try:
            if self.tls:
                request.settimeout(10)
                request = self.tls.wrap_socket(request, server_side=True)
                request.settimeout(None)
            super().finish_request(request, client_address)
        except OSError:  # who asked is gone, or speaks no TLS (ssl.SSLError is one)
            request.close()


class Recorder:
    """A connection's file that remembers the lines that were read, byte for byte."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.lines = file, list[bytes]()

    def readline(self, size: int = -1) -> bytes:
        """As of a file."""
        self.lines.append(line := self.file.readline(size))
        return line

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class Visit(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Origin/1.0", ""
    disable_nagle_algorithm = True  # head and body are two writes
    server: Door

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def setup(self) -> None:
        super().setup()
        self.rfile: Any = Recorder(self.rfile)  # type: ignore[assignment]
        with self.server.seen.lock:
            self.server.seen.connections += 1

    def handle_one_request(self) -> None:
        self.rfile.lines.clear()
        super().handle_one_request()

    @property
    def site(self) -> str:
        """The name that was asked for, without its port."""
        return (self.headers["Host"] or "").rpartition("@")[2].partition(":")[0].lower()

    def do_GET(self) -> None:
        """Answer by the first segment of the path."""
        seen, (first, _, rest) = self.server.seen, self.path[1:].partition("/")
        if self.path in ("/_stats", "/_seen"):
            self.json(seen.stats() if self.path == "/_stats" else list(seen.heads))
            return
        with seen.lock:
            seen.heads.append(self.sight())
            seen.asked += 1
        if self.site not in seen.sites:
            self.answer(421, f"{self.site!r} is not a site of this origin\n".encode(), first)  # RFC 9110 15.5.20
        elif first == "see":
            self.json(self.sight(), "see")
        elif first in ("bytes", "stream", "packed"):
            self.plain(first, rest)
        elif thing := describe(self.site, self.path.partition("?")[0]):
            self.thing(thing)
        else:
            self.answer(404, b"nothing is here\n", "missing")

    do_HEAD = do_GET

    def sight(self) -> dict[str, object]:
        """What is seen of this request. head: Latin-1, so that each letter is a byte."""
        return {"site": self.site, "peer": self.client_address[0], "tls": bool(self.server.tls),
                "head": b"".join(self.rfile.lines).decode("latin-1"), "fields": self.headers.items()}

    def thing(self, thing: Thing) -> None:
        """An object of the site's."""
        fields = {"Cache-Control": thing.kind.keep, "ETag": thing.etag, "Content-Type": thing.kind.content_type}
        packed = thing.kind.text and "gzip" in (self.headers["Accept-Encoding"] or "")
        if thing.kind.text:
            fields["Vary"] = "Accept-Encoding"
        if packed:  # another representation, another strong tag (RFC 9110 8.8.3.3)
            fields |= {"Content-Encoding": "gzip", "ETag": thing.etag[:-1] + '-gz"'}
        if self.headers["If-None-Match"] == fields["ETag"]:
            self.answer(304, b"", thing.kind.name, fields)
            return
        time.sleep(self.server.seen.think_s)
        self.answer(200, body(thing, packed), thing.kind.name, fields)

    def plain(self, kind: str, text: str) -> None:
        """So many bytes."""
        if not (text.isascii() and text.isdigit() and int(text) <= MOST_BYTES):
            self.answer(404, f"/{kind}/N, N up to {MOST_BYTES}\n".encode(), "missing")
        elif kind == "packed":
            self.answer(200, zeros(int(text)), kind, {"Content-Encoding": "gzip", "Content-Type": "text/plain"})
        elif kind == "bytes":
            self.head(200, {"Content-Length": text, "Cache-Control": "max-age=60",
                            "Content-Type": "application/octet-stream"})
            self.pour(kind, pieces(int(text)))
        else:
            self.head(200, {"Transfer-Encoding": "chunked", "Cache-Control": "no-store", "Content-Type": "text/plain"})
            self.pour(kind, (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces(int(text))), b"0\r\n\r\n")

    def pour(self, kind: str, data: Iterator[bytes], end: bytes = b"") -> None:
        """Send a body piece by piece."""
        sent = 0
        if self.command != "HEAD":
            for piece in data:
                self.wfile.write(piece)
                sent += len(piece)
            self.wfile.write(end)
        self.server.seen.count(self.site, kind, sent)

    def json(self, found: object, kind: str = "") -> None:
        """Send JSON, never to be kept; counted if it is of a kind."""
        self.answer(200, json.dumps(found).encode(), kind,
                    {"Content-Type": "application/json", "Cache-Control": "no-store"})

    def answer(self, status: int, data: bytes, kind: str, fields: dict[str, str] | None = None) -> None:
        """Send an answer, and count it."""
        length = {} if status == 304 else {"Content-Length": str(len(data))}
        self.head(status, {**length, **(fields or {})})
        self.wfile.write(data if self.command != "HEAD" else b"")
        if kind:
            self.server.seen.count(self.site, kind if status != 304 else f"{kind} unchanged", len(data))

    def head(self, status: int, fields: dict[str, str]) -> None:
        """Send a status and its fields."""
        self.send_response(status)
        for name, value in {"X-Site": self.site, **fields}.items():
            self.send_header(name, value.replace("\r", "").replace("\n", ""))
        self.end_headers()


@lru_cache(512)
def body(thing: Thing, packed: bool) -> bytes:
    """An object's bytes, as they are sent."""
    return gzip.compress(thing.body(), mtime=0) if packed else thing.body()


@lru_cache(8)
def zeros(number: int) -> bytes:
    """So many zeros, packed."""
    return b"".join(_pack(number))


def _pack(number: int) -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=31)  # gzip's own frame
    for piece in pieces(number):
        yield packer.compress(bytes(len(piece)))
    yield packer.flush()


def pieces(number: int) -> Iterator[bytes]:
    """So many bytes, a piece at a time."""
    whole, rest = divmod(number, CHUNK)
    for _ in range(whole):
        yield b"." * CHUNK
    if rest:
        yield b"." * rest


def arguments() -> argparse.Namespace:
    """What is on the command line."""
    parser = argparse.ArgumentParser("python -m experiments.origins", description="An origin with several sites.")
    parser.add_argument("--site", action="append", required=True, metavar="NAME", help="a host that it serves; more")
    parser.add_argument("--address", default="", metavar="ADDR", help="where it listens (default: everywhere)")
    parser.add_argument("--port", type=int, default=80, metavar="N", help="for HTTP; 0 takes a free one (default: 80)")
    parser.add_argument("--tls-port", type=int, default=443, metavar="N", help="for HTTPS (default: 443)")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="a certificate for HTTPS; without it there is none")
    parser.add_argument("--key", type=Path, metavar="FILE", help="and its key")
    parser.add_argument("--think", type=float, default=0.0, metavar="SECONDS", help="how long an object takes to make")
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM; say "ready" and the ports once they can be reached."""
    given = arguments()
    seen = Seen([site.lower() for site in given.site], given.think)
    doors = {"http": Door((given.address, given.port), seen)}
    if given.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.cert, given.key)
        doors["https"] = Door((given.address, given.tls_port), seen, context)
    for door in doors.values():
        threading.Thread(target=door.serve_forever, daemon=True).start()
    print("ready", *(f"{name}={door.server_address[1]}" for name, door in doors.items()), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
