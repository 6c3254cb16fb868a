"""Using what is stale (RFC 9111 4.2.4): meanwhile it is revalidated, or in place of an error (RFC 5861)."""

from __future__ import annotations

import pytest

from l7proxy.cache import Relay

MEANWHILE = 'Cache-Control: max-age=10, stale-while-revalidate=30\nETag: "a"'


def refreshed(web, ask, answer, status=304, body=b"refreshed"):
    """The background request is answered."""
    outcome = ask.answered(web.answer(ask, answer, status, body), web.at)
    if isinstance(outcome, Relay) and outcome.recording is not None:
        outcome.recording.write(body)
        outcome.recording.end()


def test_it_is_served_stale_while_it_is_revalidated(web):
    """RFC 5861 3."""
    web.get(answer=MEANWHILE, body=b"stored")
    seen = web.wait(12).get("User-Agent: x\nCookie: a")
    assert (seen.hit, seen.body, seen.note, seen["Age"]) == (
        True, b"stored", "hit; ttl=-2; detail=stale-while-revalidate", "12")
    sent = {it.name: it.value for it in seen.refresh.request.fields}
    assert (seen.refresh.request.method, sent[b"if-none-match"], sent[b"user-agent"]) == (b"GET", b'"a"', b"x")
    refreshed(web, seen.refresh, MEANWHILE)
    again = web.get()
    assert (again.note, again.body, again.refresh) == ("hit; ttl=10", b"stored", None)


def test_what_it_brings_is_stored(web):
    """RFC 5861 3."""
    web.get(answer=MEANWHILE, body=b"stored")
    refreshed(web, web.wait(12).get().refresh, MEANWHILE, 200)
    assert web.get().body == b"refreshed"


def test_one_request_revalidates_for_all(web):
    """RFC 9111 4: requests that would be collapsed are."""
    web.get(answer=MEANWHILE)
    web.wait(12)
    assert [web.get().refresh is not None for _ in range(3)] == [True, False, False]


def test_after_one_that_failed_the_next_tries_again(web):
    web.get(answer=MEANWHILE)
    assert web.wait(12).get().refresh.failed(web.at) is not None
    assert web.get().refresh is not None


@pytest.mark.parametrize(("age", "hit"), [(39, True), (40, False), (41, False)])
def test_until_its_window_is_over(web, age, hit):
    """RFC 5861 3."""
    web.get(answer=MEANWHILE)
    assert web.wait(age).get().hit is hit


@pytest.mark.parametrize("forbidden", ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"])
def test_not_where_it_is_forbidden(web, forbidden):
    """RFC 9111 4.2.4."""
    web.get(answer=f"{MEANWHILE}\nCache-Control: {forbidden}")
    assert not web.wait(12).get().hit


@pytest.mark.parametrize("wish", ["no-cache", "max-age=60", "min-fresh=1"])
def test_not_for_a_client_that_asks_for_more(web, wish):
    """RFC 9111 5.2.1."""
    web.get(answer=MEANWHILE)
    assert not web.wait(12).get(f"Cache-Control: {wish}").hit


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504])
@pytest.mark.parametrize("answer", ["Cache-Control: max-age=10, stale-if-error=60", "Cache-Control: max-age=10"])
def test_in_place_of_an_error(web, status, answer):
    """RFC 5861 4, RFC 9111 4.3.3, and with nobody to ask 4.2.4."""
    web.get(answer=answer, body=b"stored")
    seen = web.wait(12).get(answer=None if status is None else "", status=status or 0)
    said = f"fwd=stale;{f' fwd-status={status};' if status else ''} ttl=-2; detail=stale-if-error"
    assert (seen.status, seen.body, seen.note) == (200, b"stored", said)


@pytest.mark.parametrize("status", [400, 403, 404, 429, 501])
def test_what_is_no_error_of_the_server_goes_through(web, status):
    """RFC 5861 4."""
    web.get(answer="Cache-Control: max-age=10, stale-if-error=60")
    assert web.wait(12).get(status=status).status == status


@pytest.mark.parametrize(("window", "age", "served"), [
    (5, 14, True), (5, 16, False), (0, 11, False), (None, 69, True), (None, 71, False),
])
def test_until_the_window_is_over_or_the_bound_of_the_cache(new_web, window, age, served):
    """RFC 5861 4; unreachable_s where the origin says nothing."""
    web = new_web(unreachable_s=60)
    web.get(answer="Cache-Control: max-age=10" + ("" if window is None else f", stale-if-error={window}"))
    assert (web.wait(age).get(answer=None) is not None) is served


@pytest.mark.parametrize("forbidden", ["must-revalidate", "proxy-revalidate", "s-maxage=10", "no-cache"])
def test_never_where_it_is_forbidden(web, forbidden):
    """RFC 9111 4.2.4, 5.2.2.2."""
    web.get(answer=f'Cache-Control: max-age=10, stale-if-error=60, {forbidden}\nETag: "a"')
    assert web.wait(12).get(answer=None) is None
    assert web.get(status=503).status == 503


@pytest.mark.parametrize("wish", ["no-cache", "max-age=0"])
def test_a_client_that_wants_it_validated_sees_the_error(web, wish):
    """RFC 9111 5.2.1."""
    web.get(answer="Cache-Control: max-age=10, stale-if-error=60")
    assert web.wait(1).get(f"Cache-Control: {wish}", status=503).status == 503


def test_the_error_leaves_what_is_stored(web):
    """RFC 9111 4.3.3."""
    web.get(answer="Cache-Control: max-age=10, must-revalidate\nETag: \"a\"")
    web.wait(12).get(status=503)
    assert web.get().sent("If-None-Match") == '"a"'
