"""Asking the origin whether what is stored is still right (RFC 9111 4.3), and what its answer does to the store."""

from __future__ import annotations

import pytest

STALE = "Cache-Control: max-age=0\nETag: \"a\""
LATER = "Cache-Control: max-age=60"


@pytest.mark.parametrize(("validators", "sent"), [
    ('ETag: "a"', {"If-None-Match": '"a"', "If-Modified-Since": None}),
    ('ETag: W/"a"', {"If-None-Match": 'W/"a"'}),
    ("Last-Modified: <-100>", {"If-None-Match": None, "If-Modified-Since": "Fri, 15 Jan 2027 07:58:20 GMT"}),
    ('ETag: "a"\nLast-Modified: <-100>',
     {"If-None-Match": '"a"', "If-Modified-Since": "Fri, 15 Jan 2027 07:58:20 GMT"}),
])
def test_what_is_stored_and_stale_is_validated(web, validators, sent):
    """RFC 9111 4.3.1."""
    web.get(answer=f"Cache-Control: max-age=0\n{validators}", body=b"stored")
    seen = web.get(answer=f"{LATER}\n{validators}", status=304)
    assert {name: seen.sent(name) for name in sent} == sent
    assert (seen.status, seen.body, seen.note) == (200, b"stored", "fwd=stale; fwd-status=304; ttl=60")
    assert web.wait(59).get().hit


def test_without_a_validator_all_of_it_is_asked_for(web):
    """RFC 9111 4.3.1."""
    web.get(answer=LATER)
    seen = web.wait(61).get(answer=LATER, body=b"new")
    assert (seen.sent("If-None-Match"), seen.sent("If-Modified-Since"), seen.body) == (None, None, b"new")
    assert web.get().body == b"new"


def test_the_conditions_of_the_client_give_way_to_ours(web):
    """RFC 9111 4.3.1: both are met by what the store answers then."""
    web.get(answer=STALE + "\nLast-Modified: <-100>", body=b"stored")
    request = 'If-None-Match: "other"\nIf-Modified-Since: <-500>\nRange: bytes=0-1\nX: y'
    seen = web.get(request, STALE, status=304)
    assert (seen.sent("If-None-Match"), seen.sent("X"), seen.sent("Range")) == ('"a"', "y", "bytes=0-1")
    assert (seen.status, seen.body) == (206, b"st")


@pytest.mark.parametrize(("condition", "status"), [('If-None-Match: "a"', 304), ("If-Modified-Since: <-100>", 304),
                                                   ('If-None-Match: "b"', 200)])
def test_a_condition_of_the_client_is_answered_after_validation(web, condition, status):
    """RFC 9111 4.3.2, 4.3.3."""
    web.get(answer=STALE + "\nLast-Modified: <-100>")
    assert web.get(condition, STALE, status=304).status == status


@pytest.mark.parametrize("wish", ["no-cache", "max-age=0"])
def test_a_client_that_wants_it_validated(web, wish):
    """RFC 9111 5.2.1.1, 5.2.1.4; RFC 9211 2.2: the request's doing."""
    web.get(answer=LATER + '\nETag: "a"', body=b"stored")
    seen = web.wait(1).get(f"Cache-Control: {wish}", LATER + '\nETag: "a"', status=304)
    assert (seen.sent("If-None-Match"), seen.body, seen.note) == (
        '"a"', b"stored", "fwd=request; fwd-status=304; ttl=60")


def test_no_cache_is_stored_and_validated_each_time(web):
    """RFC 9111 5.2.2.4."""
    web.get(answer='Cache-Control: no-cache, max-age=60\nETag: "a"', body=b"stored")
    for _ in range(2):
        seen = web.get(answer='Cache-Control: no-cache, max-age=60\nETag: "a"', status=304)
        assert (seen.sent("If-None-Match"), seen.body) == ('"a"', b"stored")


@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate"])
def test_must_revalidate_is_used_while_it_is_fresh_and_no_longer(web, directive):
    """RFC 9111 5.2.2.2, 5.2.2.8."""
    web.get(answer=f'Cache-Control: max-age=60, {directive}\nETag: "a"')
    assert web.wait(59).get().hit
    assert web.wait(2).get(answer=STALE, status=304).sent("If-None-Match") == '"a"'


def test_a_304_updates_the_fields_but_the_length(web):
    """RFC 9111 3.2."""
    web.get(answer=STALE + "\nA: 1\nA: 2\nB: 1\nContent-Type: x/y\nAge: 9", body=b"stored")
    first = web.get(answer=LATER + '\nETag: "a"\nA: 3\nC: 4', status=304)
    for seen in (first, web.get()):
        assert [seen[it] for it in ("A", "B", "C", "Cache-Control", "Content-Type", "Age")] == [
            "3", "1", "4", "max-age=60", "x/y", "0"]
        assert (seen.head.body, seen.body) == (6, b"stored")


@pytest.mark.parametrize(("stored", "answer", "updates"), [
    ('ETag: "a"', 'ETag: "a"', True), ('ETag: "a"', 'ETag: "b"', False), ('ETag: "a"', 'ETag: W/"a"', True),
    ('ETag: W/"a"', 'ETag: W/"a"', True), ('ETag: W/"a"', 'ETag: "a"', False), ('ETag: "a"', "", True),
    ("Last-Modified: <-9>", "Last-Modified: <-9>", True), ("Last-Modified: <-9>", "Last-Modified: <-8>", False),
    ('ETag: "a"\nLast-Modified: <-9>', "Last-Modified: <-9>", True), ("Last-Modified: <-9>", 'ETag: "a"', False),
])
def test_which_304_is_about_what_is_stored(web, stored, answer, updates):
    """RFC 9111 4.3.4: strong validators identify, weak ones must correspond."""
    web.get(answer=f"Cache-Control: max-age=0\n{stored}\nX: old")
    seen = web.get(answer=f"{LATER}\n{answer}\nX: new", status=304)
    assert (seen.status, seen["X"]) == (200, "new" if updates else "old")
    assert web.get().hit is updates
    assert updates or len(web.cache.store) == 0


def test_all_variants_with_the_same_strong_tag_are_updated(web):
    """RFC 9111 4.3.4."""
    for foo in "12":
        web.get(f"Foo: {foo}", STALE + "\nVary: Foo")
    web.get("Foo: 3", 'Cache-Control: max-age=0\nETag: "c"\nVary: Foo')
    web.get("Foo: 1", LATER + '\nETag: "a"\nVary: Foo\nX: new', status=304)
    assert [web.get(f"Foo: {foo}", "").hit for foo in "123"] == [True, True, False]
    assert web.get("Foo: 2")["X"] == "new"


def test_a_304_that_forbids_storing_takes_it_out(web):
    """RFC 9111 4.3.4, 5.2.2.5."""
    web.get(answer=STALE, body=b"stored")
    assert web.get(answer='Cache-Control: no-store\nETag: "a"', status=304).body == b"stored"
    assert len(web.cache.store) == 0


def test_a_304_that_varies_by_something_new(web):
    """RFC 9111 4.1, 4.3.4."""
    web.get("Foo: 1", STALE)
    web.get("Foo: 1", LATER + '\nETag: "a"\nVary: Foo', status=304)
    assert [web.get(f"Foo: {foo}", "").hit for foo in "12"] == [True, False]


def test_a_200_replaces_what_was_asked_about(web):
    """RFC 9111 4.3.3."""
    web.get(answer=STALE + "\nX: old", body=b"old")
    seen = web.get(answer=LATER + '\nETag: "b"', body=b"new")
    assert (seen.body, seen.note) == (b"new", "fwd=stale; stored; ttl=60")
    assert (web.get().body, web.get()["X"], len(web.cache.store)) == (b"new", None, 1)


def test_a_304_to_the_client_alone_goes_through(web):
    """RFC 9111 4.3.2: with nothing stored, its conditions are for the origin."""
    seen = web.get('If-None-Match: "a"', 'ETag: "a"', status=304)
    assert (seen.status, seen.sent("If-None-Match"), len(web.cache.store)) == (304, '"a"', 0)


@pytest.mark.parametrize("condition", ['If-Match: "a"', "If-Unmodified-Since: <0>"])
def test_conditions_for_the_origin_alone(web, condition):
    """RFC 9111 4.3.2."""
    web.get(answer=LATER + '\nETag: "a"')
    seen = web.get(condition, status=412)
    assert (seen.hit, seen.status, seen.sent(condition.split(":")[0]) is not None) == (False, 412, True)
    assert seen.sent("If-None-Match") is None
    assert web.get().hit


def test_head_is_answered_from_a_stored_get(web):
    """RFC 9111 4: GET's answer serves HEAD; RFC 9110 9.3.2."""
    web.get(answer=LATER + "\nX: y", body=b"stored")
    seen = web.get(method="HEAD")
    assert (seen.hit, seen.status, seen.body, seen.head.declared, seen["X"]) == (True, 200, b"", 6, "y")
    assert web.get('If-None-Match: *', method="HEAD").status == 304


@pytest.mark.parametrize(("answer", "length", "updates"), [
    ('ETag: "a"', 6, True), ("", 6, True), ('ETag: "b"', 6, False), ('ETag: "a"', 7, False),
])
def test_head_updates_or_outdates_a_stored_get(web, answer, length, updates):
    """RFC 9111 4.3.5."""
    web.get(answer=STALE + "\nX: old\nY: 1", body=b"stored")
    seen = web.get(answer=f"{LATER}\n{answer}\nX: new", method="HEAD", body=b"." * length)
    assert (seen.hit, seen.status, seen["X"], seen["Y"]) == (False, 200, "new", "1" if updates else None)
    after = web.get(answer="Cache-Control: no-store", body=b"")
    assert (after.hit, after["X"], after.body) == ((True, "new", b"stored") if updates else (False, None, b""))


def test_a_head_for_something_else_than_200_is_not_stored(web):
    """RFC 9111 3, 4.3.5: it has no content that a GET could be given."""
    web.get(answer=STALE)
    assert web.get(answer=LATER, method="HEAD", status=410).status == 410
    assert not web.get().hit


def test_the_answer_to_the_later_request_stays(web):
    """Two clients ask at once; the first one's answer is the last to come."""
    web.get(answer=STALE)
    first = web.lookup("Cache-Control: no-cache")
    second = web.wait(1).lookup("Cache-Control: no-cache")
    web.finish(second, LATER + '\nETag: "b"', body=b"later")
    web.wait(1).finish(first, LATER + '\nETag: "a"', status=304)
    assert web.get().body == b"later"
