"""The server side, which every topology shares. A topology adds where its clients are.

                      ┌──── srv1 10.0.2.1
    (clients) ──── s1 ├──── srv2 10.0.2.2
                      ├──── ...
                      └──── proxy 10.0.0.2

Switch ports of s1: 1..M the servers, M+1 the proxy, then whatever the topology adds.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar

from layerlab import LabError
from topologies import addresses
from topologies.nodes import LabHost, ServerHost, Topo


class LabTopo(Topo):
    """N clients, M servers, one proxy host, and s1 that carries the services.

    name:     the word on the command line.
    summary:  one line that says what it is for.
    network:  where the clients are.
    gateway:  the servers' way to clients outside their network; None where there are none.
    balances: whether s1 stands between clients and servers, so that services can be balanced.

    Raises LabError if there are more hosts than addresses, or none.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    network: ClassVar[IPv4Network] = addresses.LAN
    gateway: ClassVar[IPv4Address | None] = None
    balances: ClassVar[bool] = True

    def build(self, clients: int = 12, servers: int = 3) -> None:
        """Called by Mininet with the topology's parameters."""
        self.n_clients = count("clients", clients)
        self.n_servers = count("servers", servers)
        s1 = self.addSwitch("s1", dpid="1")
        for number in range(1, self.n_servers + 1):
            self.addLink(s1, self.add(f"srv{number}", addresses.server(number), cls=ServerHost))
        self.addLink(s1, self.add("proxy", addresses.PROXY))
        self.add_clients(s1)

    def add_clients(self, s1: str) -> None:
        """Add `self.n_clients` clients and the way from them to `s1`."""
        raise NotImplementedError

    def add(self, name: str, address: IPv4Address, network: IPv4Network = addresses.LAN,
            gateway: IPv4Address | None = None, cls: type[LabHost] = LabHost) -> str:
        """Add a host at `address`, with its MAC from the plan and its way out, and return its name."""
        way_out = gateway or self.gateway
        route = {"defaultRoute": f"via {way_out}"} if way_out and way_out != address else {}
        self.addHost(name, cls=cls, ip=f"{address}/{network.prefixlen}", mac=addresses.mac(address), **route)
        return name

    def client_names(self) -> list[str]:
        """h1 to hN."""
        return [f"h{number}" for number in range(1, self.n_clients + 1)]

    def server_names(self) -> list[str]:
        """srv1 to srvM."""
        return [f"srv{number}" for number in range(1, self.n_servers + 1)]

    def hosts_file(self) -> str:
        """What resolves the hosts' names, in the format of hosts(5)."""
        lines = [f"{self.nodeInfo(host)['ip'].split('/')[0]}\t{host}" for host in self.hosts()]
        return "\n".join(["127.0.0.1\tlocalhost", *lines]) + "\n"


def count(what: str, number: object) -> int:
    """Return `number` if the address plan has room for so many `what`; else raise LabError."""
    if type(number) is not int or not 1 <= number <= addresses.MAX_HOSTS:
        raise LabError(f"{number!r} {what}",
                       f"a whole number from 1 to {addresses.MAX_HOSTS}, which the address plan has room for")
    return number
