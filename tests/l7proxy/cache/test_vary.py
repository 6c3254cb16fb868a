"""Which request gets which stored response (RFC 9111 4.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.cache.fields import index, members, tight
from l7proxy.cache.vary import names, selects
from l7proxy.messages import field

FRESH = "Cache-Control: max-age=60"


@pytest.mark.parametrize(("stored", "presented", "vary", "same"), [
    ("Foo: 1", "Foo: 1", "Foo", True), ("Foo: 1", "Foo: 2", "Foo", False), ("Foo: 1", "", "Foo", False),
    ("", "Foo: 1", "Foo", False), ("", "", "Foo", True), ("Foo: 1", "Foo: 2", "Bar", True),
    ("foo: 1", "FOO: 1", "fOO", True),
    ("Foo: 1\nBar: 2", "Bar: 2\nFoo: 1", "Foo, Bar", True), ("Foo: 1\nBar: 2", "Foo: 1", "Foo, Bar", False),
    ("Foo: 1\nBar: 2", "Foo: 1\nBar: 3", "Foo\nVary: Bar", False),
    ("Foo: 1, 2", "Foo: 1\nFoo: 2", "Foo", True), ("Foo: 1,2", "Foo:  1 , 2 ", "Foo", True),
    ("Foo: 1, 2", "Foo: 2, 1", "Foo", False),
    ('Foo: "a, b"', 'Foo: "a,b"', "Foo", False), ("Foo: a", "Foo: A", "Foo", False),
    ("Foo: 12", "Foo: 1 2", "Foo", False),
    ("Accept-Language: en, de", "Accept-Language: de, en", "Accept-Language", True),
    ("Accept-Language: en, de", "Accept-Language: eN,De", "Accept-Language", True),
    ("Accept-Language: en, de;q=0.5", "Accept-Language: de;q=0.5\nAccept-Language: en", "Accept-Language", True),
    ("Accept-Language: en, de;q=0.5", "Accept-Language: en, de ; q=0.5", "Accept-Language", True),
    ("Accept-Language: en, de;q=0.5", "Accept-Language: en;q=0.5, de", "Accept-Language", False),
    ("Accept-Language: en, de", "Accept-Language: en", "Accept-Language", False),
    ("Accept-Encoding: gzip, br", "Accept-Encoding: BR, GZIP", "Accept-Encoding", True),
    ("Accept: a/b, c/d", "Accept: c/d, a/b", "Accept", True), ("Accept: a/b;x=Y", "Accept: a/b;x=y", "Accept", False),
])
def test_when_two_requests_select_the_same(web, stored, presented, vary, same):
    """RFC 9111 4.1: what may differ without a difference in meaning."""
    web.get(stored, f"{FRESH}\nVary: {vary}")
    seen = web.get(presented, "Cache-Control: no-store")
    assert seen.hit is same
    assert same or seen.note.startswith("fwd=vary-miss")


def test_variants_stand_side_by_side(web):
    """RFC 9111 4.1."""
    for language in ("en", "de", "fr"):
        web.get(f"Accept-Language: {language}", FRESH + "\nVary: Accept-Language", body=language.encode())
    assert [web.get(f"Accept-Language: {it}").body for it in ("fr", "en", "de")] == [b"fr", b"en", b"de"]
    assert len(web.cache.store) == 3


def test_of_several_that_fit_the_latest_is_used(web):
    """RFC 9111 4: by Date."""
    web.get("Foo: 1", FRESH + "\nVary: Foo\nDate: <0>", body=b"older")
    web.wait(2).get("Foo: 2\nBar: 1", FRESH + "\nVary: Bar\nDate: <2>", body=b"newer")
    assert web.get("Foo: 1\nBar: 1").body == b"newer"
    assert web.get("Foo: 1\nBar: 2").body == b"older"


def test_another_space_is_another_variant(web):
    """A route chosen by a cookie, or another scheme: what one origin said is not for those who go to another."""
    web.finish(web.lookup(space=b"one"), FRESH, body=b"one")
    assert web.finish(web.lookup(space=b"one")).hit
    assert web.finish(web.lookup(space=b"two"), FRESH, body=b"two").note.startswith("fwd=vary-miss")
    for space in (b"one", b"two"):
        assert web.finish(web.lookup(space=space)).body == space


def test_vary_that_names_nothing_is_no_vary():
    assert names({b"vary": [b" , ", b""]}) == ()


_LINES = st.lists(st.text("ab,\" \t\\;=1", max_size=12).map(str.encode), max_size=3)


@given(_LINES)
def test_members_are_never_empty_and_tight_is_final(lines):
    """RFC 9110 5.6.1.2."""
    assert all(members(lines))
    once = tight(b",".join(lines))
    assert tight(once) == once


@given(st.permutations(["en", "de;q=0.3", "fr;q=0.1"]), st.sampled_from([",", ", ", " ,\t"]), st.booleans())
def test_a_preference_can_be_written_in_many_ways(parts, comma, upper):
    """RFC 9110 12.5.4."""
    value = comma.join(parts)
    request = {b"accept-language": [(value.upper() if upper else value).encode()]}
    assert selects((b"accept-language",), request) == (b"de;q=0.3,en,fr;q=0.1",)


def test_the_index_keeps_the_order_of_lines():
    assert index([field(b"A", b"1"), field(b"b", b"2"), field(b"a", b"3")]) == {b"a": [b"1", b"3"], b"b": [b"2"]}
