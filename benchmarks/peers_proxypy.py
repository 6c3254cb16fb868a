"""proxy.py's reverse proxy has its routes in a plugin: here all paths lead to the one backend.

`PYTHON -m proxy --enable-reverse-proxy --plugins benchmarks.peers_proxypy.Everything`, BACKEND_PORT in the environment.
"""

from __future__ import annotations

import os
from typing import Any

from proxy.http.server import ReverseProxyBasePlugin


class Everything(ReverseProxyBasePlugin):  # type: ignore[misc]
    """One static route."""

    def routes(self) -> list[Any]:
        """A pattern of paths, and where they lead."""
        return [(r"/.*", [f"http://127.0.0.1:{os.environ['BACKEND_PORT']}/".encode()])]
