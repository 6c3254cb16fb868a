"""Requests that were here before, and those that go no further."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.destination import destination
from l7proxy.forward.loops import SAME_ABROAD, Abroad, forwards, last, looped, pseudonym
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.refusal import Refused
from tests.l7proxy.forward.conftest import fields, lines

LOOK = looped("lab-7f3a9c2e")


def head(method, *said, target=b"/x"):
    return RequestHead(method.encode(), target, b"a", 1, fields(*said), NO_BODY, True)


@pytest.mark.parametrize(("via", "found"), [
    ("1.1 lab-7f3a9c2e", True),
    ("1.1 LAB-7F3A9C2E", True),
    ("1.1 a.example, 1.0 lab-7f3a9c2e", True),
    ("1.1 a.example,1.0 lab-7f3a9c2e,1.1 b", True),
    ("HTTP/1.1 lab-7f3a9c2e", True),
    ("2 lab-7f3a9c2e:3128", True),
    ("1.1 lab-7f3a9c2e (Layer Lab)", True),
    ("1.1 lab-7f3a9c2e(Layer Lab)", True),
    ("1.1 a (x \\) (y)), 1.1\tlab-7f3a9c2e", True),
    ("1.1 a (never closed, 1.1 lab-7f3a9c2e", True),
    ("1.1 lab-7f3a9c2", False),
    ("1.1 lab-7f3a9c2ef", False),
    ("1.1 lab-7f3a9c2e.example", False),
    ("1.1 xlab-7f3a9c2e", False),
    ("1.1 a (lab-7f3a9c2e)", False),
    ("1.1 a (1.1 lab-7f3a9c2e)", False),
    ("1.1 a (1.1 lab-7f3a9c2e )", False),
    ("1.1 a.example", False),
    ("lab-7f3a9c2e", False),
    ("", False),
])
def test_our_element_is_found_and_only_ours(via, found):
    verdict = LOOK(fields("Accept: */*", "Via: 1.0 first", f"Via: {via}"))
    assert (verdict is not None) is found
    if verdict:
        assert (verdict.status, verdict.error, verdict.rule) == (502, "proxy_loop_detected", "loop")


@given(st.lists(st.sampled_from(["1.1 a", "1.0 b:80 (c, d)", "HTTP/2 e"]), max_size=4), st.integers(0, 4))
def test_wherever_in_the_list_it_stands(others, place):
    assert LOOK(fields("Via: " + ", ".join(others))) is None
    others.insert(place, "1.1 lab-7f3a9c2e")
    assert LOOK(fields("Via: " + ", ".join(others)))


def test_two_proxies_of_one_name_are_no_loop():
    one, other = pseudonym("campus"), pseudonym("campus")
    assert one != other
    assert looped(one)(fields(f"Via: 1.1 {other}")) is None


@pytest.mark.parametrize(("method", "said", "left"), [
    ("TRACE", "5", "4"), ("OPTIONS", "1", "0"), ("OPTIONS", "007", "6"), ("TRACE", "999999999999", "69"),
    ("GET", "0", "0"), ("GET", "x", "x"),
])
def test_each_step_is_counted_where_it_must_be(method, said, left):
    assert lines(forwards(head(method, "A: b", f"Max-Forwards: {said}")).fields) == ["A: b", f"Max-Forwards: {left}"]


def test_without_the_field_nothing_is_added():
    asked = head("TRACE", "A: b")
    assert forwards(asked) is asked


def test_at_nought_it_goes_no_further():
    assert forwards(head("TRACE", "Max-Forwards: 0")) is None
    assert forwards(head("OPTIONS", "Max-Forwards: 00")) is None


@pytest.mark.parametrize("said", [["-1"], ["1.5"], [""], ["x"], ["1", "1"], ["9" * 30], ["1, 2"]])
def test_what_is_no_number_is_refused(said):
    with pytest.raises(Refused, match="Max-Forwards") as refused:
        forwards(head("TRACE", *(f"Max-Forwards: {one}" for one in said)))
    assert refused.value.status == 400


def test_the_echo_of_trace_keeps_secrets():
    asked = head("TRACE", "Max-Forwards: 0", "Cookie: sid=1", "Authorization: Basic eA==", "X-A: b")
    answer = last(asked, destination(b"TRACE", b"http://a/x"), b"Date: now\r\n", True)
    assert answer == (b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: message/http\r\nContent-Length: 63\r\n\r\n"
                      b"TRACE http://a/x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nX-A: b\r\n\r\n")


def test_options_of_the_proxy_itself():
    answer = last(head("OPTIONS", target=b"*"), None, b"Date: now\r\n", True)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\nDate: now\r\nAllow: GET, ")
    assert answer.endswith(b"Content-Length: 0\r\n\r\n")


def test_one_of_very_many_alike_is_a_loop_if_somebody_else_sent_it_on():
    abroad, goal = Abroad(), destination(b"GET", b"http://a/x")
    asked = head("GET", "Accept: */*")
    looks = [abroad.goes(asked, goal, asked.fields) for _ in range(SAME_ABROAD)]
    assert None not in looks
    assert abroad.goes(asked, goal, asked.fields) is None
    assert abroad.goes(asked, goal, fields("Accept: */*", "Sec-CH-UA: x")), "a browser's own, changed only here"
    assert abroad.goes(asked, goal, fields("Accept: */*", "Via: 1.1 other")) is None
    assert abroad.goes(asked, destination(b"GET", b"http://a/y"), asked.fields)
    for look in looks:
        abroad.back(look)
    assert abroad.goes(asked, goal, asked.fields)
    assert repr(abroad) == "<Abroad: 3>"
