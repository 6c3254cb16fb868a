"""Client hosts, and what they speak HTTP with: ordinary `requests` sessions, each inside its host.

    session(h1).get("http://10.0.0.100/")
        requests ─► HostAdapter ─► HostPools ─► a pool whose connections are opened inside h1

Everything but the opening of a TCP connection is requests' own: keep-alive, cookies, redirects.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection

from experiments.netns import inside

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 3.0, 30.0


@dataclass(frozen=True)
class ClientHost:
    """A host that asks.

    netns:   its network namespace (netns.py); None means where we are.
    address: which of its addresses it asks from; "" leaves it to the kernel. (Only connections.py looks at it.)
    """

    name: str
    netns: str | os.PathLike[str] | None = None
    address: str = ""


def session(client: ClientHost) -> requests.Session:
    """A session whose every new TCP connection is opened inside `client`.

    One session is one client: it keeps its connections and cookies to itself, and one thread at a
    time may use it. Nothing hangs: a call without a timeout of its own gets the ones above. Proxies
    and passwords of the environment are not used. Opening raises LabError if the host is gone.
    """
    found = requests.Session()
    found.trust_env = False
    for scheme in ("http://", "https://"):
        found.mount(scheme, HostAdapter(client))
    return found


class HostAdapter(HTTPAdapter):
    """Requests' adapter over connections of one host, with timeouts by default."""

    def __init__(self, client: ClientHost) -> None:
        self._client = client
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = HostPools(self._client, num_pools=connections, maxsize=maxsize, block=block, **options)

    def send(self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None,
             verify: bool | str = True, cert: Any = None, proxies: Mapping[str, str] | None = None,
             ) -> requests.Response:
        timeout = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S) if timeout is None else timeout
        return super().send(request, stream, timeout, verify, cert, proxies)


class HostPools(PoolManager):
    """urllib3's pools, each told to open its connections inside one host."""

    def __init__(self, client: ClientHost, **options: Any) -> None:
        self._client = client
        super().__init__(**options)

    def _new_pool(self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None,
                  ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.ConnectionCls = _inside(self._client, pool.ConnectionCls)  # type: ignore[arg-type]
        return pool


def _inside(client: ClientHost, kind: type[HTTPConnection]) -> type[HTTPConnection]:
    """The connection class `kind`, HTTP or HTTPS, as `client` opens it."""

    class HostConnection(kind):  # type: ignore[misc, valid-type]
        def _new_conn(self) -> socket.socket:
            with inside(client.netns):
                return super()._new_conn()  # type: ignore[no-any-return]

    return HostConnection
