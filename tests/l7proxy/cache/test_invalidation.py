"""What a request that changes things takes out of the store (RFC 9111 4.4)."""

from __future__ import annotations

import pytest

FRESH = "Cache-Control: max-age=60"


@pytest.mark.parametrize("status", [200, 201, 204, 303])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"])
def test_a_success_invalidates(web, method, status):
    """RFC 9111 4.4: any method not known to be safe."""
    web.get(answer=FRESH)
    web.get("Foo: 1", FRESH + "\nVary: Foo")
    web.get(method=method, status=status)
    assert not web.get().hit


@pytest.mark.parametrize(("method", "status"), [
    ("POST", 400), ("POST", 404), ("POST", 500), ("PUT", 503), ("GET", 200), ("HEAD", 200), ("OPTIONS", 200),
    ("TRACE", 200),
    ("PROPFIND", 200), ("REPORT", 200), ("SEARCH", 200), ("QUERY", 200),
])
def test_an_error_or_a_safe_method_does_not(web, method, status):
    """RFC 9111 4.4."""
    web.get(answer=FRESH)
    web.get("Cache-Control: no-store", method=method, status=status)
    assert web.get().hit


@pytest.mark.parametrize(("field", "target", "host", "gone"), [
    ("Location: /b", "/b", "shop.example", True), ("Content-Location: /b", "/b", "shop.example", True),
    ("Location: http://Shop.example/b?x", "/b?x", "shop.example", True), ("Location: b", "/b", "shop.example", True),
    ("Location: /b", "/c", "shop.example", False), ("Location: http://other.example/b", "/b", "other.example", False),
    ("Location: http://[", "/b", "shop.example", False),
])
def test_what_the_answer_names_on_the_same_host(web, field, target, host, gone):
    """RFC 9111 4.4: not on others, which would be a way to attack them."""
    web.get(answer=FRESH, target=target, host=host)
    web.get(answer=field, method="POST", target="/a", status=201)
    assert web.get(target=target, host=host).hit is not gone


def test_all_spaces_are_meant(web):
    for space in (b"one", b"two"):
        web.finish(web.lookup(space=space), FRESH)
    web.get(method="PUT")
    assert len(web.cache.store) == 0


def test_an_answer_from_before_the_change_is_not_stored(web):
    """RFC 9111 4.4: asked for before, it may be the old one."""
    early = web.lookup()
    web.get(method="PUT")
    assert web.finish(early, FRESH).note == "fwd=uri-miss; detail=spoiled"
    assert not web.get().hit


def test_nor_is_one_whose_body_is_still_coming(web):
    """RFC 9111 4.4."""
    ask = web.lookup()
    relay = ask.answered(web.answer(ask, FRESH, body=b"xy"), web.at)
    relay.recording.write(b"x")
    web.get(method="DELETE")
    relay.recording.write(b"y")
    relay.recording.end()
    assert (len(web.cache.store), web.cache.store.used, web.cache.flights) == (0, 0, {})


def test_nor_is_an_answer_to_post_that_another_change_overtakes(web):
    """RFC 9111 4.4; its own success has taken out what was there, not what it brings."""
    ask = web.lookup(method="POST")
    relay = ask.answered(web.answer(ask, FRESH + "\nContent-Location: /", body=b"x"), web.at)
    relay.recording.write(b"x")
    web.get(method="PUT")
    relay.recording.end()
    assert (len(web.cache.store), web.cache.flights) == (0, {})


def test_nor_does_a_304_from_before_bring_it_back(web):
    """RFC 9111 4.3.4, 4.4."""
    web.get(answer='Cache-Control: max-age=0\nETag: "a"')
    early = web.lookup()
    web.get(method="POST")
    assert web.finish(early, FRESH + '\nETag: "a"', 304).status == 200
    assert not web.get().hit
