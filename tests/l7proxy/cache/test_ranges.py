"""Parts of what is stored whole (RFC 9110 14), and If-Range (13.1.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.cache.ranges import part

BODY = b"0123456789a"
FRESH = "Cache-Control: max-age=60\nContent-Type: text/x"


@pytest.mark.parametrize(("wanted", "said", "body"), [
    ("0-1", "0-1", b"01"), ("1-", "1-10", BODY[1:]), ("-1", "10-10", b"a"), ("-99", "0-10", BODY),
    ("0-99", "0-10", BODY),
    ("10-10", "10-10", b"a"), ("0-0,99-", "0-0", b"0"), (" 2-3 ", "2-3", b"23"),
])
def test_one_range(web, wanted, said, body):
    """RFC 9110 14.1.2, 15.3.7.1."""
    web.get(answer=FRESH + '\nETag: "a"', body=BODY)
    seen = web.get(f"Range: bytes={wanted}")
    assert (seen.hit, seen.status, seen.body, seen.head.body) == (True, 206, body, len(body))
    assert (seen["Content-Range"], seen["ETag"], seen["Age"], seen.note) == (
        f"bytes {said}/11", '"a"', "0", "hit; ttl=60")


@pytest.mark.parametrize("wanted", ["11-", "11-12", "-0", "99-100,11-"])
def test_nothing_of_it(web, wanted):
    """RFC 9110 14.4, 15.5.17."""
    web.get(answer=FRESH, body=BODY)
    seen = web.get(f"Range: bytes={wanted}")
    assert (seen.status, seen.body, seen["Content-Range"]) == (416, b"", "bytes */11")


@pytest.mark.parametrize("value", [
    "bytes=5-1", "bytes=", "bytes=a-b", "bytes", "lines=0-1", "bytes=0-1;2-3", "bytes=--1", "bytes=-", "bytes=0-4,2-6",
    "bytes=" + ",".join(f"{n}-{n}" for n in range(9)),
])
def test_what_is_no_range_or_not_worth_it_gets_all(web, value):
    """RFC 9110 14.2: a Range may be ignored, and must where it is not understood."""
    web.get(answer=FRESH, body=BODY)
    assert web.get(f"Range: {value}").status == 200


def test_several_ranges(web):
    """RFC 9110 14.6, 15.3.7.2."""
    web.get(answer=FRESH, body=BODY)
    seen = web.get("Range: BYTES=0-1, 5-6,-1")
    assert (seen.status, seen["Content-Type"], seen["Content-Range"]) == (
        206, "multipart/byteranges; boundary=layer-lab", None)
    parts = seen.body.split(b"--layer-lab")
    assert parts[1:-1] == [b"\r\nContent-Type: text/x\r\nContent-Range: bytes %b/11\r\n\r\n%b\r\n" % it
                           for it in ((b"0-1", b"01"), (b"5-6", b"56"), (b"10-10", b"a"))]
    assert parts[-1] == b"--\r\n"


def test_the_boundary_is_not_in_the_body():
    """RFC 2046 5.1.1."""
    body = b"layer-lab-9" * 4
    found = part(b"bytes=0-1,5-6", body, None)
    assert found is not None
    assert found.fields[0].value.rpartition(b"=")[2] not in body


@pytest.mark.parametrize(("stored", "condition", "status"), [
    ('ETag: "a"', '"a"', 206), ('ETag: "a"', '"b"', 200), ('ETag: W/"a"', 'W/"a"', 200),
    ("Last-Modified: <-9>", "<-9>", 206),
    ("Last-Modified: <-9>", "<-8>", 200), ("Last-Modified: <0>", "<0>", 200), ("", "<0>", 200), ('ETag: "a"', "a", 200),
])
def test_if_range(web, stored, condition, status):
    """RFC 9110 13.1.5: strongly compared, and a date only if it is strong (8.8.2.2)."""
    web.get(answer=f"{FRESH}\nDate: <0>\n{stored}", body=BODY)
    assert web.get(f"Range: bytes=0-1\nIf-Range: {condition}").status == status


def test_conditions_come_before_ranges(web):
    """RFC 9110 13.2.2."""
    web.get(answer=FRESH + '\nETag: "a"', body=BODY)
    assert web.get('Range: bytes=0-1\nIf-None-Match: "a"').status == 304


@pytest.mark.parametrize(("method", "stored"), [("HEAD", 200), ("GET", 404)])
def test_ranges_are_for_get_and_for_success(web, method, stored):
    """RFC 9110 14.2."""
    web.get(answer=FRESH, body=BODY, status=stored)
    assert web.get("Range: bytes=0-1", method=method).status == stored


def test_a_part_that_came_is_not_stored_and_leaves_what_is(web):
    """RFC 9111 3.3, 3.4: parts are not put together here."""
    web.get(answer='Cache-Control: max-age=1\nETag: "a"', body=BODY)
    seen = web.wait(2).get("Range: bytes=0-1", FRESH + "\nContent-Range: bytes 0-1/11", 206, b"xx")
    assert (seen.status, seen.body, seen.note) == (206, b"xx", "fwd=stale; detail=partial")
    assert web.get(answer="", status=304).body == BODY


@given(st.lists(st.tuples(st.integers(0, 20) | st.none(), st.integers(0, 20) | st.none()), min_size=1, max_size=4),
       st.binary(max_size=15))
def test_a_part_is_a_part(wanted, body):
    """RFC 9110 14.1.2: what is sent is what Content-Range says."""
    value = b"bytes=" + b",".join(b"%b-%b" % tuple(b"" if it is None else b"%d" % it for it in one) for one in wanted)
    found = part(value, body, None)
    if found is None or found.status == 416:
        return
    said = {it.name: it.value for it in found.fields}.get(b"content-range")
    if said is not None:
        first, last = map(int, said[6:].partition(b"/")[0].split(b"-"))
        assert found.body == body[first:last + 1] != b""
        assert said.endswith(b"/%d" % len(body))
