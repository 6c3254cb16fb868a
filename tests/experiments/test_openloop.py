"""An open loop against a real server: it asks what the plan says, when it says, whoever waits."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from experiments.arrivals import read_trace
from experiments.clients import ClientHost
from experiments.openloop import Call, Visit, play, read, visits, whole_body
from experiments.sessions import Lengths, Session, Traffic, plan, replay

HERE = [ClientHost(f"h{n}") for n in range(4)]


def visit(port: int, at_s: float = 0.0, *paths: str) -> Visit:
    return Visit(at_s, HERE[0], ("127.0.0.1", port), paths or ("/",))


def test_what_the_plan_says_is_asked_and_every_answer_was_given(server) -> None:
    sessions = plan(Traffic(0.6, 4, 0.02, 0.5, len(HERE), Lengths(1.2, 8)), 1)
    calls = play(visits(sessions, HERE, ("127.0.0.1", server.ports[0]), label="here"))
    assert not [call for call in calls if call.error]
    assert Counter(call.visit.client.name for call in calls if call.number == 1) == Counter(
        f"h{session.client}" for session in sessions)
    assert sorted(call.number for call in calls) == sorted(
        number for session in sessions for number in range(1, session.requests + 1))
    stats = requests.get(f"{server.url}/_stats", timeout=20).json()
    assert (sum(stats["requests"].values()), stats["connections"]) == (len(calls), len(sessions))
    assert {(call.server, call.visit.label) for call in calls} == {("s1", "here")}


def test_arrivals_don_t_wait_for_answers_and_time_in_the_queue_counts(start) -> None:
    """Ten at once before one worker: the last has waited for all, and began when it was meant to all the same."""
    server = start("s1", "--port", "0", "--address", "127.0.0.1", "--workers", "1", "--service-time", "0.05")
    calls = play([visit(server.ports[0]) for _ in range(10)])
    took = sorted(call.took_s for call in calls)
    assert all(took_s >= 0.05 * (place + 1) for place, took_s in enumerate(took))
    assert {call.at_s for call in calls} == {0.0}


def test_a_visit_begins_no_sooner_than_it_is_meant_to_and_its_lateness_is_in_what_it_took(server) -> None:
    calls = play([visit(server.ports[0], 0.2), visit(server.ports[0], 0.0)])
    assert [call.at_s for call in calls] == [0.0, 0.2], "in the order in which they ended"
    assert all(0 <= call.late_s <= call.took_s for call in calls)


def test_requests_of_a_session_follow_each_other_on_one_connection(server) -> None:
    calls = play([visit(server.ports[0], 0.0, "/?sleep=0.02", "/?sleep=0.02", "/")])
    assert [(call.number, call.server) for call in calls] == [(1, "s1"), (2, "s1"), (3, "s1")]
    for before, after in itertools.pairwise(calls):
        assert after.at_s == pytest.approx(before.at_s + before.took_s, abs=0.005)
    assert requests.get(f"{server.url}/_stats", timeout=20).json()["connections"] == 1


@contextlib.contextmanager
def answering(*answers: bytes) -> Iterator[int]:
    """The port of one that gives its callers these answers, one each, and hangs up; without any it says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        def serve() -> None:
            for answer in answers:
                caller, _ = door.accept()
                with caller:
                    caller.recv(1000)
                    caller.sendall(answer)
        thread = threading.Thread(target=serve)
        thread.start()
        yield door.getsockname()[1]
        thread.join()


def whole(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


@pytest.mark.parametrize(("answer", "why"), [
    (b"", "closed before"), (whole("200 OK", b"{}")[:-1], "closed before"),
    (whole("503 Busy", b'{"server": "s1"}'), "HTTP 503"), (whole("200 OK", b"hello"), "didn't write"),
    (whole("200 OK", b"[]"), "didn't write"),
])
def test_a_request_that_fails_says_why_and_ends_its_session_only(server, answer: bytes, why: str) -> None:
    with answering(answer) as port:
        calls = play([visit(port, 0.0, "/", "/"), visit(server.ports[0], 0.05)])
    assert [(call.number, bool(call.error)) for call in calls] == [(1, True), (1, False)]
    assert why in calls[0].error
    assert calls[0].server == ""


def test_nobody_there_and_nobody_answering_are_failures_in_time() -> None:
    with socket.socket() as closed, answering() as silent:
        closed.bind(("127.0.0.1", 0))
        calls = play([visit(closed.getsockname()[1]), visit(silent)], patience_s=0.2)
    assert [call.error for call in calls] == ["Connection refused", "no answer within 0.2 s"]
    assert calls[1].took_s >= 0.2


def test_each_request_of_a_session_has_its_own_time(start) -> None:
    """Three of 0.15 s with a patience of 0.4 s are all answered; a fourth of 0.6 s is not."""
    server = start("s1", "--port", "0", "--address", "127.0.0.1")
    paths = [*["/?sleep=0.15"] * 3, "/?sleep=2"]
    calls = play([visit(server.ports[0], 0.0, *paths)], patience_s=0.4)
    assert [call.error for call in calls] == ["", "", "", "no answer within 0.4 s"]


def test_a_session_keeps_its_pace_also_where_it_has_to_make_up_for_time(start) -> None:
    """Meant to be 0.05 s apart; the first takes 0.2 s, so the next three are late, and that is in what they took."""
    server = start("s1", "--port", "0", "--address", "127.0.0.1")
    paths = ("/?sleep=0.2", "/", "/", "/", "/", "/")
    calls = play([Visit(0.0, HERE[0], ("127.0.0.1", server.ports[0]), paths, pace_s=0.05)])
    assert [call.at_s for call in calls] == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2, 0.25])
    assert all(call.took_s >= 0.2 - call.at_s for call in calls)
    assert requests.get(f"{server.url}/_stats", timeout=20).json()["connections"] == 1


def test_one_that_persists_goes_on_in_a_new_connection_and_a_close_in_between_costs_nothing(server) -> None:
    good, bad = whole("200 OK", b'{"server": "s1"}'), whole("503 Busy", b"{}")
    with answering(good, b"", bad, good) as port:
        calls = play([Visit(0.0, HERE[0], ("127.0.0.1", port), ("/",) * 4, pace_s=0.05, persists=True)])
    assert [(call.number, call.error) for call in calls] == [
        (1, ""), (2, "closed before the answer was whole"), (3, "HTTP 503"), (4, "")]


def test_from_inside_each_client_s_host(start_alone) -> None:
    servers = [start_alone(name, "--port", "8080", "--address", "127.0.0.1") for name in ("s1", "s2")]
    calls: list[Call] = play(Visit(0.0, server.host, ("127.0.0.1", 8080), ("/",)) for server in servers)
    assert sorted((call.visit.client.name, call.server) for call in calls) == [
        ("client-of-s1", "s1"), ("client-of-s2", "s2")]


@given(st.binary(max_size=60), st.integers(0, 120))
def test_an_answer_is_whole_when_its_last_byte_is_there_and_not_before(body: bytes, cut: int) -> None:
    answer = whole("200 OK", body)
    assert whole_body(answer) == body
    assert whole_body(answer[:cut]) == (body if cut >= len(answer) else None)


def test_who_answered_is_read_off_the_answer() -> None:
    body = b'{"server": "s1"}'
    assert read(whole("200 OK", body), body) == ("s1", "")


def test_who_thinks_asks_no_sooner_and_the_time_is_not_in_what_it_took(server) -> None:
    session = Session(0.0, 0, 3, services_s=(0.05, 0.0, 0.0), thinks_s=(0.15, 0.1), sizes=(2000, 3000, 4000))
    calls = play(visits([session], HERE, ("127.0.0.1", server.ports[0])))
    assert [call.error for call in calls] == [""] * 3
    for before, after, thinks_s in zip(calls, calls[1:], session.thinks_s, strict=False):
        assert after.at_s == pytest.approx(before.at_s + before.took_s + thinks_s, abs=0.005)
    assert calls[0].took_s >= 0.05


def test_the_example_trace_is_replayed(server) -> None:
    trace = read_trace(Path(__file__).parents[2] / "examples" / "trace.csv")
    calls = play(visits(replay(trace, len(HERE), speed=4.0), HERE, ("127.0.0.1", server.ports[0])))
    assert Counter(call.visit.at_s for call in calls) == {one.at_s / 4: one.requests for one in trace}
    assert not [call for call in calls if call.error]
