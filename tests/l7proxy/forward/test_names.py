"""Names: asked for once, remembered for a while, and a reason when there is none."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from l7proxy.forward.names import BUSY, FOUND_S, MISSING_S, MOST_ASKED, MOST_NAMES, Names, failed

ADDRESS = (ip_address("93.184.215.14"),)


class Asked:
    """A resolver that writes down what it is asked."""

    def __init__(self):
        self.names = []

    def lookup(self, name):
        self.names.append(name)


@pytest.fixture
def names():
    return Names(Asked())


def test_many_who_ask_are_one_question_and_all_get_the_answer(names):
    got = []
    for _ in range(3):
        assert names.find("a", 0.0) is None
        names.look_up("a", got.append)
    assert names.resolver.names == ["a"]
    names.learn("a", ADDRESS, 1.0)
    assert got == [ADDRESS] * 3
    assert names.find("a", 1.0 + FOUND_S - 0.1) == ADDRESS
    assert names.find("a", 1.0 + FOUND_S) is None


def test_who_left_is_not_called(names):
    got, others = [], []
    names.look_up("a", got.append)
    names.look_up("a", others.append)
    names.leave("a", got.append)
    names.leave("b", got.append)
    names.learn("a", ADDRESS, 0.0)
    assert (got, others) == ([], [ADDRESS])


def test_that_there_is_none_is_remembered_for_less_long(names):
    names.learn("a", failed(socket.gaierror(socket.EAI_NONAME, "")), 0.0)
    assert names.find("a", MISSING_S - 0.1).status == 502
    assert names.find("a", MISSING_S) is None


def test_an_answer_without_addresses_is_none(names):
    names.learn("a", (), 0.0)
    verdict = names.find("a", 1.0)
    assert (verdict.status, verdict.error, verdict.rule) == (502, "dns_error", "dns")


@pytest.mark.parametrize(("number", "status", "error", "why"), [
    (socket.EAI_NONAME, 502, "dns_error", "no such name"),
    (socket.EAI_NODATA, 502, "dns_error", "no address"),
    (socket.EAI_FAIL, 502, "dns_error", "refuses"),
    (socket.EAI_AGAIN, 504, "dns_timeout", "no name server answers"),
    (socket.EAI_MEMORY, 502, "dns_error", "words of the system"),
])
def test_the_reason_is_told(number, status, error, why):
    verdict = failed(socket.gaierror(number, "words of the system"))
    assert (verdict.status, verdict.error) == (status, error)
    assert why in verdict.why


def test_what_is_remembered_is_bounded(names):
    for number in range(3 * MOST_NAMES):
        names.learn(f"h{number}", ADDRESS, 0.001 * number)
    assert len(names._known) <= MOST_NAMES
    assert names.find(f"h{3 * MOST_NAMES - 1}", 0.001 * 3 * MOST_NAMES) == ADDRESS


def test_who_has_left_is_not_looked_up_for_and_who_comes_meanwhile_is(names):
    got = []
    names.look_up("a", got.append)
    assert names.wanted("a")
    names.leave("a", got.append)
    assert not names.wanted("a")
    names.look_up("a", got.append)
    names.unasked("a")
    assert names.resolver.names == ["a", "a"]
    names.leave("a", got.append)
    names.unasked("a")
    assert repr(names) == "<Names: 0 known, 0 asked for>"
    assert got == []


def test_only_so_many_are_asked_for_at_a_time(names):
    for number in range(MOST_ASKED):
        assert names.find(f"n{number}", 0.0) is None
        names.look_up(f"n{number}", print)
    assert names.find("one-more", 0.0) is BUSY
    assert names.find("n7", 0.0) is None
    names.learn("n7", ADDRESS, 0.0)
    assert names.find("one-more", 0.0) is None
    assert names.find("n7", 0.0) == ADDRESS
