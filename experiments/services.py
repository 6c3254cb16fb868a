"""The lab's services on the lab's address plan: which VIP, which backends, at which ports.

    number  VIP          clients connect to     servers listen on
    K       10.0.0.100+K HTTP on 80 ─────────►  80, or 8001 at L4, which can rewrite ports
                         UDP echo on 7 ──────►  7, or 7001 at L4
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from balancing import LAYERS, Backend, HealthCheck, Service
from layerlab import LabError, choice
from topologies import addresses
from topologies.base import count

PORTS = {"tcp": 80, "udp": 7}  # HTTP (RFC 9110) and echo (RFC 862)
L4_PORTS = {"tcp": 8001, "udp": 7001}
HEALTH = HealthCheck(source=addresses.PROBE, payload="_probe", path="/_probe")  # what the lab's servers don't count


def service(layer: str, number: int = 0, *, servers: int = 3, algorithm: str = "round-robin",
            weights: Sequence[int] = (), protocol: str = "tcp", id: int | None = None,
            health: HealthCheck | None = HEALTH, realisation: str = "") -> Service:
    """One service of the lab: number K has the VIP 10.0.0.100+K and all `servers` behind it.

    weights: one a server, or none for 1 each. id: number + 1 if not given.
    health: how servers are tested; None for not at all.
    Raises LabError for what can't be balanced as asked.
    """
    choice("layer", layer, LAYERS)
    count("servers", servers)
    if weights and len(weights) != servers:
        raise LabError(f"{len(weights)} weights for {servers} servers", "one weight a server")
    port = L4_PORTS[protocol] if LAYERS[layer].by_port else None
    backends = tuple(
        Backend(id=n, name=f"srv{n}", ip=addresses.service_address(number, n), mac=addresses.mac(addresses.server(n)),
                port=port, weight=weights[n - 1] if weights else 1)
        for n in range(1, servers + 1))
    name = layer if protocol == "tcp" else f"{layer}-{protocol}"
    return Service(id=id or number + 1, name=name, vip=addresses.vip(number), layer=layer, backends=backends,
                   algorithm=algorithm, protocol=protocol, port=PORTS[protocol], health=health,
                   realisation=realisation)


def pair(layer: str, number: int = 0, **options: object) -> tuple[Service, ...]:
    """HTTP and UDP echo on one VIP. Below L4 one service is both; a proxy has no UDP."""
    web = service(layer, number, **options)  # type: ignore[arg-type]
    if not web.row.by_port:
        return (web,)
    return web, service(layer, number, protocol="udp", id=web.id + addresses.MAX_SERVICES, **options)  # type: ignore[arg-type]


def place(vip: str, number: int) -> dict[str, str] | None:
    """Where server `number` serves the service of this VIP: its ip and mac; None if the VIP is not the plan's."""
    service = int(ip_address(vip)) - int(addresses.vip(0))
    if not 0 <= service < addresses.MAX_SERVICES:
        return None
    return {"ip": str(addresses.service_address(service, number)), "mac": addresses.mac(addresses.server(number))}
