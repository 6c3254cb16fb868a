"""Our own checks without llhttp before them: they hold even where it, or a later release, lets something through."""

from __future__ import annotations

import pytest

from l7proxy.framing import REQUEST_FIELDS, Section, check_octets, valid_host
from l7proxy.limits import Limits
from l7proxy.refusal import Refused

LINE = b"GET / HTTP/1.1\r\n"


@pytest.mark.parametrize(("head", "section"), [
    (b"A: b\nC: d\r\n\r\n", "RFC 9112 2.2"), (b"A: b\rC: d\r\n\r\n", "RFC 9112 2.2"),
    (b"A: b\r\r\n\r\n", "RFC 9112 2.2"),
    (b"A: b\r\n c\r\n\r\n", "RFC 9112 5.2"), (b"A: b\r\n\tc\r\n\r\n", "RFC 9112 5.2"),
    (b"A: \0\r\n\r\n", "RFC 9110 5.5"), (b"A: \x0b\r\n\r\n", "RFC 9110 5.5"), (b"A: \x7f\r\n\r\n", "RFC 9110 5.5"),
    (b"A: b\r\n" * 4 + b"\r\n", "RFC 6585 5"),
])
def test_octets_that_two_parsers_read_differently(head, section):
    with pytest.raises(Refused) as caught:
        check_octets(LINE + head, Limits(header_count=3))
    assert caught.value.section == section


def test_octets_that_are_fine():
    check_octets(LINE + b"A: b\tc \x80\xff\r\n" * 3 + b"\r\n", Limits(header_count=3))


@pytest.mark.parametrize(("fields", "status"), [
    ([(b"Content-Length", b"3"), (b"content-length", b"3")], 400),
    ([(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked")], 400),
    ([(b"Transfer-Encoding", b"gzip"), (b"Content-Length", b"3")], 400),
    ([(b"Transfer-Encoding", b"chunked"), (b"TRANSFER-ENCODING", b"chunked")], 400),
    ([(b"Transfer-Encoding", b"chunked, gzip")], 501),
    ([(b"Content-Length", b"\xb2")], 400),
])
def test_fields_that_leave_the_length_in_doubt(fields, status):
    section = Section(REQUEST_FIELDS)
    for field in fields:
        section.on_header(*field)
    assert section.noted
    with pytest.raises(Refused) as caught:
        section.verdict()
    assert caught.value.status == status


@pytest.mark.parametrize(("value", "valid"), [
    (b"a.example", True), (b"a.example:80", True), (b"10.0.0.1", True), (b"[::1]:8080", True), (b"a:", True),
    (b"", False), (b":80", False), (b"a b", False), (b"a/b", False), (b"u@a", False), (b"a,b/", False),
    (b"a:8x", False),
    (b"[::1", False), (b"%zz", False), (b"a\x00", False), (b"a\n", False),
])
def test_hosts(value, valid):
    assert valid_host(value) is valid
