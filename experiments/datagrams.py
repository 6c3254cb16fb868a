"""UDP from a client host: send, wait for the echo, say who answered.

The socket is not connected, on purpose: a connected one drops whatever comes from another address
than the one asked, and an answer from the wrong address is just what a test wants to see.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from typing import Any

from experiments.clients import ClientHost
from experiments.endpoint import endpoint
from experiments.netns import socket_in
from experiments.traffic import CONNECTIONS, Answer, reason, seen
from layerlab import LabError, choice

Address = tuple[Any, ...]  # as recvfrom has it


def datagrams(client: ClientHost, address: str, port: int, payloads: Sequence[str], *, timeout_s: float = 1.0,
              sockets: str = "fresh") -> list[Answer]:
    """Send `payloads` one after another and wait for the echo of each.

    address: an IPv4 or IPv6 address, or a name.
    sockets: "fresh", a source port (so, at L4, a unit) for each datagram; "kept", one for all.
    timeout_s: how long to wait for each echo, in seconds. A lost one is an Answer that says so.
    Raises LabError if the client's namespace can't be entered or the address isn't one.
    """
    choice("way with sockets", sockets, CONNECTIONS)
    family, target = _resolve(address, port)
    each = len(payloads) if sockets == "kept" else 1
    answers: list[Answer] = []
    for start in range(0, len(payloads), max(each, 1)):
        with socket_in(client.netns, family, socket.SOCK_DGRAM) as sock:
            for number, payload in enumerate(payloads[start:start + each], 1):
                answers.append(_ask(client, sock, target, payload, timeout_s, (start // each + 1, number)))
    return answers


def _resolve(address: str, port: int) -> tuple[int, Address]:
    try:
        family, _, _, _, target = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
    except socket.gaierror as error:
        raise LabError(f"there is no address {address!r}: {error.strerror}", "an IP address or a host's name") from None
    return family, target


def _ask(client: ClientHost, sock: socket.socket, target: Address, payload: str, timeout_s: float,
         numbers: tuple[int, int]) -> Answer:
    started_s = time.monotonic()
    try:
        sock.sendto(payload.encode(), target)
        said, peer = _echo_of(payload, sock, started_s + timeout_s)
        elapsed_s = time.monotonic() - started_s
        return Answer(client.name, said["server"], *seen(said), 0, *numbers, elapsed_s, peer=endpoint(*peer[:2]))
    except (OSError, ValueError, KeyError, TypeError) as error:  # no answer, or none of the lab's echo
        why = f"no answer within {timeout_s:g} s" if isinstance(error, TimeoutError) else reason(error)
        return Answer(client.name, elapsed_s=time.monotonic() - started_s, error=why)


def _echo_of(payload: str, sock: socket.socket, deadline_s: float) -> tuple[dict[str, Any], Address]:
    """The first answer that echoes `payload`; a late one to an earlier datagram is passed over."""
    while (left_s := deadline_s - time.monotonic()) > 0:
        sock.settimeout(left_s)
        data, peer = sock.recvfrom(65_535)
        said = json.loads(data)
        if said["data"] == payload:
            return said, peer
    raise TimeoutError
