"""A recorder in the place of the sockets, for transcripts; real origins and a real proxy, for the rest."""

from __future__ import annotations

import itertools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType

import pytest

from balancing import Pool, Service
from experiments.api_client import request
from l7proxy.balancer import Balancer
from l7proxy.conversation import Conversation
from l7proxy.limits import Limits, Wait
from l7proxy.outside import Site
from l7proxy.routing import Routed, router

ROOT = Path(__file__).parents[2]


def service(ports, **more):
    backends = [{"id": n, "name": f"s{n}", "ip": "127.0.0.1", "port": port} for n, port in enumerate(ports, 1)]
    return Service.from_json({"id": 1, "name": "web", "vip": "127.0.0.1", "port": 1, "layer": "l7",
                              "backends": backends} | more)


class Recorder:
    """An Outside that writes down what it is asked. `idle`: names of servers with an idle connection at hand."""

    def __init__(self):
        self.script, self.idle, self.later = [], [], []

    def dial(self, server, fresh):
        self.script.append(f"dial {server.name}{' fresh' if fresh else ''}")
        if fresh or server.name not in self.idle:
            return False
        self.idle.remove(server.name)
        return True

    def to_upstream(self, data):
        self.script.append(f"> {data.decode('latin-1')}")

    def to_client(self, data):
        self.script.append(f"< {data.decode('latin-1')}")

    def hold_client(self, held):
        self.script.append("hold client" if held else "free client")

    def hold_upstream(self, held):
        self.script.append("hold upstream" if held else "free upstream")

    def part_upstream(self, keep):
        self.script.append("keep upstream" if keep else "drop upstream")

    def close_client(self, how):
        self.script.append(f"close {how.name}")

    def end_client(self):
        self.script.append("end client")

    def end_upstream(self):
        self.script.append("end upstream")

    def wait(self, what):
        if what is not Wait.TOTAL:
            self.script.append(f"wait {what.name}")

    def soon(self, call):
        self.later.append(call)

    def aside(self, begin):
        self.script.append("aside")

    def now(self):
        return 0.0

    def date(self):
        return b"Date: now\r\n"


class Talk(Conversation):
    """A conversation with its recorder: say something, then look at what it led to since the last look."""

    def another(self):
        """Another client of the same site."""
        it = Talk(Recorder(), self.site, ip_address("10.0.1.2"))
        it.since()
        return it

    def since(self):
        script, self.outside.script = self.outside.script, []
        return script

    def short(self):
        """The same, each message cut to its first line, and without the waits."""
        return [line.split("\r\n")[0] for line in self.since() if not line.startswith("wait")]


@pytest.fixture
def talk():
    """Build a conversation: talk(servers=3, algorithm=..., **limits), or with services of your own.

    policy: of every pool. more: further fields of the Site.
    """
    def build(servers=3, algorithm="round-robin", services=(), policy=None, more=MappingProxyType({}), **limits):
        ports = range(8001, 8001 + servers)
        events = []
        pools = [Pool(it, events.append) for it in services or [service(ports, algorithm=algorithm)]]
        balancers = [Balancer(pool, policy) for pool in pools]
        rows = [(it.pool.service.route, Routed(it.pool.name, it, match=it.pool.service.route)) for it in balancers]
        site = Site(router(rows), Limits(**limits), b"127.0.0.1:1", itertools.count(1), **more)
        it = Talk(Recorder(), site, ip_address("10.0.1.1"))
        it.pool, it.pool_events, it.balancer = pools[-1], events, balancers[-1]
        it.since()
        return it
    Talk.__slots__ = ()
    return build


HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhealthy"


class Origin(BaseHTTPRequestHandler):
    """A real server. /echo sends the body back, /chunked in chunks, /bytes/N N bytes; all say who and on what.

    Tests are answered with server.health, and neither they nor their connections are counted among the clients'. While
    server.awake is clear, nothing is answered, as by a program that hangs.
    """

    protocol_version = "HTTP/1.1"
    server_version = "SecretServer/1"

    def log_message(self, *_):
        pass

    def setup(self):
        super().setup()
        self.server.open.add(self)
        self.counted = False

    def finish(self):
        self.server.open.discard(self)
        super().finish()

    def _body(self):
        """The request's body in pieces, whichever way it is framed. One that breaks off ends the connection."""
        if self.headers["Transfer-Encoding"] == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass  # the trailer section, which ends with an empty line
        left = int(self.headers["Content-Length"] or 0)
        while left:
            piece = self.rfile.read(min(left, 65_536))
            if not piece:
                raise ConnectionAbortedError("its body broke off")
            left -= len(piece)
            yield piece

    def _start(self, *fields):
        self.send_response(200)
        self.send_header("X-Served-By", self.server.name)
        self.send_header("X-Connection", f"{self.client_address[1]}")
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def _send(self, data):
        self._start(("Content-Length", str(len(data))))
        if self.command != "HEAD":
            self.wfile.write(data)

    def answer(self):
        self.server.awake.wait(60)
        if self.headers["User-Agent"] == "layer-lab-probe":
            self.server.probes.append([self.requestline, *map(list, self.headers.items())])
            self.close_connection = True
            return self.wfile.write(self.server.health)
        with self.server.lock:
            self.server.requests += 1
            self.server.connections += not self.counted
            self.counted = True
        if self.path == "/headers":
            return self._send(json.dumps([self.requestline, *map(list, self.headers.items())]).encode())
        if self.path == "/count":
            return self._send(str(sum(map(len, self._body()))).encode())
        if self.path == "/chunked":
            self._start(("Transfer-Encoding", "chunked"))
            for piece in list(self._body()) or [b"one", b"two", b"three"]:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            return self.wfile.write(b"0\r\n\r\n")
        if self.path == "/until-close":
            self.close_connection = True
            self._start()
            return self.wfile.write(b"all there is")
        if self.path == "/wait":
            self.server.entered.set()
            self.server.go_on.wait(60)
            self.server.awake.wait(60)
            return self._send(b"waited")
        if self.path == "/half":
            self._start(("Content-Length", "9"))
            self.wfile.write(b"half")
            self.server.entered.set()
            self.server.go_on.wait(60)
            return self.wfile.write(b" full")
        if self.path.startswith("/bytes/"):
            left = int(self.path.rsplit("/", 1)[1])
            self._start(("Content-Length", str(left)))
            while left:
                left -= self.wfile.write(b"x" * min(left, 65_536))
            return None
        if self.path == "/hang-up":  # says keep-alive, and closes: the next request meets a dead connection
            self.close_connection = True
        return self._send(b"".join(self._body()) or self.server.name.encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer


@pytest.fixture
def origins():
    """Three origins on ports of the system's choice: s1, s2, s3."""
    found = []
    for name in ("s1", "s2", "s3"):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Origin)
        server.daemon_threads = True
        server.name, server.requests, server.connections = name, 0, 0
        server.entered, server.go_on, server.awake = threading.Event(), threading.Event(), threading.Event()
        server.awake.set()
        server.lock = threading.Lock()
        server.health, server.probes, server.open = HEALTHY, [], set()
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        found.append(server)
    yield found
    for server in found:
        server.go_on.set()
        server.awake.set()
        server.shutdown()
        server.server_close()


class Running:
    """A proxy as a process."""

    def __init__(self, process, port, services, events, api):
        self.process, self.port, self.url = process, port, f"http://127.0.0.1:{port}"
        self.services_file, self.events_file, self.socket = services, events, api

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 20)

    def events(self):
        """What has happened so far, line by line; the last may be half written."""
        return [json.loads(line) for line in self.events_file.read_text().split("\n")[:-1]]

    def wait_for(self, event, times=1, **fields):
        """Wait until so many events of this kind have happened; return the last of them."""
        wanted = {"event": event} | fields
        deadline = time.monotonic() + 30
        while len(found := [it for it in self.events() if wanted.items() <= it.items()]) < times:
            assert time.monotonic() < deadline, f"waited for {times} of {wanted}: {self.events()[-20:]}"
            time.sleep(0.02)
        return found[-1]

    def api(self, method, path, form=None):
        """Ask the API; return (status, what it says)."""
        return request(self.socket, method, path, form)

    def stop(self, number=signal.SIGTERM):
        """Signal it, and see it end."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self):
        """Wait for its end; return (exit code, the rest of stderr)."""
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err


@pytest.fixture
def proxy(tmp_path):
    """Start proxies: proxy(ports, **service fields) -> Running. Ready when its line has come.

    first: services asked before that one. folder: where its API's socket is. explain: whether clients may ask why.
    limits: fields of Limits.
    """
    started = []

    def start(ports, first=(), folder=tmp_path, explain=False, limits=None, **fields):
        file, events, api = tmp_path / "services.json", tmp_path / "events.ndjson", Path(folder, "proxy.sock")
        file.write_text(json.dumps([it.to_json() for it in (*first, service(ports, **fields))]))
        program = ["tests.l7proxy.limited", json.dumps(limits)] if limits else ["l7proxy"]
        process = subprocess.Popen(
            [sys.executable, "-m", *program, "--services", file, "--events", events, "--api", api,
             "--listen", "127.0.0.1:0", *["--explain"] * explain],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
        assert select.select([process.stderr], [], [], 30)[0], "no sign of life"
        line = process.stderr.readline()
        port = int(line.rsplit(":", 1)[1])
        started.append(Running(process, port, file, events, api))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()


class Program:
    """A server as a process: python -m experiments.server, which can be stopped, killed and started again."""

    def __init__(self, name):
        self.name, self.port = name, 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experiments.server", "--name", self.name, "--port", str(self.port),
             "--address", "127.0.0.1"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().partition("http=")[2].split()[0])

    def kill(self):
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def programs():
    """Three servers that are processes of their own: s1, s2, s3."""
    found = [Program(name) for name in ("s1", "s2", "s3")]
    yield found
    for program in found:
        program.kill()


def closed_port():
    """A port that nothing listens on: bound, so nobody else takes it, and never listened on."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder


@pytest.fixture
def dead():
    """The port of a server that refuses every connection."""
    with closed_port() as holder:
        yield holder.getsockname()[1]
