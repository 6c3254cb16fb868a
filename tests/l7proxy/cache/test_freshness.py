"""Lifetime and age (RFC 9111 4.2), and what a client may ask of them (5.2.1)."""

from __future__ import annotations

import pytest


def lasts(web, answer, seconds, **more):
    """Whether what is answered is used for just so many seconds."""
    web.get(answer=answer, **more)
    web.wait(seconds - 0.01)
    fresh = web.get().hit if seconds else True
    web.wait(0.02)
    return fresh and not web.get(answer="Cache-Control: no-store").hit


@pytest.mark.parametrize(("answer", "seconds"), [
    ("Cache-Control: max-age=60", 60),
    ("Cache-Control: max-age=1, s-maxage=60", 60),
    ("Cache-Control: max-age=60, s-maxage=1", 1),
    ("Cache-Control: max-age=60\nExpires: <-9>", 60),
    ("Cache-Control: max-age=60\nExpires: 0", 60),
    ("Cache-Control: max-age=0\nExpires: <60>", 0),
    ("Cache-Control: s-maxage=30\nExpires: <60>", 30),
    ("Expires: <60>", 60),
    ("Expires: <60>\nDate: <0>", 60),
    ("Expires: <60>\nDate: <100>", 0),
    ("Expires: <160>\nDate: <100>", 60),
    ("Expires: <60>\nExpires: <9>", 9),
    ("Expires: <60>\nExpires: 0", 0),
    ("Expires: 0", 0), ("Expires: -1", 0), ("Expires: <0>", 0), ("Expires: <-60>", 0),
    ("Expires: <60>\nDate: garbled", 60),
    ("", 0), ("ETag: \"a\"", 0),
    ("CDN-Cache-Control: max-age=60\nCache-Control: no-store\nExpires: <-1>", 60),
    ("CDN-Cache-Control: max-age=5\nCache-Control: max-age=60", 5),
    ("CDN-Cache-Control: MAX-AGE=5\nCache-Control: max-age=60", 60),
    ("CDN-Cache-Control: public\nExpires: <60>", 0),
])
def test_the_lifetime_is_what_the_first_of_them_says(web, answer, seconds):
    """RFC 9111 4.2.1, 5.3; RFC 9213 2.2."""
    assert lasts(web, answer, seconds)


@pytest.mark.parametrize(("answer", "seconds"), [
    ("Last-Modified: <-600>", 60), ("Last-Modified: <-6000000>", 86_400), ("Last-Modified: <600>", 0),
    ("Last-Modified: garbled", 0), ("Last-Modified: <-600>\nCache-Control: public", 60),
    ("Last-Modified: <-600>\nSet-Cookie: a=b", 0), ("Last-Modified: <-600>\nExpires: 0", 0),
])
def test_without_a_word_a_tenth_of_the_time_since_its_last_change(web, answer, seconds):
    """RFC 9111 4.2.2."""
    assert lasts(web, answer, seconds)


@pytest.mark.parametrize(("status", "guessed"), [
    (200, True), (203, True), (204, True), (300, True), (301, True), (308, True), (404, True), (405, True), (410, True),
    (414, True), (501, True), (201, False), (202, False), (302, False), (307, False), (403, False), (500, False),
    (503, False), (599, False),
])
def test_which_statuses_a_guess_is_made_for(web, status, guessed):
    """RFC 9110 15.1."""
    web.get(answer="Last-Modified: <-600>", status=status)
    assert web.get(status=status).hit is guessed


def test_public_allows_a_guess_for_any_status(web):
    """RFC 9111 4.2.2, 5.2.2.9."""
    web.get(answer="Last-Modified: <-600>\nCache-Control: public", status=599)
    assert web.get().hit


@pytest.mark.parametrize(("answer", "delay", "age"), [
    ("", 0, 0), ("Age: 30", 0, 30), ("Age: 30", 4, 34), ("", 4, 4), ("Date: <-20>", 0, 20),
    ("Date: <-20>\nAge: 30", 0, 30),
    ("Date: <-40>\nAge: 30", 0, 40), ("Date: <40>", 0, 0), ("Date: <0>", 4, 4),
])
def test_age_is_the_larger_of_what_date_and_age_say(web, answer, delay, age):
    """RFC 9111 4.2.3."""
    web.get(answer=f"Cache-Control: max-age=600\n{answer}", delay=delay)
    assert web.get()["Age"] == str(age)
    assert web.wait(7).get()["Age"] == str(age + 7)


@pytest.mark.parametrize(("line", "age"), [
    ("Age: 30, 0", 30), ("Age: 0, 30", 0), ("Age: 30\nAge: 0", 30), ("Age: 0\nAge: 30", 0), ("Age: abc", 0),
    ("Age: -5", 0),
    ("Age: 5.0", 0), ("Age: 5;x=1", 0), ("Age: , 5", 5),
])
def test_of_an_age_that_is_a_list_the_first_counts(web, line, age):
    """RFC 9111 5.1."""
    web.get(answer=f"Cache-Control: max-age=600\n{line}")
    assert web.get()["Age"] == str(age)


@pytest.mark.parametrize("age", [2**31 - 1, 2**31, 2**31 + 1, 10**40])
def test_a_huge_age_is_stale(web, age):
    """RFC 9111 1.2.2."""
    web.get(answer=f"Cache-Control: max-age=3600\nAge: {age}\nETag: \"a\"")
    assert not web.get().hit


def test_age_is_shown_and_date_is_left_alone(web):
    """RFC 9111 5.1, 4: an Age in place of the origin's."""
    web.get(answer="Cache-Control: max-age=600\nDate: <0>\nAge: 5")
    seen = web.wait(10).get()
    assert (seen["Age"], seen["Date"]) == ("15", "Fri, 15 Jan 2027 08:00:00 GMT")


@pytest.mark.parametrize("jump", [-86_400, 86_400])
def test_a_wall_clock_that_jumps_changes_no_age(web, jump):
    """RFC 9111 4.2.3: time spent in here is not the wall's."""
    web.get(answer="Cache-Control: max-age=60\nETag: \"a\"")
    web.cache.wall_s += jump
    assert web.wait(59).get()["Age"] == "59"
    assert not web.wait(2).get().hit


@pytest.mark.parametrize(("age", "wish", "hit"), [
    (10, "max-age=10", True), (11, "max-age=10", False), (0, "max-age=0", True), (1, "max-age=0", False),
    (40, "min-fresh=20", True), (41, "min-fresh=20", False), (0, "min-fresh=61", False),
    (10, "no-cache", False), (10, "no-store", False), (10, "x", True), (10, "max-age=x", False),
    (70, "max-stale", True), (70, "max-stale=11", True), (70, "max-stale=10", False), (70, "max-stale=0", False),
    (70, "max-stale=99, max-age=60", False), (70, "max-stale, min-fresh=1", True),
])
def test_request_directives(web, age, wish, hit):
    """RFC 9111 5.2.1."""
    web.get(answer="Cache-Control: max-age=60")
    assert web.wait(age).get(f"Cache-Control: {wish}").hit is hit


@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate", "s-maxage=60", "no-cache"])
def test_max_stale_is_no_match_for_these(web, directive):
    """RFC 9111 4.2.4."""
    web.get(answer=f"Cache-Control: max-age=60, {directive}\nETag: \"a\"")
    assert not web.wait(70).get("Cache-Control: max-stale").hit


def test_pragma_where_there_is_no_cache_control(web):
    """RFC 9111 5.4."""
    web.get(answer="Cache-Control: max-age=60")
    assert web.get("Pragma: foo").hit
    assert web.get("Pragma: no-cache\nCache-Control: x").hit
    assert not web.get("Pragma: no-cache").hit


def test_only_if_cached(web):
    """RFC 9111 5.2.1.7: 504 rather than a request."""
    seen = web.get("Cache-Control: only-if-cached")
    assert (seen.hit, seen.status, seen.note) == (True, 504, "detail=only-if-cached")
    head = web.get("Cache-Control: only-if-cached", method="HEAD")
    assert (head.status, head.body, head.head.declared) == (504, b"", len(seen.body))
    web.get(answer="Cache-Control: max-age=60")
    assert web.get("Cache-Control: only-if-cached").status == 200
