"""No SSRF, no rebinding: of all that a name may resolve to, only what was checked and allowed is dialled."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.guard import Guard, dialable
from l7proxy.forward.rules import Access, AccessRule
from l7proxy.forward.verdict import Outcome
from tests.l7proxy.forward.conftest import asked

OPEN = Access([AccessRule("all", "allow")])
GET = asked("GET", "http://shop.example/")
GOOD = ip_address("93.184.215.14")


def tried(*addresses, access=OPEN, guard=None, request=GET):
    found, verdict = dialable(request, [ip_address(it) for it in addresses], access, guard or Guard())
    return [str(it) for it in found], verdict


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:10.0.0.1",
                                     "64:ff9b::127.0.0.1", "2002:7f00:1::", "fd00::1", "fe80::1", "ff02::1",
                                     "100.64.0.1"])
def test_special_addresses_are_refused_and_said_to_be(address):
    found, verdict = tried(address)
    assert not found
    assert (verdict.outcome, verdict.rule, verdict.status) == (Outcome.DENY, "guard", 403)
    assert verdict.error == "destination_ip_prohibited"
    assert address in verdict.why or "::" in address
    assert "RFC" in verdict.why


def test_of_several_only_the_public_ones_are_dialled_in_their_order():
    assert tried("10.0.0.1", "93.184.215.14", "::1", "8.8.8.8")[0] == ["93.184.215.14", "8.8.8.8"]
    assert tried("10.0.0.1", "93.184.215.14")[1].allowed


def test_an_address_literal_is_no_way_around():
    request = asked("CONNECT", "[::ffff:127.0.0.1]:443")
    assert dialable(request, [request.destination.address], OPEN, Guard())[0] == []


def test_what_is_allowed_may_be_reached():
    guard = Guard(allowed=(ip_network("10.0.0.0/8"),))
    assert tried("10.0.0.1", "192.168.0.1", guard=guard)[0] == ["10.0.0.1"]


def test_what_carries_an_address_needs_both():
    for allowed, expected in (([], []), (["64:ff9b::/96"], ["64:ff9b::808:808"]),
                              (["64:ff9b::/96", "10.0.0.0/8"], ["64:ff9b::808:808", "64:ff9b::a00:1"]),
                              (["10.0.0.0/8"], [])):
        guard = Guard(allowed=tuple(map(ip_network, allowed)))
        assert tried("64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1", guard=guard)[0] == expected


def test_our_own_door_is_never_dialled():
    own = frozenset([(ip_address("10.0.0.9"), 80)])
    guard = Guard(allowed=(ip_network("0.0.0.0/0"), ip_network("::/0")), own=own)
    for address in ("10.0.0.9", "::ffff:10.0.0.9"):
        found, verdict = tried(address, guard=guard)
        assert not found
        assert (verdict.status, verdict.error) == (502, "proxy_loop_detected")
    assert tried("10.0.0.9", guard=guard, request=asked("GET", "http://a:81/"))[0] == ["10.0.0.9"]


def test_rules_by_address_judge_each_by_itself():
    access = Access([AccessRule("bad", "deny", networks=(ip_network("8.8.0.0/16"),)), AccessRule("all", "allow")])
    assert tried("8.8.8.8", "93.184.215.14", access=access)[0] == ["93.184.215.14"]
    assert tried("8.8.8.8", access=access)[1].rule == "bad"
    only = Access([AccessRule("it", "allow", networks=(ip_network("93.0.0.0/8"),))])
    assert tried("8.8.8.8", "93.184.215.14", access=only)[0] == ["93.184.215.14"]


def test_a_rule_allows_nothing_that_the_guard_refuses():
    access = Access([AccessRule("inside", "allow", networks=(ip_network("10.0.0.0/8"),))])
    assert tried("10.0.0.1", access=access)[1].rule == "guard"


def test_a_name_without_addresses_is_a_502():
    assert tried()[1].status == 502


def test_who_asks_may_depend_on_the_address():
    access = Access([AccessRule("it", "allow", networks=(ip_network("93.0.0.0/8"),), users=("ann",))])
    assert tried("93.184.215.14", access=access)[1].outcome is Outcome.AUTHENTICATE


@given(st.lists(st.ip_addresses(), max_size=6))
def test_whatever_the_resolver_says_nothing_private_comes_out(addresses):
    found, verdict = dialable(GET, addresses, OPEN, Guard())
    assert set(found) <= set(addresses)
    assert bool(found) is verdict.allowed
    assert not any(it.is_private or it.is_loopback or it.is_link_local or it.is_multicast for it in found)
