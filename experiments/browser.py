"""Plays what a class does (browsing.py): each reader is a host that thinks, and loads a page, then its objects.

     Reader ──think──► page ──► objects, in CONNECTIONS connections ──► Loaded(took_s: from asking to the last byte)

     Way(proxy)     every URL is asked for whole, of the proxy (RFC 9112 3.2.2)
     Way(None)      every URL at its own origin, whose address is known

Rules kept here:

1. On either way a reader has as many requests on their way at a time, and keeps its connections. It keeps no objects.
2. What isn't answered by 200 counts as failed, and the reader goes on.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from experiments.browsing import Page, Reader
from experiments.clients import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ClientHost
from experiments.netns import inside

CONNECTIONS = 6  # as browsers have to a server of HTTP/1.1
PIECE = 16_384
Place = tuple[str, int]


@dataclass(frozen=True)
class Way:
    """How clients come to origins. proxy: where it is asked; None for none. origins: address and port by name."""

    proxy: Place | None
    origins: Mapping[str, Place] = field(default_factory=dict)

    def place(self, url: str) -> tuple[Place, str]:
        """Whom to ask for a URL, and by which target."""
        parts = urlsplit(url)
        return (self.proxy, url) if self.proxy else (self.origins[parts.netloc], parts.path)


@dataclass(frozen=True)
class Loaded:
    """A page that was loaded, with its objects. size: bytes of bodies as they came. failed: requests."""

    client: int
    requests: int
    took_s: float
    size: int
    failed: int


class Connection(http.client.HTTPConnection):
    """One that is opened inside a host."""

    def __init__(self, client: ClientHost, place: Place) -> None:
        super().__init__(*place, timeout=READ_TIMEOUT_S)
        self.client = client

    def connect(self) -> None:
        self.timeout = CONNECT_TIMEOUT_S
        with inside(self.client.netns):
            super().connect()
        self.sock.settimeout(READ_TIMEOUT_S)


class Asker:
    """One thread's connections of a host: one to each place."""

    def __init__(self, client: ClientHost, way: Way) -> None:
        self.client, self.way = client, way
        self.kept: dict[Place, Connection] = {}

    def pieces(self, url: str) -> Iterator[bytes]:
        """An answer's body as it comes. Raises OSError or http.client.HTTPException, too
        unless it is a whole 200."""
        place, target = self.way.place(url)
        connection = self.kept.get(place) or self.kept.setdefault(place, Connection(self.client, place))
        try:
            answer = _answer(connection, target, urlsplit(url).netloc)
            while piece := answer.read(PIECE):
                yield piece
        except BaseException:
            connection.close()
            raise
        if answer.status != 200 or answer.length:
            connection.close()
            raise http.client.HTTPException(f"{url}: {answer.status}, {answer.length or 0} bytes are missing")

    def size(self, url: str) -> int | None:
        """How many bytes came; None if it failed."""
        try:
            return sum(map(len, self.pieces(url)))
        except (OSError, http.client.HTTPException):
            return None

    def close(self) -> None:
        """Close all that is open."""
        for connection in self.kept.values():
            connection.close()


def _answer(connection: Connection, target: str, host: str) -> http.client.HTTPResponse:
    """One that was kept may be over by now, and is opened anew (RFC 9112 9.3.1)."""
    kept = connection.sock is not None
    try:
        connection.request("GET", target, headers={"Host": host, "Accept-Encoding": "gzip"})
        return connection.getresponse()
    except (http.client.RemoteDisconnected, ConnectionError):
        if not kept:
            raise
        connection.close()
        return _answer(connection, target, host)


class Browser:
    """One reader's: `connections` threads, each with connections of its own."""

    def __init__(self, client: ClientHost, way: Way, connections: int = CONNECTIONS) -> None:
        self.askers = [Asker(client, way) for _ in range(connections)]
        self.threads = ThreadPoolExecutor(connections)

    def load(self, page: Page, number: int) -> Loaded:
        """A page, then what belongs to it, by whoever is free."""
        began_s = time.perf_counter()
        left, lock = iter(page.objects), threading.Lock()

        def work(asker: Asker) -> list[int | None]:
            found: list[int | None] = []
            while True:
                with lock:
                    url = next(left, None)
                if url is None:
                    return found
                found.append(asker.size(url))

        sizes = [self.askers[0].size(page.url), *(size for found in self.threads.map(work, self.askers)
                                                  for size in found)]
        took_s = time.perf_counter() - began_s
        return Loaded(number, len(sizes), took_s, sum(size or 0 for size in sizes), sizes.count(None))

    def close(self) -> None:
        """End the threads and the connections."""
        self.threads.shutdown()
        for asker in self.askers:
            asker.close()


def play(readers: Sequence[Reader], clients: Sequence[ClientHost], way: Way) -> list[Loaded]:
    """All readers at the same time, from the first page to everybody's last."""
    def read(reader: Reader) -> list[Loaded]:
        browser = Browser(clients[reader.client], way)
        try:
            return [_visit(browser, reader.client, visit.think_s, visit.page) for visit in reader.visits]
        finally:
            browser.close()
    with ThreadPoolExecutor(len(readers)) as pool:
        return [loaded for found in pool.map(read, readers) for loaded in found]


def _visit(browser: Browser, number: int, think_s: float, page: Page) -> Loaded:
    time.sleep(think_s)
    return browser.load(page, number)


@contextmanager
def greedy(client: ClientHost, way: Way, url: str, connections: int) -> Iterator[Callable[[], int]]:
    """As long as this lasts `client` loads `url` again and again, over and over; tells how many bytes it has so far."""
    ended, got = threading.Event(), [0] * connections

    def work(number: int) -> None:
        asker = Asker(client, way)
        try:
            while not ended.is_set():
                for piece in asker.pieces(url):
                    got[number] += len(piece)
                    if ended.is_set():
                        break
        finally:
            asker.close()
    with ThreadPoolExecutor(connections) as pool:
        try:
            working = [pool.submit(work, number) for number in range(connections)]
            yield lambda: sum(got)
        finally:
            ended.set()
    for one in working:
        one.result()
