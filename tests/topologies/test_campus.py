"""campus: who reaches whom, who knows which names, and what the edge carries."""

from __future__ import annotations

import re
from itertools import permutations
from typing import Any

import pytest

from layerlab import LabError
from topologies import Campus, addresses, capsule
from topologies.campus import SITES, site
from topologies.nodes import LabNet

CLIENTS, SERVERS = 2, 3
LOCAL, ORIGINS = {"h1", "h2", "proxy"}, {"srv1", "srv2", "srv3"}


def up() -> LabNet:
    """The network, up; the capsule takes it down."""
    net = LabNet(Campus(clients=CLIENTS, servers=SERVERS, edge_mbit=10), capsule.datapath())
    net.start()
    return net


def code(net: LabNet, host: str, command: str) -> int:
    """A command's exit code in a host."""
    return int(net[host].cmd(f"{command} >/dev/null 2>&1; echo $?").split()[-1])


def test_a_site_is_at_one_origin() -> None:
    topo = Campus(clients=1, servers=8)
    assert topo.sites()[1] == ("news.example", "www.news.example")
    assert topo.sites()[8] == ("site8.example",)
    assert len(set(topo.names())) == len(list(topo.names())) == sum(map(len, SITES)) + 3
    assert all(name.endswith(".example") for number in range(1, addresses.MAX_HOSTS + 1) for name in site(number))


@pytest.mark.parametrize("mbit", [-1, 0.05, 1001, "fast", True, float("nan")])
def test_an_edge_that_cannot_be_is_refused(mbit: Any) -> None:
    with pytest.raises(LabError, match="the edge is to carry"):
        Campus(clients=1, servers=1, edge_mbit=mbit)


@pytest.mark.live
def test_only_who_should_reaches_whom() -> None:
    """And nobody else: the proxy is the only one who reaches both sides."""
    net = up()
    found = {(one, other) for one, other in permutations(LOCAL | ORIGINS, 2)
             if not code(net, one, f"ping -c 1 -W 1 {net[other].IP()}")}
    wanted = {*permutations(LOCAL, 2), *permutations(ORIGINS, 2), *(("proxy", origin) for origin in ORIGINS)}
    assert found == wanted


@pytest.mark.live
def test_a_client_that_tries_harder_gets_nothing_either() -> None:
    """With the proxy's host as its router, by ping and by TCP, to an origin, and to the proxy's far side. At the
    origin not a packet of a client's arrives, and none of the origin's reaches in, though it has heard the address."""
    net = up()
    net["srv1"].cmd("python3 -m http.server -b 203.0.113.1 80 >/dev/null 2>&1 &")
    net["srv1"].cmd("nft add table ip seen; nft 'add chain ip seen in { type filter hook prerouting priority raw; }';"
                    f" nft add rule ip seen in ip saddr {addresses.LAN} counter")
    net["h1"].cmd(f"ip route add default via {addresses.PROXY}")
    net["srv1"].cmd(f"ip route add {addresses.LAN} via {addresses.EDGE} onlink dev srv1-eth0")
    origin = addresses.origin(1)
    patient = f"curl -s --retry 20 --retry-delay 1 --retry-connrefused http://{origin}/"
    assert code(net, "proxy", patient) == 0, "the proxy's own host gets an answer"
    for target in (origin, addresses.EDGE):
        assert code(net, "h1", f"ping -c 1 -W 1 {target}") != 0
    assert code(net, "h1", f"curl -s --max-time 1 http://{origin}/") == 28, "a timeout, not an answer"
    for target in (addresses.PROXY, addresses.client(1)):
        assert code(net, "srv1", f"ping -c 1 -W 1 {target}") != 0
    assert "packets 0 " in net["srv1"].cmd("nft list ruleset")


@pytest.mark.live
def test_names_are_known_in_the_proxys_host_alone() -> None:
    """To its shell and to what is started in it; elsewhere resolution fails, and at once. Nor does it leave a trace."""
    net = up()
    for number, names in Campus(clients=1, servers=SERVERS).sites().items():
        for name in names:
            assert net["proxy"].cmd(f"getent ahostsv4 {name}").split()[0] == str(addresses.origin(number))
            for host in ("h1", "srv1"):
                assert code(net, host, f"timeout 2 getent ahosts {name}") == 2, "not found (getent(1)), and no timeout"
    assert code(net, "proxy", "timeout 2 getent ahosts nowhere.example") == 2
    assert "example" not in capsule.HOSTS.read_text()
    assert code(net, "proxy", "mountpoint -q /mnt") != 0


@pytest.mark.live
def test_the_edge_is_bounded_both_ways_and_nothing_else_is() -> None:
    net = up()
    shapers = [line for where in (*net.hosts, net["s1"]) for line in where.cmd("tc qdisc show").splitlines()
               if "tbf" in line]
    (out, back) = sorted({re.sub(r"refcnt \d+ ", "", line).strip() for line in shapers})
    assert "dev proxy-eth1" in out
    assert f"dev s1-eth{SERVERS + 1}" in back
    assert "rate 10Mbit" in out
    assert "rate 10Mbit" in back
