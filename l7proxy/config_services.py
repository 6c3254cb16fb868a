"""The lab's way to tell the proxy: a file of services (balancing/service.py), those of layer l7 being the proxy's.

     services of one VIP and port ──► one listener there; a rule for each, in the file's order: its route, to its pool
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from balancing import Service, by_address, check_services, store
from l7proxy.config import Address, Config, Listener, Logs, PoolTerms, Rule
from l7proxy.config_kinds import address
from layerlab import LabError


def read_services(path: Path) -> tuple[Service, ...]:
    """The L7 services in the file at `path`. Raises LabError if there is none, or it can't be read."""
    services = [service for service in store.load(path) if service.layer == "l7"]
    if not services:
        raise LabError(f"{path} holds no service of layer l7", "at least one: the rest is for the controller",
                       'set "layer": "l7" in one of them')
    if len({service.name for service in services}) < len(services):
        raise LabError("two services have one name", "names of their own: operators ask for services by name")
    return check_services(services)


def of_services(path: Path, listen: str | None = None, logs: Logs | None = None, api: Path | None = None) -> Config:
    """The Config of the services in `path`; what operators change is written there. Raises LabError.

    listen: ADDRESS[:PORT] instead of the VIP and port, if they all share one.
    """
    services = read_services(path)
    listeners, rules = [], []
    for sharers in by_address(services).values():
        first = sharers[0]
        listeners.append(Listener(first.name, Address(first.vip, first.port or 0)))
        rules += [Rule(one.name, one.name, one.route, (first.name,)) for one in sharers]
    if listen is not None:
        listeners = [Listener(listeners[0].name, _instead(listeners, listen))]
    pools = tuple(PoolTerms(service) for service in services)
    return Config(tuple(listeners), pools, tuple(rules), logs=logs or Logs(), api=api, kept=path)


def _instead(listeners: Sequence[Listener], listen: str) -> Address:
    if len(listeners) != 1:
        places = ", ".join(str(listener.address) for listener in listeners)
        raise LabError(f"--listen names one address for services of {len(listeners)} ({places})",
                       "services of one VIP and port", "leave --listen out: each listens on its VIP")
    try:
        return address(listen, listeners[0].address.port)
    except LabError as error:
        raise LabError(f"--listen is {listen!r}", error.expected, error.hint) from None
