"""The store: what it holds, its bound in bytes, and which goes first (S3-FIFO)."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FRESH = "Cache-Control: max-age=6000"


def filled(web, targets, size=1000):
    for target in targets:
        web.get(answer=FRESH, target=f"/{target}", body=b"x" * size)


def held(web):
    return {int(target[1:]) for _, target in web.cache.store.resources}


def test_what_is_asked_for_again_stays_when_a_crawler_passes(new_web):
    """A scan of ten times what fits moves nothing that was asked for twice."""
    web = new_web(store_bytes=200_000)
    filled(web, range(10))
    for _ in range(2):
        filled(web, range(10))
    filled(web, range(100, 600))
    assert held(web) >= set(range(10))
    assert web.cache.store.used <= 200_000


def test_what_comes_back_soon_goes_to_main(new_web):
    """S3-FIFO: a ghost's second coming."""
    web = new_web(store_bytes=200_000)
    filled(web, range(60))
    gone = min(set(range(60)) - held(web), key=lambda it: -it)
    filled(web, [gone])
    filled(web, range(100, 300))
    assert gone in held(web)


def test_what_nobody_asks_for_any_more_leaves_main(new_web):
    web = new_web(store_bytes=200_000)
    for _ in range(3):
        filled(web, range(20))
    for turn in range(1, 40):
        for _ in range(3):
            filled(web, range(turn * 100, turn * 100 + 20))
    assert not held(web) & set(range(20))


@pytest.mark.parametrize("size", [0, 100, 5_000, 40_000])
def test_what_is_counted_is_at_least_what_python_takes(web, size):
    """Bodies, fields, objects, dictionaries, and the replies made of them."""
    def fill(first):
        for number in range(first, first + 200):
            web.get(answer=f'{FRESH}\nETag: "{number}"\nVary: Foo\nX: {number} and more', target=f"/{number:050}",
                    body=bytes([number % 256]) * size, request=f"Foo: {number}")
            assert web.get(f"Foo: {number}", target=f"/{number:050}").hit
    fill(0)
    gc.collect()
    tracemalloc.start()
    before, counted = tracemalloc.get_traced_memory()[0], web.cache.store.used
    fill(1000)
    gc.collect()
    took = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert 0.3 * (web.cache.store.used - counted) < took <= web.cache.store.used - counted


@pytest.mark.parametrize(("declared", "detail"), [(True, "too-large"), (False, None)])
def test_one_that_is_too_large_is_not_stored(new_web, declared, detail):
    web = new_web(object_bytes=100)
    ask = web.lookup()
    answer = web.answer(ask, FRESH, body=b"x" * 101)
    relay = ask.answered(answer if declared else answer._replace(body=-2), web.at)
    if relay.recording:
        relay.recording.write(b"x" * 60)
        relay.recording.write(b"x" * 41)
        relay.recording.end()
    assert (relay.recording is None) is declared
    assert detail is None or relay.head.fields[-1].value.endswith(detail.encode())
    assert (len(web.cache.store), web.cache.store.used) == (0, 0)


def test_bodies_on_their_way_count(new_web):
    """And when they alone fill the store, the one too many is not stored."""
    web = new_web(store_bytes=100_000, object_bytes=100_000)
    filled(web, range(10))
    recordings = []
    for number in range(100, 104):
        ask = web.lookup(target=f"/{number}")
        recordings.append(ask.answered(web.answer(ask, FRESH, body=b"x" * 30_000), web.at).recording)
        recordings[-1].write(b"x" * 30_000)
        assert web.cache.store.used <= 100_000
    for recording in recordings:
        recording.end()
    assert len(held(web) & set(range(100, 104))) in (1, 2, 3)
    assert 103 not in held(web)


def test_what_replaces_another_counts_once(web):
    filled(web, [1])
    used = web.cache.store.used
    web.get("Cache-Control: no-cache", FRESH, target="/1", body=b"y" * 1000)
    assert (web.cache.store.used, web.get(target="/1").body[:1]) == (used, b"y")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["get", "put", "big", "vary", "open", "close", "drop"]), st.integers(0, 30)),
                max_size=120))
def test_the_bound_holds_and_the_books_balance(new_web, steps):
    """Whatever is asked for, in whatever order."""
    web, recordings = new_web(store_bytes=40_000, object_bytes=20_000), []
    for what, number in steps:
        target = f"/{number}"
        if what in ("get", "put", "big", "vary"):
            body = b"x" * (number * 300 if what == "big" else 200)
            web.get(f"Cache-Control: {'x' if what == 'get' else 'no-cache'}\nFoo: {number % 7}",
                    FRESH + ("\nVary: Foo" if what == "vary" else ""), body=body,
                    target="/v" if what == "vary" else target)
        elif what == "open":
            ask = web.lookup("Cache-Control: no-cache", target=target)
            relay = ask.answered(web.answer(ask, FRESH)._replace(body=-2), web.at)
            relay.recording.write(b"x" * number * 200)
            recordings.append(relay.recording)
        elif recordings:
            (recordings.pop().end if what == "close" else recordings.pop(0).abort)()
        elif what == "drop":
            web.get(method="PUT", target=target)
        _balanced(web)
    for recording in recordings:
        recording.abort()
    _balanced(web)
    assert web.cache.flights == {}
    assert web.cache.store.used == sum(_sizes(web))


def _sizes(web):
    return [entry.size for resource in web.cache.store.resources.values() for entry in resource.variants.values()]


def _balanced(web):
    store, sizes = web.cache.store, _sizes(web)
    assert sum(sizes) <= store.used <= store.bound
    assert len(sizes) == len(store)
    assert store._small_bytes == sum(it.size for it in store._small)
    assert all(not it.in_main for it in store._small)
    assert all(it.in_main for it in store._main)
    assert len(store._ghosts) <= max(64, store._ghosts_most)
    for resource in store.resources.values():
        plain = [it for it in resource.variants.values() if not it.variant[1]]
        assert resource.only is (plain[0] if len(resource.variants) == 1 and plain else None)
