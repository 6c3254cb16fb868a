"""What kind of address this is: the special ones, of which a proxy must not be the way in.

     10.0.0.7            private            64:ff9b::a00:7      NAT64, and within it private
     93.184.215.14       public             2002:a00:7::1       6to4, and within it private

IANA's registries of special-purpose addresses (RFC 6890), and what is no unicast. Some forms carry an IPv4 address; a
system may dial that one, so both are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from balancing.form import IPAddress

Network = IPv4Network | IPv6Network
PUBLIC = "public"


class Row(NamedTuple):
    """Addresses of a kind. inner: how many bits follow the IPv4 address that they carry; None if they carry none."""

    network: Network
    kind: str
    section: str
    inner: int | None = None


def _rows(*rows: tuple[str, str, str] | tuple[str, str, str, int]) -> tuple[Row, ...]:
    return tuple(Row(ip_network(network), *rest) for network, *rest in rows)  # type: ignore[arg-type]


KINDS: tuple[Row, ...] = _rows(  # the first that holds an address
    ("0.0.0.0/8", "unspecified", "RFC 1122 3.2.1.3"),
    ("10.0.0.0/8", "private", "RFC 1918"),
    ("100.64.0.0/10", "shared behind a carrier's NAT", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122 3.2.1.3"),
    ("169.254.0.0/16", "link-local", "RFC 3927"),
    ("172.16.0.0/12", "private", "RFC 1918"),
    ("192.0.0.0/24", "for protocols", "RFC 6890"),
    ("192.0.2.0/24", "for documentation", "RFC 5737"),
    ("192.88.99.0/24", "6to4 relay", "RFC 7526"),
    ("192.168.0.0/16", "private", "RFC 1918"),
    ("198.18.0.0/15", "for benchmarks", "RFC 2544"),
    ("198.51.100.0/24", "for documentation", "RFC 5737"),
    ("203.0.113.0/24", "for documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("255.255.255.255/32", "broadcast", "RFC 919"),
    ("240.0.0.0/4", "reserved", "RFC 1112 4"),
    ("0.0.0.0/0", PUBLIC, ""),
    ("::/128", "unspecified", "RFC 4291 2.5.2"),
    ("::1/128", "loopback", "RFC 4291 2.5.3"),
    ("::/96", "IPv4-compatible", "RFC 4291 2.5.5.1", 0),
    ("::ffff:0:0/96", "IPv4-mapped", "RFC 4291 2.5.5.2", 0),
    ("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765 2.1", 0),
    ("64:ff9b::/96", "NAT64", "RFC 6052", 0),
    ("64:ff9b:1::/48", "local NAT64", "RFC 8215"),
    ("100::/64", "for discarding", "RFC 6666"),
    ("2001::/32", "Teredo", "RFC 4380", 64),
    ("2001::/23", "for protocols", "RFC 2928"),
    ("2001:db8::/32", "for documentation", "RFC 3849"),
    ("2002::/16", "6to4", "RFC 3056", 80),
    ("3fff::/20", "for documentation", "RFC 9637"),
    ("fc00::/7", "private", "RFC 4193"),
    ("fe80::/10", "link-local", "RFC 4291 2.5.6"),
    ("fec0::/10", "site-local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291 2.7"),
    ("2000::/3", PUBLIC, ""),
    ("::/0", "reserved", "RFC 4291 2.4"),
)


@lru_cache(4096)
def kinds(address: IPAddress) -> tuple[tuple[IPAddress, Row], ...]:
    """`address` with its row, then the address that it carries with that one's, if it carries any.

    A zone (fe80::1%eth0) says nothing here: the row is that of the address.
    """
    row = next(row for row in KINDS if address in row.network)
    if row.inner is None:
        return ((address, row),)
    return ((address, row), *kinds(IPv4Address(int(address) >> row.inner & 0xFFFF_FFFF)))


def carried(address: IPAddress) -> Iterator[IPAddress]:
    """`address`, then the one that it carries, if it carries any."""
    return (one for one, _ in kinds(address))


def within(address: IPAddress, networks: Collection[Network]) -> bool:
    """Whether `address` is in one of them."""
    return any(address in network for network in networks)
