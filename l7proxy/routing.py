"""Which service takes a request: the first, in their order, whose route matches (balancing/route.py).

     services of one VIP:port ──compiled once──► [(condition, condition, ...), pool], ... ──head──► pool, or None

     condition   reads
     host        Host, or the authority of an absolute-form target, without port (RFC 9110 7.2)
     path        the target up to "?" (RFC 3986 3.3), as balancing/path.py compares it; OPTIONS * has none
     header      all lines of that name as one list, a comma and a space between (RFC 9110 5.3): two lines are two
                 values, so they never pass for one
     cookie      all Cookie lines as one (RFC 9113 8.2.3 lets them be split), its pairs by ";" (RFC 6265 5.4); of a
                 name that is there twice the first counts, which a browser lists first for its longer path

Rules kept here:

1. Pure: a head in, a pool out; what goes on to the backend is not changed by what was compared.
2. In doubt a condition is not met: the request goes to a later service, or to nobody.
3. A condition reads what is forwarded. On a field that has a row in framing.py it is refused at start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from balancing import Pair, Service
from balancing.path import normal_path
from l7proxy.balancer import Balancer
from l7proxy.framing import REQUEST_FIELDS
from l7proxy.messages import RequestHead, values
from l7proxy.sticky import cookie
from layerlab import LabError

Condition = Callable[[RequestHead], bool]
Router = Callable[[RequestHead], Balancer | None]


def router(balancers: Sequence[Balancer]) -> Router:
    """The function that finds the pool for a request, or None. A single service without a route costs it nothing."""
    first = balancers[0]
    if first.pool.service.route is None:
        return lambda head: first
    table = [(balancer, conditions(balancer.pool.service)) for balancer in balancers]

    def find(head: RequestHead) -> Balancer | None:
        for balancer, needed in table:
            if all(met(head) for met in needed):
                return balancer
        return None
    return find


def conditions(service: Service) -> list[Condition]:
    """What a request must meet to be `service`'s; nothing, if it has no route. Raises LabError: rule 3."""
    route = service.route
    if route is None:
        return []
    found = [
        route.host and _host(route.host),
        route.path and _path(route.path),
        route.header and _header(service, route.header),
        route.cookie and _cookie(route.cookie),
    ]
    return [condition for condition in found if condition]


def _host(host: str) -> Condition:
    wanted = host.encode()
    return lambda head: _name(head.host) == wanted


def _name(authority: bytes) -> bytes:
    """The host of host[:port], in small letters, without the dot that ends an absolute name (RFC 3986 3.2.2)."""
    host, colon, port = authority.lower().rpartition(b":")
    if not colon or b"]" in port:  # no port: the colon is one of an IPv6 address
        host = authority.lower()
    return host.removesuffix(b".")


def _path(path: str) -> Condition:
    inside = path if path.endswith("/") else path + "/"

    def met(head: RequestHead) -> bool:
        found = normal_path(head.target.partition(b"?")[0].decode("latin-1"))
        return found is not None and (found == path or found.startswith(inside))
    return met


def _header(service: Service, pair: Pair) -> Condition:
    name, wanted = pair.name.encode(), pair.value.encode()
    if name in REQUEST_FIELDS:
        raise LabError(f"service {service.name!r} has a route by {pair.name}, a field that is the proxy's own to read",
                       "one that goes on to the backends as it came", 'for Host, "host" is a condition of its own')
    return lambda head: b", ".join(values(head.fields, name)) == wanted


def _cookie(pair: Pair) -> Condition:
    name, wanted = pair.name.encode(), pair.value.encode()
    return lambda head: cookie(head.fields, name) == wanted
