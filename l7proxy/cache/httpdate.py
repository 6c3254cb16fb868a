"""HTTP-date (RFC 9110 5.6.7): three formats are read, one is written.

    Sun, 06 Nov 1994 08:49:37 GMT      IMF-fixdate, what is sent
    Sunday, 06-Nov-94 08:49:37 GMT     RFC 850, obsolete
    Sun Nov  6 08:49:37 1994           asctime, obsolete

Rules kept here:

1. Exactly these, but in any case (RFC 9111 4.2); another zone than GMT is invalid. The weekday is not checked.
2. Seconds since 1970, whole, in UTC: no local time zone has a say.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")
_DAY, _MONTH, _TIME = rb"(?:mon|tue|wed|thu|fri|sat|sun)", rb"(?P<month>[a-z]{3})", rb"(?P<time>\d\d:\d\d:\d\d)"
_YEAR_S = 31_556_952
_LONG_DAY = rb"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_FORMATS = tuple(re.compile(pattern, re.IGNORECASE) for pattern in (
    rb"%b, (?P<day>\d\d) %b (?P<year>\d{4}) %b GMT" % (_DAY, _MONTH, _TIME),
    rb"%b, (?P<day>\d\d)-%b-(?P<short>\d\d) %b GMT" % (_LONG_DAY, _MONTH, _TIME),
    rb"%b %b (?P<day>\d\d| \d) %b (?P<year>\d{4})" % (_DAY, _MONTH, _TIME),
))


def parse(value: bytes, wall: float) -> int | None:
    """Seconds since 1970, or None if `value` is no HTTP-date. `wall`, the time, settles the century of two digits."""
    return _parse(value, 1970 + int(wall // _YEAR_S)) if len(value) < 40 else None


@lru_cache(maxsize=256)  # one Date comes with all the responses of a second
def _parse(value: bytes, this_year: int) -> int | None:
    for form in _FORMATS:
        if found := form.fullmatch(value):
            parts = found.groupdict()
            hours, minutes, seconds = map(int, parts["time"].split(b":"))
            try:
                moment = datetime(_year(parts, this_year), _MONTHS.index(parts["month"].lower()) + 1, int(parts["day"]),
                                  hours, minutes, 59 if seconds == 60 else seconds, tzinfo=UTC)
            except ValueError:  # no such month, day or time
                return None
            return int(moment.timestamp())
    return None


def _year(parts: dict[str, bytes], this_year: int) -> int:
    """Two digits that seem more than 50 years ahead mean the last such year that has been (RFC 9110 5.6.7)."""
    if "year" in parts:
        return int(parts["year"])
    year = this_year - this_year % 100 + int(parts["short"])
    return year - 100 if year > this_year + 50 else year


@lru_cache(maxsize=8)
def render(seconds: int) -> bytes:
    """An IMF-fixdate."""
    return formatdate(seconds, usegmt=True).encode()
