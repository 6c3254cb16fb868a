"""Simultaneous requests for the same: one goes, the others wait for what it brings (RFC 9111 4)."""

from __future__ import annotations

import pytest

from l7proxy.cache import Ask, Join, Relay

FRESH = "Cache-Control: max-age=60"


class Woken:
    """Notes when it is called."""

    def __init__(self, web):
        self.web, self.times = web, []

    def __call__(self):
        self.times.append(self.web.at)


def wait_for(web, request="", **more):
    """A request that waits; it notes when it is woken."""
    join = web.lookup(request, **more)
    assert isinstance(join, Join)
    join.wake = Woken(web)
    return join


def test_those_who_waited_are_served_from_the_store(web):
    """RFC 9211 2.6: collapsed."""
    first = web.lookup()
    joins = [wait_for(web) for _ in range(3)]
    assert [join.bound_s for join in joins] == [5.0] * 3
    web.wait(1).finish(first, FRESH, body=b"once")
    for join in joins:
        assert join.wake.times == [1.0]
        seen = web.finish(web.lookup(waited=join))
        assert (seen.hit, seen.body, seen.note) == (True, b"once", "fwd=uri-miss; collapsed; ttl=59")
    assert web.cache.flights == {}


def test_they_are_woken_by_the_head_if_it_is_not_stored(web):
    """Nobody waits for a body that is of no use."""
    first = web.lookup()
    join = wait_for(web)
    assert isinstance(first.answered(web.answer(first, FRESH + ", private"), web.at), Relay)
    assert join.wake.times
    again = web.lookup(waited=join)
    assert isinstance(again, Ask)
    assert web.finish(again, FRESH + ", private").note == "fwd=uri-miss; collapsed=?0; detail=private"


def test_what_was_not_stored_is_not_waited_for_again(web):
    """Requests for what nobody may share would stand in line for nothing."""
    web.get(answer=FRESH + ", private")
    assert [type(web.lookup()) for _ in range(2)] == [Ask, Ask]


def test_until_it_is_stored_once(web):
    web.get(answer=FRESH + ", private")
    web.get(answer="Cache-Control: max-age=1")
    web.wait(2)
    assert [type(web.lookup()) for _ in range(2)] == [Ask, Join]


def test_they_wait_until_the_body_is_whole(web):
    first = web.lookup()
    join = wait_for(web)
    relay = first.answered(web.answer(first, FRESH, body=b"xy"), web.at)
    relay.recording.write(b"x")
    assert not join.wake.times
    relay.recording.write(b"y")
    relay.recording.end()
    assert join.wake.times


@pytest.mark.parametrize("end", ["abandoned", "abort", "too large"])
def test_when_the_first_one_leaves_another_one_goes(new_web, end):
    web = new_web(object_bytes=10)
    first = web.lookup()
    joins = [wait_for(web), wait_for(web)]
    if end == "abandoned":
        first.abandoned()
    else:
        recording = first.answered(web.answer(first, FRESH, body=b"x" * 10)._replace(body=-2), web.at).recording
        recording.write(b"x" * 7)
        if end == "abort":
            recording.abort()
        else:
            recording.write(b"x" * 7)
    assert [bool(join.wake.times) for join in joins] == [True, True]
    found = [type(web.lookup(waited=join)) for join in joins]
    assert found == ([Ask, Ask] if end == "too large" else [Ask, Join])


def test_when_the_origin_is_down_each_one_asks_for_itself(web):
    """And none stands in line for a failure."""
    first = web.lookup()
    joins = [wait_for(web), wait_for(web)]
    assert first.failed(web.at) is None
    assert [type(web.lookup(waited=join)) for join in joins] == [Ask, Ask]


def test_or_is_served_what_is_stale(web):
    """RFC 9111 4.2.4."""
    web.get(answer="Cache-Control: max-age=1", body=b"stored")
    first = web.wait(2).lookup()
    joins = [wait_for(web), wait_for(web)]
    assert web.finish(first, None).body == b"stored"
    for join in joins:
        seen = web.finish(web.lookup(waited=join))
        assert (seen.hit, seen.body, seen.note) == (
            True, b"stored", "fwd=stale; collapsed; ttl=-1; detail=stale-if-error")


def test_nobody_waits_beyond_the_bound(new_web):
    """However often the one ahead changes."""
    web = new_web(join_s=3)
    first = web.lookup()
    join = wait_for(web)
    web.wait(2)
    first.abandoned()
    assert isinstance(web.lookup(), Ask)
    again = web.lookup(waited=join)
    assert isinstance(again, Join)
    assert again.bound_s == 1.0
    assert isinstance(web.wait(1).lookup(waited=again), Ask)


def test_who_leaves_is_not_woken_and_goes_alone(web):
    first = web.lookup()
    join = wait_for(web)
    woken = join.wake
    join.leave()
    assert isinstance(web.lookup(waited=join), Ask)
    web.finish(first, FRESH)
    assert not woken.times


def test_one_that_takes_too_long_is_not_waited_for(new_web):
    web = new_web(join_s=3)
    web.lookup()
    assert isinstance(web.wait(2).lookup(), Join)
    assert isinstance(web.wait(1).lookup(), Ask)


def test_stale_ones_are_validated_once(web):
    web.get(answer='Cache-Control: max-age=1\nETag: "a"', body=b"stored")
    first = web.wait(2).lookup()
    join = wait_for(web)
    web.finish(first, FRESH + '\nETag: "a"', 304)
    seen = web.finish(web.lookup(waited=join))
    assert (seen.body, seen.note) == (b"stored", "fwd=stale; collapsed; ttl=60")


@pytest.mark.parametrize("request_fields", ["If-None-Match: \"a\"", "Range: bytes=0-1", "Cookie: a"])
def test_who_may_wait(web, request_fields):
    """What they ask is answered from what the first one brings."""
    first = web.lookup()
    join = wait_for(web, request_fields)
    web.finish(first, FRESH + '\nETag: "a"')
    assert web.finish(web.lookup(request_fields, waited=join)).hit


@pytest.mark.parametrize("request_fields", [
    "Range: bytes=0-1", 'If-None-Match: "a"', "If-Modified-Since: <0>", "Authorization: x", "Cache-Control: no-store",
    'If-Match: "a"',
    "Cache-Control: max-age=0",
])
def test_who_is_not_waited_for(web, request_fields):
    """What they bring may be for themselves alone."""
    web.lookup(request_fields)
    assert isinstance(web.lookup(), Ask)


def test_other_variants_are_released_as_soon_as_they_are_known_to_be(web):
    """RFC 9111 4.1."""
    first = web.lookup("Foo: 1")
    same, other = wait_for(web, "Foo: 1"), wait_for(web, "Foo: 2")
    first.answered(web.answer(first, FRESH + "\nVary: Foo"), web.at)
    assert (same.wake.times, other.wake.times) == ([], [0.0])
    assert isinstance(web.lookup("Foo: 2", waited=other), Ask)
    assert isinstance(web.lookup("Foo: 1"), Join)


def test_other_spaces_do_not_wait(web):
    web.lookup(space=b"one")
    assert isinstance(web.lookup(space=b"two"), Ask)
    assert isinstance(web.lookup(space=b"two"), Join)


def test_memory_of_what_is_not_shared_is_bounded(web):
    for number in range(5_000):
        web.get(answer=FRESH + ", private", target=f"/{number}")
    assert len(web.cache._solos) <= 4_096
    assert isinstance(web.lookup(target="/0"), Ask)
    assert isinstance(web.lookup(target="/0"), Join)
