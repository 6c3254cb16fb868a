"""Plans and what becomes of them."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import traffic
from experiments.clients import ClientHost
from experiments.traffic import Answer, Plan, Step, run_plan, spread
from layerlab import LabError

CLIENTS = [ClientHost(f"h{n}") for n in range(1, 13)]


@given(st.integers(1, 12), st.integers(1, 5), st.integers())
def test_same_seed_same_plan_and_every_client_asks_equally_often(number: int, each: int, seed: int) -> None:
    def plan() -> Plan:
        return spread(CLIENTS[:number], "http://vip", requests_each=each, seed=seed, paths=["/a", "/b"])

    assert plan() == plan()
    assert Counter(step.client for step in plan().steps) == dict.fromkeys(CLIENTS[:number], each)
    assert {step.url for step in plan().steps} <= {"http://vip/a", "http://vip/b"}


def test_another_seed_is_another_order() -> None:
    plans = {spread(CLIENTS, "http://vip", requests_each=4, seed=seed).steps for seed in range(5)}
    assert len(plans) == 5


@pytest.mark.parametrize("change", [{"clients": []}, {"paths": []}, {"requests_each": 0}, {"connections": "old"}])
def test_a_plan_that_cannot_be_is_refused(change: dict) -> None:
    with pytest.raises(LabError):
        spread(**{"clients": CLIENTS, "url": "http://vip", "requests_each": 1, "seed": 1, **change})


def test_a_concurrency_that_cannot_be_is_refused() -> None:
    with pytest.raises(LabError, match="concurrency is 0"):
        run_plan(Plan(()), concurrency=0)


def test_fresh_means_a_connection_for_every_request(server) -> None:
    answers = run_plan(spread(CLIENTS[:4], server.url, requests_each=3, seed=1, connections="fresh"))
    assert sorted(answer.connection for answer in answers) == list(range(1, 13))
    assert {(answer.request, answer.status, answer.server, answer.error) for answer in answers} == {(1, 200, "s1", "")}


def test_kept_means_a_connection_for_every_client(server) -> None:
    answers = run_plan(spread(CLIENTS[:4], server.url, requests_each=3, seed=1, connections="kept"))
    for client in CLIENTS[:4]:
        own = [answer for answer in answers if answer.client == client.name]
        assert [answer.request for answer in own] == [1, 2, 3]
        assert len({(answer.connection, answer.client_seen) for answer in own}) == 1
    assert {answer.local for answer in answers} == {f"127.0.0.1:{server.ports[0]}"}


def test_many_hosts_at_once_and_nobody_in_another_s_place(start_alone) -> None:
    """Four hosts, each with a server on the same address and port; eight threads share the work."""
    servers = [start_alone(f"s{n}", "--port", "80", "--address", "127.0.0.1") for n in range(1, 5)]
    plan = spread([one.host for one in servers], "http://127.0.0.1", requests_each=20, seed=1)
    answers = run_plan(plan, concurrency=8)
    assert [answer.client for answer in answers] == [step.client.name for step in plan.steps]
    assert {answer.error for answer in answers} == {""}
    assert all(answer.client == f"client-of-{answer.server}" for answer in answers)


def test_a_request_that_fails_is_an_answer_and_the_others_go_on(server) -> None:
    h1, gone = ClientHost("h1"), ClientHost("gone", "/proc/0/ns/net")
    steps = (Step(h1, server.url), Step(h1, "http://127.0.0.1:9/"), Step(gone, server.url),
             Step(h1, "http://no-such-name.invalid/"), Step(h1, "what?"), Step(h1, server.url + "/?bytes=x"),
             Step(h1, server.url))
    answers = run_plan(Plan(steps))
    assert [answer.server for answer in answers] == ["s1", "", "", "", "", "", "s1"]
    errors = [answer.error for answer in answers]
    assert (errors[0], errors[1], errors[6]) == ("", "Connection refused", "")
    assert "can't open the network namespace /proc/0/ns/net" in errors[2]
    assert all(errors[2:6])
    assert (answers[5].status, errors[5][:8]) == (400, "HTTP 400")


def test_with_one_at_a_time_the_order_is_the_plan_s(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def ask(own, client, url, connections, headers) -> Answer:
        made.append(client.name)
        return Answer(client.name)

    monkeypatch.setattr(traffic, "ask", ask)
    plan, told = spread(CLIENTS, "http://vip", requests_each=5, seed=3), []
    answers = run_plan(plan, concurrency=1, on_answer=told.append)
    assert made == [step.client.name for step in plan.steps]
    assert answers == told


def test_as_many_as_allowed_are_under_way_and_never_two_of_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request waits for two others: with three at a time it goes through, with fewer it breaks."""
    together, busy, lock = threading.Barrier(3), Counter(), threading.Lock()
    seen: list[tuple[int, int]] = []

    def ask(own, client, url, connections, headers) -> Answer:
        with lock:
            busy[client] += 1
            seen.append((max(busy.values()), busy.total()))
        together.wait(20)
        with lock:
            busy[client] -= 1
        return Answer(client.name)

    monkeypatch.setattr(traffic, "ask", ask)
    clients = CLIENTS[:3]
    steps = tuple(Step(client, "http://vip") for client in clients for _ in range(4))
    run_plan(Plan(steps), concurrency=3)
    assert max(seen) == (1, 3)
    assert len(seen) == 12
