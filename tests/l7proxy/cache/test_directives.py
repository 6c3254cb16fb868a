"""Cache-Control read strictly (RFC 9111 5.2, RFC 9110 5.6), and CDN-Cache-Control as a structured field (RFC 9213)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.cache.directives import FOREVER_S, MALFORMED, Policy, Wish, directives, policy, targeted, wish


def said(*lines):
    return policy({b"cache-control": [line.encode() for line in lines]})


@pytest.mark.parametrize(("line", "found"), [
    (b"no-store", {b"no-store": [None]}),
    (b"No-StOrE , max-age=5", {b"no-store": [None], b"max-age": [b"5"]}),
    (b'max-age="5"', {b"max-age": [b"5"]}),
    (b'x="a, max-age=9", max-age=1', {b"x": [b"a, max-age=9"], b"max-age": [b"1"]}),
    (b'x="a\\", b", y', {b"x": [b'a", b'], b"y": [None]}),
    (b",, no-cache ,", {b"no-cache": [None]}),
    (b"max-age =5", {b"max-age": [MALFORMED]}),
    (b"max-age= 5", {b"max-age": [MALFORMED]}),
    (b'x="never closed, no-store', {b"x": [MALFORMED]}),
    (b"=5", {}),
    (b"", {}),
])
def test_the_list_syntax_with_quoted_strings(line, found):
    """RFC 9111 5.2; RFC 9110 5.6.1, 5.6.4."""
    assert directives([line]) == found


@pytest.mark.parametrize(("line", "seconds"), [
    ("max-age=0", 0), ("max-age=3600", 3600), ("max-age=003600", 3600), ('max-age="3600"', 3600),
    ("max-age=2147483648", FOREVER_S), ("max-age=99999999999", FOREVER_S), (f"max-age={'9' * 9000}", FOREVER_S),
    ("max-age=-1", 0), ("max-age=1.5", 0), ("max-age=a1", 0), ("max-age=1a", 0), ("max-age='3600'", 0), ("max-age", 0),
    ("max-age=", 0), ("max-age =3600", 0),
])
def test_delta_seconds_what_is_none_is_stale(line, seconds):
    """RFC 9111 1.2.2, 4.2.1."""
    assert said(line).max_age == seconds


@pytest.mark.parametrize("lines", [("max-age=9, max-age=2",), ("max-age=2", "max-age=9"), ("max-age=2, max-age=2",)])
def test_of_two_lifetimes_the_shorter_counts(lines):
    """RFC 9111 4.2.1: never longer than the first one says."""
    assert said(*lines).max_age == 2


def test_contradictions_stand_side_by_side_and_the_stricter_rules():
    """RFC 9111 4.2.1."""
    found = said("max-age=9, no-cache, public, no-store")
    assert (found.no_store, found.no_cache, found.public, found.max_age) == (True, True, True, 9)


@pytest.mark.parametrize(("line", "private", "withheld"), [
    ("private", True, ()), ("private=a", False, ("a",)), ('private="A, b"', False, ("a", "b")),
    ('private=""', True, ()),
    ('private="a", private', True, ("a",)), ("private=a b", True, ()),
])
def test_private_with_and_without_field_names(line, private, withheld):
    """RFC 9111 5.2.2.7; what can't be read means all of the response."""
    found = said(line)
    assert found.private is private
    assert found.withheld >= frozenset(it.encode() for it in withheld) or private


@pytest.mark.parametrize(("line", "no_cache", "withheld"), [
    ("no-cache", True, frozenset()), ('no-cache="set-cookie"', False, {b"set-cookie"}), ("no-cache=a", False, {b"a"}),
])
def test_no_cache_with_and_without_field_names(line, no_cache, withheld):
    """RFC 9111 5.2.2.4."""
    found = said(line)
    assert (found.no_cache, found.withheld) == (no_cache, withheld)


@pytest.mark.parametrize(("line", "public"), [("public", True), ("public=1", True), ("public x", False)])
def test_a_permission_counts_only_if_it_is_well_formed(line, public):
    """RFC 9111 5.2: a restriction with broken syntax stands, a permission doesn't."""
    assert said(line).public is public
    assert said(line.replace("public", "no-store")).no_store


@pytest.mark.parametrize(("line", "forbids"), [
    ("max-age=1", False), ("must-revalidate", True), ("proxy-revalidate", True), ("s-maxage=1", True),
    ("no-cache", True), ("stale-if-error=9", False),
])
def test_what_forbids_stale_use(line, forbids):
    """RFC 9111 4.2.4, 5.2.2.10."""
    assert said(line).forbids_stale is forbids


@pytest.mark.parametrize(("request_fields", "expected"), [
    ({}, Wish()),
    ({b"cache-control": [b"no-store"]}, Wish(no_store=True)),
    ({b"cache-control": [b"no-cache, max-age=0"]}, Wish(no_cache=True, max_age=0)),
    ({b"cache-control": [b"max-stale"]}, Wish(max_stale=FOREVER_S)),
    ({b"cache-control": [b"max-stale=7, min-fresh=3"]}, Wish(max_stale=7, min_fresh=3)),
    ({b"cache-control": [b"only-if-cached"]}, Wish(only_if_cached=True)),
    ({b"pragma": [b"no-cache"]}, Wish(no_cache=True)),
    ({b"pragma": [b"other"]}, Wish()),
    ({b"pragma": [b"no-cache"], b"cache-control": [b"x"]}, Wish()),
])
def test_what_a_client_wishes(request_fields, expected):
    """RFC 9111 5.2.1, 5.4."""
    assert wish(request_fields) == expected


@pytest.mark.parametrize(("line", "found"), [
    ("max-age=5", {b"max-age": [b"5"]}),
    ("max-age=5, no-cache", {b"max-age": [b"5"], b"no-cache": [None]}),
    ("max-age=5;x=1, foobar", {b"max-age": [b"5"], b"foobar": [None]}),
    ('private="a"', {b"private": [b"a"]}),
    ("no-store=?0, max-age=1", {b"max-age": [b"1"]}),
    ("max-age=1, max-age=2", {b"max-age": [b"2"]}),
    ('max-age="5"', {b"max-age": [MALFORMED]}),
    ("max-age=5.0", {b"max-age": [MALFORMED]}),
    *((bad, None) for bad in ("", "max-age=5, &&&", "Max-Age=5", "max-age =5", "max-age= 5", "max-age=5,", ",max-age=5",
                              "max-age=5 no-store", 'x="open', "x=?2", "max-age=1234567890123456")),
])
def test_cdn_cache_control_is_a_structured_field(line, found):
    """RFC 9213 2.1, RFC 8941 3.2, 4.2: one error voids all of it."""
    assert targeted([line.encode()]) == found


@pytest.mark.parametrize(("cdn", "max_age"), [("max-age=9", 9), ("no-store", None), ("&&", 1), ("", 1)])
def test_cdn_cache_control_takes_the_place_of_cache_control(cdn, max_age):
    """RFC 9213 2.2: if it is valid."""
    found = policy({b"cdn-cache-control": [cdn.encode()], b"cache-control": [b"max-age=1"]})
    assert found.max_age == max_age
    assert found.targeted is (max_age != 1)


def test_without_a_word_there_is_no_policy():
    assert policy({}) == Policy()


@given(st.binary(max_size=60))
def test_nothing_that_is_read_raises(line):
    """Whatever an origin or a client says."""
    policy({b"cache-control": [line]})
    policy({b"cdn-cache-control": [line]})
    wish({b"cache-control": [line], b"pragma": [line]})
