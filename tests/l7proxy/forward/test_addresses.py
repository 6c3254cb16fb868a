"""The table of special addresses, against what the standard library knows, and by itself."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.addresses import KINDS, PUBLIC, kinds


def words(text):
    return [row.kind for _, row in kinds(ip_address(text))]


@pytest.mark.parametrize(("text", "expected"), [
    ("93.184.215.14", [PUBLIC]),
    ("8.8.8.8", [PUBLIC]),
    ("172.15.255.255", [PUBLIC]),
    ("172.32.0.0", [PUBLIC]),
    ("100.63.255.255", [PUBLIC]),
    ("100.128.0.0", [PUBLIC]),
    ("0.0.0.0", ["unspecified"]),
    ("0.1.2.3", ["unspecified"]),
    ("10.0.0.1", ["private"]),
    ("172.16.0.1", ["private"]),
    ("172.31.255.255", ["private"]),
    ("192.168.1.1", ["private"]),
    ("100.64.0.1", ["shared behind a carrier's NAT"]),
    ("127.0.0.1", ["loopback"]),
    ("127.255.255.254", ["loopback"]),
    ("169.254.169.254", ["link-local"]),
    ("192.0.0.8", ["for protocols"]),
    ("192.0.2.1", ["for documentation"]),
    ("198.18.0.1", ["for benchmarks"]),
    ("224.0.0.1", ["multicast"]),
    ("239.255.255.250", ["multicast"]),
    ("240.0.0.1", ["reserved"]),
    ("255.255.255.255", ["broadcast"]),
    ("2606:2800:21f:cb07::1", [PUBLIC]),
    ("::", ["unspecified"]),
    ("::1", ["loopback"]),
    ("::7f00:1", ["IPv4-compatible", "loopback"]),
    ("::ffff:127.0.0.1", ["IPv4-mapped", "loopback"]),
    ("::ffff:8.8.8.8", ["IPv4-mapped", PUBLIC]),
    ("::ffff:0:10.0.0.1", ["IPv4-translated", "private"]),
    ("64:ff9b::10.0.0.1", ["NAT64", "private"]),
    ("64:ff9b::8.8.8.8", ["NAT64", PUBLIC]),
    ("64:ff9b:1::10.0.0.1", ["local NAT64"]),
    ("2002:7f00:1::1", ["6to4", "loopback"]),
    ("2002:a00:1:ffff::", ["6to4", "private"]),
    ("2001:0:a00:1::1", ["Teredo", "private"]),
    ("2001:2::1", ["for protocols"]),
    ("2001:db8::1", ["for documentation"]),
    ("100::1", ["for discarding"]),
    ("fc00::1", ["private"]),
    ("fdff::1", ["private"]),
    ("fe80::1", ["link-local"]),
    ("fe80::1%eth0", ["link-local"]),
    ("fec0::1", ["site-local"]),
    ("ff02::1", ["multicast"]),
    ("4000::1", ["reserved"]),
    ("200::1", ["reserved"]),
])
def test_an_address_has_its_kinds(text, expected):
    assert words(text) == expected


NEVER_GLOBAL = st.one_of(*(st.ip_addresses(network=row.network) for row in KINDS
                           if row.kind != PUBLIC and str(row.network) != "::/0"))


@given(NEVER_GLOBAL)
def test_nothing_from_a_special_network_is_public_alone(address):
    assert kinds(address)[0][1].kind != PUBLIC


@given(st.ip_addresses())
def test_what_the_standard_library_calls_special_is_not_public(address):
    """Its tables are older and smaller, so only in this direction."""
    special = (address.is_loopback or address.is_private or address.is_link_local or address.is_multicast
               or address.is_unspecified or address.is_reserved)
    if special and not isinstance(address, IPv6Address):
        assert kinds(address)[0][1].kind != PUBLIC
    if special and isinstance(address, IPv6Address) and address not in row_of("2001::/23").network:
        assert kinds(address)[0][1].kind != PUBLIC


def row_of(text):
    return next(row for row in KINDS if str(row.network) == text)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "::", "64:ff9b::"]))
def test_a_carried_address_is_found(inner, prefix):
    outer = IPv6Address(int(IPv6Address(prefix)) | int(inner))
    found = kinds(outer)
    if len(found) > 1:  # :: and ::1 are no carriers
        assert found[1] == kinds(inner)[0]
    else:
        assert int(inner) < 2


@given(st.ip_addresses(v=4))
def test_6to4_carries_the_address_behind_its_prefix(inner):
    outer = IPv6Address((0x2002 << 112) | (int(inner) << 80) | 1)
    assert outer.sixtofour == inner
    assert kinds(outer)[1][0] == inner


def test_every_row_can_be_reached():
    for number, row in enumerate(KINDS):
        address = row.network.network_address
        same = [it for it in KINDS[:number] if it.network.version == row.network.version]
        assert not any(row.network.subnet_of(it.network) for it in same), row
        assert isinstance(address, IPv4Address | IPv6Address)
