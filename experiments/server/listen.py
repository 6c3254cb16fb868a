"""The server's sockets: every port on every address, or a sentence that says why not."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Sequence

from layerlab import LabError

BACKLOG = 4096  # the kernel caps it at net.core.somaxconn; a burst of SYNs must not be refused here
KIND_NAMES = {socket.SOCK_STREAM: "TCP", socket.SOCK_DGRAM: "UDP"}
HINTS = {
    errno.EADDRINUSE: "ss -lntup, to see who has it; --port 0 takes a free one",
    errno.EACCES: "a port from 1024 up, or root",
    errno.EADDRNOTAVAIL: "ip address, to see the addresses of this host",
}


def bind_port(port: int, kind: socket.SocketKind, addresses: Sequence[str]) -> list[socket.socket]:
    """Bind one port on all `addresses` (none: every address of this host) and return the sockets.

    port: 0 lets the kernel choose one on the first address; the others then get the same.
    kind: SOCK_STREAM, returned listening, or SOCK_DGRAM. All are non-blocking.
    Raises LabError if it is taken, not permitted, or the address isn't this host's.
    """
    sockets: list[socket.socket] = []
    for address in addresses or every_address():
        taken = sockets[0].getsockname()[1] if sockets else port
        sockets.append(_bind(address, taken, kind))
    return sockets


def every_address() -> tuple[str, ...]:
    """The wildcard addresses that this kernel has: IPv6 may be switched off at boot."""
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).close()
    except OSError:
        return ("0.0.0.0",)
    return ("0.0.0.0", "::")


def _bind(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET if ipaddress.ip_address(address).version == 4 else socket.AF_INET6
    sock = socket.socket(family, kind)
    sock.setblocking(False)
    if family == socket.AF_INET6:
        # Else :: would also take IPv4's ports, and clients would look like ::ffff:10.0.0.1.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        if kind == socket.SOCK_STREAM:
            # Connections of a server that has just ended must not keep the port (TIME_WAIT).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _refusal(address, port, kind, error) from None
    return sock


def _refusal(address: str, port: int, kind: socket.SocketKind, error: OSError) -> LabError:
    code = error.errno or 0
    return LabError(f"can't listen on {KIND_NAMES[kind]} port {port} of {address}: {os.strerror(code)}",
                    "a free port, on an address of this host", HINTS.get(code, ""))
