"""What the proxy is told: the services of its file, and where to listen.

A service file is a JSON list of Service JSON forms (balancing/service.py); those of layer l7 are the proxy's.
Services of one VIP and port stand behind one door, in the file's order: the first whose route matches is asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from balancing import Service, by_address, check_services, store
from balancing.form import IPAddress
from layerlab import LabError


@dataclass(frozen=True)
class Address:
    """Where a service is listened for; port 0 lets the system choose one."""

    ip: IPAddress
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


@dataclass(frozen=True)
class Door:
    """An address that is listened at, and the services behind it."""

    address: Address
    services: tuple[Service, ...]


def read_services(path: Path) -> tuple[Service, ...]:
    """The L7 services in the file at `path`. Raises LabError if there is none, or it can't be read."""
    services = [service for service in store.load(path) if service.layer == "l7"]
    if not services:
        raise LabError(f"{path} holds no service of layer l7", "at least one: the rest is for the controller",
                       'set "layer": "l7" in one of them')
    return check_services(services)


def doors(services: Sequence[Service], listen: str | None) -> list[Door]:
    """Where `services` listen: on their VIPs and ports, or, if they share one, at `listen` (ADDRESS[:PORT]) instead."""
    found = [Door(Address(sharers[0].vip, sharers[0].port or 0), tuple(sharers))
             for sharers in by_address(services).values()]
    if listen is None:
        return found
    if len(found) != 1:
        places = ", ".join(str(door.address) for door in found)
        raise LabError(f"--listen names one address for services of {len(found)} ({places})",
                       "services of one VIP and port", "leave --listen out: each listens on its VIP")
    return [Door(parse_address(listen, found[0].address.port), found[0].services)]


def parse_address(text: str, port: int) -> Address:
    """Read ADDRESS[:PORT], an IPv6 address with a port in brackets; `port` when there is none. Raises LabError."""
    host, digits = text, ""
    if text.startswith("["):
        host, _, digits = text[1:].partition("]")
        digits = digits.removeprefix(":")
    elif text.count(":") == 1:
        host, _, digits = text.partition(":")
    try:
        number = int(digits) if digits else port
        if not 0 <= number <= 65_535:
            raise ValueError
        return Address(ipaddress.ip_address(host), number)
    except ValueError:
        raise LabError(f"--listen is {text!r}", "ADDRESS[:PORT]", "127.0.0.1:8080 or [::1]:8080") from None
