"""proxy.py's reverse proxy has its routes in a plugin: here all paths lead to the one backend.

    PYTHON -m proxy --enable-reverse-proxy --plugins benchmarks.peers_proxypy.Everything     (BACKEND_PORT is set)

`Everything` is the plugin as proxy.py's own example has it. The proxy then connects to the backend anew for each
request; and with --threadless, its default, it breaks at the second request of a client's connection (seen with
2.4.10), so --threaded is what it is run with.

`Kept` keeps the backend's connection as long as the client's. That is not what proxy.py comes with, and it hands on
whatever the backend says unread; it is here to say what proxy.py's engine could do.
"""

from __future__ import annotations

import os
from typing import Any

from proxy.core.connection import TcpServerConnection
from proxy.http.server import ReverseProxyBasePlugin

PORT = int(os.environ["BACKEND_PORT"])


class Everything(ReverseProxyBasePlugin):  # type: ignore[misc]
    """One route, to a URL."""

    def routes(self) -> list[Any]:
        """A pattern of paths, and where they lead."""
        return [(r"/.*", [f"http://127.0.0.1:{PORT}/".encode()])]


class Kept(ReverseProxyBasePlugin):  # type: ignore[misc]
    """One route, to a connection. There is a plugin for each client's."""

    backend: Any = None

    def routes(self) -> list[Any]:
        """Patterns of paths that handle_route is asked about."""
        return [r"/.*"]

    def handle_route(self, request: Any, pattern: Any) -> Any:
        """The connection to the backend, on which the request waits to be sent."""
        if self.backend is None:
            self.backend = TcpServerConnection("127.0.0.1", PORT)
            self.backend.connect()
        self.backend.queue(memoryview(request.build()))
        return self.backend
