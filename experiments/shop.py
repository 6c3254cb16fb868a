"""A small shop: an origin as one finds them, that was never told that it would stand behind a proxy.

     /video/N, /text/N    who answers, and nothing that may be kept
     /goods/N             a page that may be kept for a minute, and takes think_s to make
     /login               a cookie, and a redirect to /account, at the address that the shop itself listens at
     /account             what it knows of the visitor: the fields of his request
     /app                 a page for browsers, which does all of it, speaks WebSocket at /echo, and reports to /report
     /_stats              what it has counted

It says in every answer what it runs on (Server, X-Powered-By), as most programs do. `python -m experiments.shop --help`
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import socketserver
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler

MARK = "the-secret-of-the-shop"  # in every answer: who finds it in a packet can read the answer
GOODS_BYTES = 2_048
PAGE = """<!doctype html><title>shop</title><script>
async function visit() {
  const found = {before: document.cookie};
  const moved = await fetch("/login");
  found.redirected = moved.redirected; found.url = moved.url;
  found.fields = await moved.json();
  const socket = new WebSocket("wss://" + location.host + "/echo");
  found.echo = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send("hello through the proxy");
    socket.onmessage = message => resolve(message.data);
    socket.onerror = () => reject("the WebSocket failed");
  });
  socket.close();
  return found;
}
const report = found => fetch("/report", {method: "POST", body: JSON.stringify(found)});
visit().then(report, error => report({error: String(error)}));
</script>"""


class Shop(socketserver.ThreadingTCPServer):  # http.server's own would ask the DNS for its name
    """One origin, and what it has counted. think_s: how long it takes to make a page of goods."""

    daemon_threads = allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, name: str, address: tuple[str, int], think_s: float = 0.0) -> None:
        super().__init__(address, Visit)
        self.name, self.think_s = name, think_s
        self.lock, self.requests, self.connections = threading.Lock(), Counter[str](), 0
        self.reports: list[object] = []

    def count(self, path: str, first: bool) -> None:
        """A request, by its first segment; `first` of its connection. Looking at the counts is not counted."""
        with self.lock:
            self.requests[path.split("/")[1].partition("?")[0]] += 1
            self.connections += first

    def stats(self) -> dict[str, object]:
        """What GET /_stats says."""
        with self.lock:
            return {"server": self.name, "requests": dict(self.requests), "connections": self.connections,
                    "reports": list(self.reports)}


class Visit(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ShopServer/2.4", "Debian"
    server: Shop
    counted = False

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""

    def do_GET(self) -> None:
        """Answer by the first segment of the path."""
        if self.path == "/_stats":
            self.send(json.dumps(self.server.stats()).encode(), Content_Type="application/json")
            return
        if not self.path.startswith("/_probe"):
            self.server.count(self.path, not self.counted)
            self.counted = True
        {"goods": self.goods, "login": self.login, "app": self.app, "echo": self.echo}.get(
            self.path.split("/")[1].partition("?")[0], self.account)()

    def do_POST(self) -> None:
        """A browser reports what it has found."""
        report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.reports.append(report)
        self.answer({})

    def answer(self, said: object, status: int = 200, **more: str) -> None:
        """Send JSON. more: further fields, a low line for each hyphen."""
        self.send(json.dumps({"server": self.server.name, "mark": MARK, "said": said}).encode(), status,
                  Content_Type="application/json", **more)

    def send(self, body: bytes, status: int = 200, **more: str) -> None:
        """Send an answer."""
        self.send_response(status)
        fields = {"X_Powered_By": "Shop/2.4", "Content_Length": str(len(body))} | more
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def goods(self) -> None:
        """What may be kept."""
        time.sleep(self.server.think_s)
        self.send(f"{MARK} {self.path} ".encode().ljust(GOODS_BYTES, b"."), Cache_Control="max-age=60",
                  Content_Type="text/plain", ETag=f'"{self.path}"')

    def login(self) -> None:
        """A redirect as frameworks make them: absolute, at the address where it was reached."""
        host, port = self.connection.getsockname()[:2]
        self.answer({}, 302, Location=f"http://{host}:{port}/account", Set_Cookie="basket=seven; Path=/; HttpOnly")

    def account(self) -> None:
        """What it knows of the visitor."""
        self.answer(self.headers.items(), Cache_Control="no-store")

    def app(self) -> None:
        """The page for browsers."""
        self.send(PAGE.encode(), Content_Type="text/html", Set_Cookie="visit=first; Path=/", Cache_Control="no-store")

    def echo(self) -> None:
        """WebSocket (RFC 6455): what comes is sent back, until the browser closes."""
        key = self.headers["Sec-WebSocket-Key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"),
                            ("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key).digest()).decode())):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while self.frame() not in (0, 8):
            pass

    def frame(self) -> int:
        """Read a short frame and send it back, unmasked; return its opcode, or 0 at the end of the connection."""
        head = self.rfile.read(2)
        if len(head) < 2:
            return 0
        length, mask = head[1] & 127, self.rfile.read(4)
        if length > 125:
            raise ValueError("a frame of more than 125 bytes, which this echo doesn't read")
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(self.rfile.read(length)))
        self.wfile.write(struct.pack("BB", head[0], length) + data)
        return head[0] & 15


def main() -> None:
    """Serve until SIGTERM; say "ready" and the port once it can be reached."""
    parser = argparse.ArgumentParser("python -m experiments.shop", description="A small shop, as an origin.")
    parser.add_argument("--name", default="shop", help="what it calls itself (default: shop)")
    parser.add_argument("--address", default="", metavar="ADDR", help="where it listens (default: everywhere)")
    parser.add_argument("--port", type=int, default=80, metavar="N", help="0 takes a free one (default: 80)")
    parser.add_argument("--think", dest="think_s", type=float, default=0.0, metavar="SECONDS",
                        help="how long it takes to make a page of goods (default: 0)")
    given = parser.parse_args()
    shop = Shop(given.name, (given.address, given.port), given.think_s)
    print(f"ready http={shop.server_address[1]}", flush=True)
    shop.serve_forever()


if __name__ == "__main__":
    main()
