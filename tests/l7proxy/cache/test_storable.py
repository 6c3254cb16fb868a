"""What is stored, and of it what (RFC 9111 3), row by row of the table, and what Cache-Status says of it."""

from __future__ import annotations

import pytest

from l7proxy.cache.storable import RULES, resolved

FRESH = "Cache-Control: max-age=60"


@pytest.mark.parametrize(("request_fields", "answer", "status", "detail"), [
    ("", FRESH, 200, ""),
    ("", FRESH, 206, "partial"), ("", FRESH, 304, "not-modified"),
    ("", FRESH + ", no-store, must-understand", 599, "not-understood"),
    ("", FRESH + ", no-store, must-understand", 200, ""),
    ("Cache-Control: no-store", FRESH, 200, "request-no-store"),
    ("", FRESH + ", no-store", 200, "no-store"), ("", FRESH + ", NO-STORE", 200, "no-store"),
    ("", FRESH + ", private", 200, "private"), ("", FRESH + ', private="x"', 200, ""),
    ("", "CDN-Cache-Control: private\n" + FRESH, 200, "private"),
    ("Authorization: Basic x", FRESH, 200, "authorization"), ("Authorization: Basic x", FRESH + ", public", 200, ""),
    ("Authorization: Basic x", FRESH + ", must-revalidate", 200, ""),
    ("Authorization: Basic x", "Cache-Control: s-maxage=60", 200, ""),
    ("Authorization: Basic x", FRESH + ", proxy-revalidate", 200, "authorization"),
    ("", FRESH + "\nVary: *", 200, "vary-any"), ("", FRESH + "\nVary: a, *", 200, "vary-any"),
    ("", FRESH + "\nVary: \nVary: *, *", 200, "vary-any"),
    ("", 'ETag: "a"', 500, "status"), ("", 'ETag: "a"', 201, "status"),
    ("", 'ETag: "a"\nCache-Control: public', 201, ""),
    ("", FRESH, 500, ""), ("", FRESH, 201, ""), ("", FRESH, 599, ""), ("", "Expires: <60>", 302, ""),
    ("", "", 200, "no-use"), ("", "Cache-Control: max-age=0", 200, "no-use"),
    ("", "Cache-Control: no-cache, max-age=9", 200, "no-use"),
    ("", 'Cache-Control: max-age=0\nETag: "a"', 200, ""), ("", "Cache-Control: no-cache\nLast-Modified: <-9>", 200, ""),
    ("", 'ETag: "a"', 200, ""), ("", FRESH + "\nSet-Cookie: a=b", 200, ""), ("Cookie: a=b", FRESH, 200, ""),
    ("Range: bytes=0-1", FRESH, 206, "partial"),
])
def test_what_is_stored_and_why_not(web, request_fields, answer, status, detail):
    """RFC 9111 3, 3.3, 3.5, 5.2.1.5, 5.2.2; RFC 9211 2."""
    seen = web.get(request_fields, answer, status)
    assert ("stored" in seen.note) is (detail == "")
    assert seen.note.endswith(f"detail={detail}") if detail else "detail" not in seen.note
    assert len(web.cache.store) == (detail == "")


def test_each_row_of_the_table_names_its_section():
    assert all(section.startswith("RFC 91") for _, section, _ in RULES)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "M-SEARCH"])
def test_other_methods_are_forwarded_and_not_stored(web, method):
    """RFC 9111 3; RFC 9211 2.2."""
    for _ in range(2):
        seen = web.get(answer=FRESH, method=method)
        assert (seen.hit, seen.note) == (False, "fwd=method")


def test_a_get_with_a_body_is_no_business_of_a_cache(web):
    """RFC 9110 9.3.1: its body has no meaning, but may have one to its origin."""
    web.get(answer=FRESH)
    assert web.get(answer=FRESH, body=b"x", method="GET").hit
    bodied = web.cache.lookup(web.head(body=3), web.at)
    assert web.finish(bodied, FRESH).note == "fwd=bypass"


@pytest.mark.parametrize(("answer", "stored"), [
    (FRESH + "\nContent-Location: /", True), (FRESH + "\nContent-Location: http://shop.example/", True),
    ("Expires: <60>\nContent-Location: /", True),
    (FRESH + "\nContent-Location: /other", False), (FRESH + "\nContent-Location: http://else.example/", False),
    ("Last-Modified: <-600>\nContent-Location: /", False), (FRESH, False),
    (FRESH + ", no-store\nContent-Location: /", False),
])
def test_an_answer_to_post_that_says_it_answers_get(web, answer, stored):
    """RFC 9110 9.3.3: explicit freshness, and Content-Location is its URI."""
    web.get(answer=answer, method="POST", body=b"answer")
    seen = web.get(answer="Cache-Control: no-store")
    assert seen.hit is stored
    assert web.get(answer=answer, method="POST").hit is False


def test_fields_that_are_not_stored(web):
    """RFC 9111 3.1: what is for the proxy before, and what private and no-cache name."""
    web.get(answer="""Cache-Control: max-age=60, private="a, x-b", no-cache="C"
                      A: 1\nX-B: 2\nc: 3\nD: 4\nSet-Cookie: e=f\nProxy-Authenticate: x\nProxy-Authentication-Info: x
                      Proxy-Authorization: x\nAge: 5""")
    seen = web.get()
    assert seen.hit
    assert [it.line.split(b":")[0].decode() for it in seen.head.fields] == [
        "Cache-Control", "D", "Set-Cookie", "Date", "Age", "Cache-Status"]
    assert seen["Age"] == "5"


def test_the_fields_that_are_named_go_through_the_first_time(web):
    """RFC 9111 5.2.2.7: they are for the one who asked."""
    assert web.get(answer=FRESH + ', private="a"\nA: 1')["A"] == "1"


def test_an_incomplete_body_is_not_stored(web):
    """RFC 9111 3.3."""
    ask = web.lookup()
    relay = ask.answered(web.answer(ask, FRESH, body=b"12345"), web.at)
    relay.recording.write(b"123")
    relay.recording.end()
    assert not web.get(answer=FRESH).hit
    assert web.cache.store.used == web.cache.store.resources[b"shop.example", b"/"].only.size


@pytest.mark.parametrize("end", ["abort", "abandoned"])
def test_a_body_that_breaks_off_is_not_stored(web, end):
    """RFC 9111 3.3."""
    ask = web.lookup()
    relay = ask.answered(web.answer(ask, FRESH), web.at)
    relay.recording.write(b"half")
    (relay.recording.abort if end == "abort" else ask.abandoned)()
    relay.recording.abort()
    assert (len(web.cache.store), web.cache.store.used, web.cache.flights) == (0, 0, {})


def test_an_origin_without_a_clock_gets_a_date(web):
    """RFC 9110 6.6.1."""
    ask = web.lookup()
    answer = web.answer(ask, FRESH)
    relay = ask.answered(answer._replace(fields=answer.fields[:1], dated=False), web.at)
    assert [it.value for it in relay.head.fields if it.name == b"date"] == [b"Fri, 15 Jan 2027 08:00:00 GMT"]
    assert relay.head.dated


@pytest.mark.parametrize("status", [
    200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 599,
])
def test_any_final_status_with_a_stated_lifetime_is_used_until_it_is_over(web, status):
    """RFC 9111 3, 4.2."""
    first = web.get(answer=FRESH, status=status)
    seen = web.wait(59).get()
    assert (seen.hit, seen.status, seen.body) == (True, status, first.body)
    assert not web.wait(2).get().hit


def test_what_replaces_the_stored_one_but_may_not_be_stored_leaves_nothing(web):
    """RFC 9111 3: the old one is outdated."""
    web.get(answer=FRESH)
    web.wait(61).get(answer="Cache-Control: no-store")
    assert len(web.cache.store) == 0


def test_a_fresh_one_stays_when_a_client_wants_its_own_not_stored(web):
    """RFC 9111 5.2.1.5: a client's no-store speaks of the answer it gets."""
    web.get(answer=FRESH)
    assert web.get("Cache-Control: no-store", answer=FRESH, body=b"other").body == b"other"
    assert web.get().body == b"from the origin"


@pytest.mark.parametrize(("reference", "key"), [
    (b"", (b"a.example", b"/d/x?q")), (b"y", (b"a.example", b"/d/y")), (b"/y?z=1", (b"a.example", b"/y?z=1")),
    (b"http://A.example/y", (b"a.example", b"/y")), (b"https://a.example", (b"a.example", b"/")),
    (b"//b.example/y", None), (b"http://b.example/y", None), (b"http://a.example:81/y", None), (b"http://[", None),
    (b"../y#part", (b"a.example", b"/y")),
])
def test_what_a_reference_means(reference, key):
    """RFC 3986 5; RFC 9111 4.4: the same origin only."""
    assert resolved((b"a.example", b"/d/x?q"), reference) == key
