"""A client's conditions against the store (RFC 9111 4.3.2, RFC 9110 13)."""

from __future__ import annotations

import pytest

FRESH = "Cache-Control: max-age=60"


@pytest.mark.parametrize(("stored", "condition", "status"), [
    ('ETag: "a"', 'If-None-Match: "a"', 304), ('ETag: "a"', 'If-None-Match: "b"', 200),
    ('ETag: "a"', 'If-None-Match: W/"a"', 304), ('ETag: W/"a"', 'If-None-Match: "a"', 304),
    ('ETag: W/"a"', 'If-None-Match: W/"a"', 304), ('ETag: "a"', 'If-None-Match: "x", "a", "y"', 304),
    ('ETag: "a"', 'If-None-Match: "x"\nIf-None-Match: "a"', 304), ('ETag: "a,b"', 'If-None-Match: "a,b"', 304),
    ('ETag: "a"', 'If-None-Match: "a,b"', 200), ('ETag: "a\\"', 'If-None-Match: "a\\"', 304),
    ('ETag: "a"', "If-None-Match: *", 304), ("", "If-None-Match: *", 304), ("", 'If-None-Match: "a"', 200),
    ('ETag: "\xe9"', 'If-None-Match: "\xe9"', 304), ('ETag: "a"', "If-None-Match: a", 200),
    ("Last-Modified: <-100>", "If-Modified-Since: <-100>", 304),
    ("Last-Modified: <-100>", "If-Modified-Since: <-50>", 304),
    ("Last-Modified: <-100>", "If-Modified-Since: <-101>", 200),
    ("Last-Modified: <-100>", "If-Modified-Since: soon", 200),
    ("Last-Modified: <-100>", "If-Modified-Since: Friday, 15-Jan-27 08:00:00 GMT", 304),
    ("", "If-Modified-Since: <0>", 304), ("", "If-Modified-Since: <-1>", 200),
    ('ETag: "a"\nLast-Modified: <-100>', 'If-None-Match: "a"\nIf-Modified-Since: <-500>', 304),
    ('ETag: "a"\nLast-Modified: <-100>', 'If-None-Match: "b"\nIf-Modified-Since: <0>', 200),
])
def test_304_or_200(web, stored, condition, status):
    """RFC 9110 13.1.2, 13.1.3, 13.2.2: If-None-Match before If-Modified-Since, weakly compared."""
    web.get(answer=f"{FRESH}\nDate: <0>\n{stored}")
    seen = web.get(condition)
    assert (seen.hit, seen.status, seen.body) == (True, status, b"" if status == 304 else b"from the origin")


@pytest.mark.parametrize("status", [301, 404, 500])
def test_conditions_are_about_successes(web, status):
    """RFC 9110 13.2.1."""
    web.get(answer=FRESH + '\nETag: "a"', status=status)
    assert web.get('If-None-Match: "a"').status == status


def test_the_fields_of_a_304(web):
    """RFC 9110 15.4.5: those that guide a cache, not those of the body."""
    web.get(answer=FRESH + """\nETag: "a"\nLast-Modified: <-9>\nContent-Type: x/y\nContent-Language: de
                               Content-Location: /\nVary: Foo\nExpires: <9>\nX: y""")
    seen = web.wait(3).get('If-None-Match: "a"')
    assert {it.name.decode() for it in seen.head.fields} == {
        "cache-control", "etag", "content-location", "vary", "expires", "x", "date", "age", "cache-status"}
    assert (seen["Age"], seen.note, seen.head.body, seen.head.declared) == ("3", "hit; ttl=57", -1, -1)


def test_a_304_by_date_has_the_date(web):
    """RFC 9110 15.4.5: Last-Modified where there is no ETag."""
    web.get(answer=FRESH + "\nLast-Modified: <-9>")
    assert web.get("If-Modified-Since: <0>")["Last-Modified"] is not None
