"""The one address plan. Every topology has the server side; they differ in where clients are.

    10.0.0.0/16  the servers' network, switch s1
    ├── 10.0.0.1      the gateway (r1 or nat1), where there is one
    ├── 10.0.0.2      proxy
    ├── 10.0.0.3      nobody: where the controller's test packets come from
    ├── 10.0.0.100+K  VIP of service K
    ├── 10.0.1.N      hN, client N of `flat`
    ├── 10.0.2.N      srvN, server N: its host address, for whoever speaks to it directly
    ├── 10.0.(2+A).N  hN's further address A, from 1 to 7, where one host stands in for many clients
    └── 10.0.(10+K).N srvN, its service address for service K: the only one ever balanced

    10.1.0.0/16     behind the router:      10.1.1.N     hN   (10.1.0.1 is r1)
    192.168.0.0/16  behind the NAT gateway: 192.168.1.N  hN   (192.168.0.1 is nat1)

`campus` has its clients and the proxy in 10.0.0.0/16 and its servers outside, in networks for documentation (RFC 5737):

    203.0.113.0/24  its Internet:           203.0.113.N  srvN, origin N
    198.51.100.0/24 its provider's:         198.51.100.2 the proxy, as origins see it

Two addresses a server, because the switch rewrites what comes *from* a service address: a
server must stay reachable by its own name while it is balanced.

A host's MAC says its address: 10.0.2.1 is at 02:00:0a:00:02:01.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

LAN = IPv4Network("10.0.0.0/16")
ROUTED = IPv4Network("10.1.0.0/16")
NATTED = IPv4Network("192.168.0.0/16")
INTERNET = IPv4Network("203.0.113.0/24")
PROVIDER = IPv4Network("198.51.100.0/24")

GATEWAY = LAN[1]
PROXY = LAN[2]
PROBE = LAN[3]
EDGE = PROVIDER[2]

MAX_HOSTS = 250     # N: the last byte, .251 to .255 kept free
MAX_FURTHER = 7     # A
MAX_SERVICES = 100  # K: the VIPs end at 10.0.0.199


def vip(service: int) -> IPv4Address:
    """The VIP of service number `service`, from 0."""
    return LAN[100 + service]


def client(number: int, network: IPv4Network = LAN) -> IPv4Address:
    """The address of client `number`, from 1, in the network that its topology puts it in."""
    return network[256 + number]


def further(number: int, which: int) -> IPv4Address:
    """Further address `which`, from 1 to MAX_FURTHER, of client `number` on the servers' network."""
    return LAN[(2 + which) * 256 + number]


def server(number: int) -> IPv4Address:
    """The host address of server `number`, from 1."""
    return LAN[2 * 256 + number]


def origin(number: int) -> IPv4Address:
    """The address of server `number`, from 1, in the Internet of `campus`."""
    return INTERNET[number]


def service_address(service: int, number: int) -> IPv4Address:
    """The address at which server `number` serves service number `service`."""
    return LAN[(10 + service) * 256 + number]


def mac(address: IPv4Address) -> str:
    """The MAC of the host at `address`: locally administered, the address readable in it."""
    return ":".join(f"{byte:02x}" for byte in b"\x02\x00" + address.packed)
