"""Who is connected, and who is turned away."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from l7proxy.guests import Guests
from l7proxy.limits import Limits

ANN, BOB, CIM = (ip_address(f"10.0.0.{number}").packed for number in (1, 2, 3))


def statuses(guests, *addresses):
    return [refused and refused.status for refused in map(guests.come, addresses)]


def test_one_too_many_of_an_address_or_in_all():
    guests = Guests(Limits(connections=4, client_connections=2))
    assert statuses(guests, ANN, ANN, ANN, BOB, BOB, CIM) == [None, None, 429, None, 503, 503]
    for address in (ANN, ANN, ANN, BOB, BOB, CIM):
        guests.leave(address)
    assert repr(guests) == "<Guests: 0 of 0 addresses>"
    assert statuses(guests, ANN) == [None]


def test_an_ipv6_network_is_one_client():
    guests = Guests(Limits(client_connections=2))
    addresses = ["2001:db8::1", "2001:db8::2:3", "2001:db8::ffff", "2001:db8:0:1::1"]
    assert statuses(guests, *(ip_address(it).packed for it in addresses)) == [None, None, 429, None]


@pytest.mark.parametrize(("spare", "overrun"), [(1, [False, False, True]), (9, [False] * 3)])
def test_beyond_the_spare_ones_nobody_is_told(spare, overrun):
    guests, seen = Guests(Limits(connections=1, spare_connections=spare)), []
    for _ in range(3):
        guests.come(ANN)
        seen.append(guests.overrun)
    assert seen == overrun
