"""No two hosts of any topology share an address, and too many are refused."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

import pytest

from layerlab import LabError
from topologies import TOPOLOGIES, addresses


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
def test_addresses_and_macs_are_unique_up_to_the_most_hosts(name: str) -> None:
    topo = TOPOLOGIES[name](clients=addresses.MAX_HOSTS, servers=addresses.MAX_HOSTS)
    for key in ("ip", "mac"):
        values = [topo.nodeInfo(host)[key] for host in topo.hosts()]
        assert len(set(values)) == len(values)
    assert len(topo.client_names()) == len(topo.server_names()) == addresses.MAX_HOSTS
    reserved = {addresses.vip(k) for k in range(addresses.MAX_SERVICES)}
    reserved |= {addresses.service_address(k, n)
                 for k in range(addresses.MAX_SERVICES) for n in (1, addresses.MAX_HOSTS)}
    reserved |= {addresses.further(n, which)
                 for which in (1, addresses.MAX_FURTHER) for n in (1, addresses.MAX_HOSTS)}
    assert len(reserved) == 3 * addresses.MAX_SERVICES + 4
    assert not reserved & {ip_interface(topo.nodeInfo(host)["ip"]).ip for host in topo.hosts()}
    assert all(address in addresses.LAN for address in reserved)
    if name == "campus":
        macs = [topo.nodeInfo(host)["mac"] for host in topo.hosts()]
        assert addresses.mac(addresses.EDGE) not in macs


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
@pytest.mark.parametrize("size", [{"clients": 0}, {"servers": 0}, {"clients": -1}, {"clients": 251}, {"servers": 251},
                                  {"clients": 2.5}, {"servers": "three"}])
def test_what_the_plan_has_no_room_for_is_refused(name: str, size: dict[str, Any]) -> None:
    with pytest.raises(LabError, match="from 1 to 250"):
        TOPOLOGIES[name](**size)


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
def test_every_topology_has_a_proxy_and_names_its_hosts(name: str) -> None:
    topo = TOPOLOGIES[name](clients=2, servers=1)
    assert "10.0.0.2\tproxy" in topo.hosts_file()
    assert f"{'203.0.113.1' if name == 'campus' else '10.0.2.1'}\tsrv1" in topo.hosts_file()


def test_a_mac_says_its_address() -> None:
    assert addresses.mac(addresses.server(1)) == "02:00:0a:00:02:01"
