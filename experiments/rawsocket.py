"""Raw sockets: whole frames, out of one interface of a host, and in by it (packet(7)).

    frames ──pour, so many a second──► h1-eth0 ──► ...        hear ◄── h1-eth0, until something is heard
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from experiments.netns import Netns, socket_in

ETH_P_ALL = 3
LONGEST = 65_535


def raw_socket(netns: Netns, interface: str, *, hears: bool = False) -> socket.socket:
    """A socket for whole frames. hears: whether it also receives what passes there, both ways, from now on."""
    kind = ETH_P_ALL if hears else 0
    found = socket_in(netns, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(kind))
    found.bind((interface, kind))
    return found


def pour(wire: socket.socket, frames: Sequence[bytes], per_second: float) -> None:
    """Send frames at a steady pace."""
    began_s = time.monotonic()
    for number, frame in enumerate(frames):
        if (early_s := began_s + number / per_second - time.monotonic()) > 0:
            time.sleep(early_s)
        wire.send(frame)


def hear(wire: socket.socket, wanted: Callable[[bytes], bool], within_s: float) -> bytes | None:
    """The first frame that is wanted; None if there is none in time."""
    deadline_s = time.monotonic() + within_s
    while (left_s := deadline_s - time.monotonic()) > 0:
        wire.settimeout(left_s)
        try:
            frame = wire.recv(LONGEST)
        except TimeoutError:
            return None
        if wanted(frame):
            return frame
    return None
