"""A forward proxy as a process, for tests, and how they speak to it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys

import requests

from tests.l7proxy.conftest import ROOT

FILE = """
[[listener]]
address = "127.0.0.1:0"
[log]
access = "access.ndjson"
format = "json"
[limits]
"""


def head_of(link):
    """The octets of a head that comes, and no more."""
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        said += (octet := link.recv(1))
        assert octet, said
    return said


def everything(link):
    """What comes until the other side closes."""
    return b"".join(iter(lambda: link.recv(65_536), b""))


class Proxy:
    """A proxy as a process. folder: where its files are."""

    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "l7proxy", "forward", "--config", folder / "forward.toml"], cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
        assert select.select([self.process.stderr], [], [], 30)[0], "no sign of life"
        self.port = int(self.process.stderr.readline().rpartition(":")[2])
        self.url = f"http://127.0.0.1:{self.port}"

    def curl(self, *arguments):
        """Ask with curl -x; return what it prints."""
        done = subprocess.run(["curl", "-sS", "-m", "20", "-x", self.url, *arguments], capture_output=True, timeout=60)
        return done.stdout.decode() + done.stderr.decode()

    def status(self, *arguments):
        return int(self.curl("-o", os.devnull, "-w", "%{http_code}", *arguments)[:3])

    def session(self, **headers):
        session = requests.Session()
        session.trust_env = False
        session.proxies = {"http": self.url, "https": self.url}
        session.headers.update(headers)
        return session

    def connect(self, goal):
        """A tunnel to `goal`, and what the proxy said."""
        link = socket.create_connection(("127.0.0.1", self.port), 20)
        link.sendall(b"CONNECT %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (goal.encode(), goal.encode()))
        return link, head_of(link)

    def say(self, *pieces):
        """Send these octets; return all that is answered until the proxy closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as link:
            for piece in pieces:
                link.sendall(piece)
            return everything(link)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=30)
        assert (self.process.returncode, "Traceback" in err) == (0, False), err
        return [json.loads(line) for line in (self.folder / "access.ndjson").read_text().splitlines()]
