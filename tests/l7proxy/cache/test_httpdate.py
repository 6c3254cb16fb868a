"""HTTP-date (RFC 9110 5.6.7, RFC 9111 4.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.cache.httpdate import parse, render

NOW = 1_800_000_000
SAMPLE = 784_111_777


@pytest.mark.parametrize("value", [
    "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
    "SUN, 06 NOV 1994 08:49:37 gMT", "sunday, 06-nov-94 08:49:37 gmt", "Mon, 06 Nov 1994 08:49:37 GMT",
])
def test_three_formats_in_any_case(value):
    """RFC 9110 5.6.7; RFC 9111 4.2: the case SHOULD not matter."""
    assert parse(value.encode(), NOW) == SAMPLE


@pytest.mark.parametrize("value", [
    "0", "", "-1", "now", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 94 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
    "Sun, 06  Nov  1994 08:49:37 GMT", "Sun, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
    "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Xyz 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT, x",
    "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT" + "0" * 9000,
])
def test_all_else_is_no_date(value):
    """RFC 9111 4.2: another zone than GMT is invalid, and 5.3: so is 0."""
    assert parse(value.encode(), NOW) is None


@pytest.mark.parametrize(("year", "meant"), [("27", 2027), ("77", 2077), ("78", 1978), ("99", 1999), ("00", 2000)])
def test_two_digits_of_a_year(year, meant):
    """RFC 9110 5.6.7: more than 50 years ahead is past."""
    assert parse(f"Friday, 01-Jan-{year} 00:00:00 GMT".encode(), NOW) == parse(
        f"Fri, 01 Jan {meant} 00:00:00 GMT".encode(), NOW)


def test_a_leap_second():
    """RFC 9110 5.6.7: its second may be 60."""
    assert parse(b"Sat, 31 Dec 2016 23:59:60 GMT", NOW) == parse(b"Sat, 31 Dec 2016 23:59:59 GMT", NOW)


@given(st.integers(0, 250_000_000_000))
def test_what_is_written_is_read(seconds):
    assert parse(render(seconds), NOW) == seconds
