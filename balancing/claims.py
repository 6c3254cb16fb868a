"""Which services can stand side by side: what each must have for itself, and what L7 services may share.

     claim             whose                  for itself alone
     id                every service's        yes
     VIP               L2, L3                 the whole of it
     VIP:port          L4, L7                 yes; but services of L7 share one, told apart by their routes
     service address   L3 (all), L4 (port)    yes: the rule that rewrites a reply is static, one per backend

Of the services that share a VIP:port the first in the file's order whose route matches takes the request.
"""

from __future__ import annotations

from collections.abc import Iterable

from balancing.route import Route
from balancing.service import Service
from layerlab import LabError

Port = tuple[str, int | None]  # protocol and number
FIELDS = {"id": "id", "VIP": "vip", "service address": "ip"}  # where each claim stands in a service's form


def check_services(services: Iterable[Service]) -> tuple[Service, ...]:
    """Return `services` as a tuple if they can stand side by side.

    Raises LabError where they can't: a claim made twice, or a service whose route no request can reach.
    """
    found = tuple(services)
    owners: dict[tuple[str, object], dict[Port | None, Service]] = {}
    for service in found:
        for what, value, port in _claims(service):
            taken = owners.setdefault((what, value), {})
            rivals = taken.values() if port is None else filter(None, (taken.get(port), taken.get(None)))
            if rival := next((other for other in rivals if not _may_share(what, other, service)), None):
                raise LabError(f"services {rival.name!r} and {service.name!r} both claim the {what} {value}",
                               "one owner each: give the second an id, VIP or service addresses of its own",
                               field=FIELDS[what])
            taken[port] = service
    for sharers in by_address(found).values():
        _check_routes(sharers)
    return found


def by_address(services: Iterable[Service]) -> dict[tuple[object, int | None], list[Service]]:
    """The L7 services of each VIP and port, in their order."""
    found: dict[tuple[object, int | None], list[Service]] = {}
    for service in services:
        if not service.row.in_switch:
            found.setdefault((service.vip, service.port), []).append(service)
    return found


def _may_share(what: str, one: Service, other: Service) -> bool:
    """Whether `one` and `other` can both have the same: a service with itself, and a proxy's services their VIP."""
    return one is other or (what == "VIP" and not one.row.in_switch and not other.row.in_switch)


def _check_routes(sharers: list[Service]) -> None:
    """Refuse a service that no request can reach: its route is taken, or one before it takes every request."""
    owners: dict[Route | None, Service] = {}
    for service in sharers:
        where = f"{service.vip}:{service.port}"
        if greedy := owners.get(None):
            raise LabError(f"{greedy.name!r} has no route and takes every request of {where}: none is left for "
                           f"{service.name!r} after it", "a route in all but the last service of a VIP and port")
        if rival := owners.get(service.route):
            raise LabError(f"services {rival.name!r} and {service.name!r} have one route at {where}: {service.route}",
                           "each route once: the first service takes all of its requests")
        owners[service.route] = service


def _claims(service: Service) -> Iterable[tuple[str, object, Port | None]]:
    """What a service must have for itself: (what, value, port), where no port means every port."""
    by_port = service.row.by_port or not service.row.in_switch
    yield "id", service.id, None
    yield "VIP", service.vip, (service.protocol, service.port) if by_port else None
    if service.row.restored:
        for backend in service.backends:
            own = (service.protocol, service.port_of(backend)) if by_port else None
            yield "service address", backend.ip, own
