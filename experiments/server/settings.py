"""What one server is started with. Settings that exist are valid."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass

from layerlab import LabError

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_SERVICE_TIME_S = 60.0
MAX_WORKERS, MAX_SLOWNESS = 100_000, 1000.0  # of what is changed while it runs (asides.py)


@dataclass(frozen=True)
class Settings:
    """One server.

    name:           what it calls itself in every answer.
    ports:          TCP ports for HTTP; 0 lets the kernel choose.
    udp_ports:      UDP ports for the echo; 0 as above.
    addresses:      local addresses to listen on, IPv4 or IPv6; none means all of them.
    workers:        how many requests are served at a time; None means any number.
    apart:          each port has workers and a queue of its own, instead of one for all.
    service_time_s: how long each takes, in seconds. asyncio's timers are good to about 1 ms.
    body_bytes:     the least size of an answer's body, in bytes.

    Raises LabError for anything that could not be listened on or served.
    """

    name: str = "server"
    ports: tuple[int, ...] = ()
    udp_ports: tuple[int, ...] = ()
    addresses: tuple[str, ...] = ()
    workers: int | None = None
    apart: bool = False
    service_time_s: float = 0.0
    body_bytes: int = 0

    def __post_init__(self) -> None:
        # The name goes into a response header, where a line break would start another header.
        if not re.fullmatch(r"[\w.-]{1,64}", self.name, re.ASCII):
            raise LabError(f"the server's name is {self.name!r}", "1 to 64 letters, digits, dots, dashes, underlines")
        if not self.ports + self.udp_ports:
            raise LabError("the server has no port", "at least one", "--port 8080, or --udp 9000")
        for port in self.ports + self.udp_ports:
            _within("a port", port, 0, 65_535)
        if self.workers is not None:
            _within("--workers", self.workers, 1, math.inf)
        _within("--service-time", self.service_time_s, 0, MAX_SERVICE_TIME_S)
        _within("--body", self.body_bytes, 0, MAX_BODY_BYTES)
        for address in self.addresses:
            _check_address(address)


def _within(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN is not within anything
        bounds = f"{low} or more" if high == math.inf else f"from {low} to {high}"
        raise LabError(f"{what} is {value}", bounds)


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise LabError(f"--address is {text!r}", "an address of this host, such as 127.0.0.1 or ::1") from None
