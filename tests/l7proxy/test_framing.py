"""What the lines of a header section say, and what is refused, line by line."""

from __future__ import annotations

import pytest

from l7proxy.framing import REQUEST_FIELDS, Section, valid_host
from l7proxy.lines import MOST_LINES, Lines
from l7proxy.messages import field
from l7proxy.refusal import Refused


@pytest.fixture
def lines():
    return Lines(REQUEST_FIELDS)


def read(lines, *found):
    section = Section()
    lines.read(list(found), section)
    return section


@pytest.mark.parametrize(("line", "where"), [
    (b"A: b\nC: d", "RFC 9112 2.2"), (b"A: b\rC: d", "RFC 9112 2.2"), (b"A: b\r", "RFC 9112 2.2"),
    (b" c", "RFC 9112 5.2"), (b"\tc: d", "RFC 9112 5.2"),
    (b"A: \0", "RFC 9110 5.5"), (b"A: \x0b", "RFC 9110 5.5"), (b"A: \x7f", "RFC 9110 5.5"),
    (b"A : b", "RFC 9112 5.1"), (b"A\t: b", "RFC 9112 5.1"), (b"A", "RFC 9110 5.1"), (b": b", "RFC 9110 5.1"),
    (b"A(b): c", "RFC 9110 5.1"), (b"\xc3: c", "RFC 9110 5.1"),
])
def test_lines_that_two_parsers_read_differently(lines, line, where):
    for _ in range(2):  # known, or not
        with pytest.raises(Refused) as caught:
            read(lines, b"X: y", line)
        assert caught.value.section == where
    assert line not in lines.known


def test_lines_that_are_fine_are_written_anew(lines):
    for _ in range(2):
        section = read(lines, b"A:b\tc \x80\xff", b"Empty:", b"x-SPACE:   y \t")
        assert section.kept == [field(b"A", b"b\tc \x80\xff"), field(b"Empty", b""), field(b"x-SPACE", b"y")]
        assert [one.name for one in section.kept] == [b"a", b"empty", b"x-space"]
        assert section.kept[2].line == b"x-SPACE: y\r\n"


def test_the_table_of_known_lines_is_bounded_and_keeps_no_secrets(lines):
    for number in range(MOST_LINES + 10):
        read(lines, b"X-Number: %d" % number, b"Cookie: sid=%d" % number, b"Authorization: Basic %d" % number)
    assert 0 < len(lines.known) <= MOST_LINES
    assert not any(b"sid" in line or b"Basic" in line for line in lines.known)
    assert read(lines, b"X-Number: 1").kept == [field(b"X-Number", b"1")]
    read(lines, b"X-Long: " + b"x" * 1000)
    assert not any(b"Long" in line for line in lines.known)


@pytest.mark.parametrize(("fields", "status"), [
    ([b"Content-Length: 3", b"content-length: 3"], 400),
    ([b"Content-Length: 3", b"Transfer-Encoding: chunked"], 400),
    ([b"Transfer-Encoding: gzip", b"Content-Length: 3"], 400),
    ([b"Transfer-Encoding: chunked", b"TRANSFER-ENCODING: chunked"], 400),
    ([b"Transfer-Encoding: chunked", b"Transfer-Encoding: x"], 400),
    ([b"Transfer-Encoding: chunked, gzip"], 400),
    ([b"Transfer-Encoding: gzip, chunked"], 501),
    ([b"Content-Length: \xb2"], 400),
])
def test_fields_that_leave_the_length_in_doubt(lines, fields, status):
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            read(lines, *fields)
        assert caught.value.status == status


@pytest.mark.parametrize(("value", "valid"), [
    (b"a.example", True), (b"a.example:80", True), (b"10.0.0.1", True), (b"[::1]:8080", True), (b"a:", True),
    (b"", False), (b":80", False), (b"a b", False), (b"a/b", False), (b"u@a", False), (b"a,b/", False),
    (b"a:8x", False),
    (b"[::1", False), (b"%zz", False), (b"a\x00", False), (b"a\n", False),
])
def test_hosts(value, valid):
    assert valid_host(value) is valid
