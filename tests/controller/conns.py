"""Raw connections to a VIP, for tests that hold hundreds of them open and ask who is at the other end."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from experiments.lab import Lab
from experiments.netns import socket_in


def connect(lab: Lab, sockets: list[socket.socket], number: int) -> list[socket.socket]:
    """So many new connections to the first service's VIP, from all clients in turn; also put into `sockets`."""
    hosts, new = lab.clients(), []
    for count in range(number):
        sock = socket_in(hosts[count % len(hosts)].netns)
        sockets.append(sock)
        new.append(sock)
        sock.settimeout(20)
        sock.connect((str(lab.services[0].vip), 80))
    return new


def served_by(sock: socket.socket) -> str:
    """One more request on an open connection; the name of the server that answers it. OSError if it has broken."""
    sock.sendall(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
    data = b""
    while not data.endswith(b"}\n"):
        more = sock.recv(65_536)
        if not more:
            raise ConnectionResetError("the connection has ended")
        data += more
    return data.split(b"X-Server: ")[1].split(b"\r\n")[0].decode()


def who(sockets: Iterable[socket.socket]) -> list[str]:
    """Who is at the other end of each; "" where the connection has broken."""
    found = []
    for sock in sockets:
        try:
            found.append(served_by(sock))
        except OSError:
            found.append("")
    return found
