"""Several processes are one load: nothing lost, nothing twice, all of it at its time; and two thousand at once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from experiments.clients import ClientHost
from experiments.connections import allow_sockets
from experiments.openloop import Call, Visit
from experiments.players import hands, most_at_once, play_in
from experiments.programs import wait
from layerlab import LabError

HERE = ClientHost("h1")
SESSIONS = 2000


def visit(port: int, at_s: float = 0.0, label: str = "") -> Visit:
    return Visit(at_s, HERE, ("127.0.0.1", port), ("/",), label)


@given(st.lists(st.floats(0, 9), max_size=40), st.integers(1, 5))
def test_every_visit_is_dealt_once_and_at_any_time_to_all_alike(times: list[float], processes: int) -> None:
    wanted = [visit(1, at_s, str(number)) for number, at_s in enumerate(times)]
    found = hands(wanted, processes)
    assert Counter(one.label for hand in found for one in hand) == Counter(one.label for one in wanted)
    for at_s in times:
        early = [sum(one.at_s < at_s for one in hand) for hand in found]
        assert max(early) - min(early) <= 1


def test_how_many_at_once() -> None:
    def call(at_s: float, took_s: float, late_s: float = 0.0) -> Call:
        return Call(visit(1), 1, at_s, late_s, took_s)
    assert most_at_once([call(0, 1), call(0.5, 1), call(1, 1)]) == 2, "one ends as another begins"
    assert most_at_once([call(0, 1), call(0.5, 1, late_s=0.6)]) == 1
    assert most_at_once([]) == 0


def test_no_process_is_refused() -> None:
    with pytest.raises(LabError, match="0 processes"):
        play_in(0, [])


def test_two_thousand_sessions_at_once_from_two_processes(start) -> None:
    """One worker is kept until all of them wait, by the server's own count; then everybody is let in."""
    allow_sockets()
    server = start("s1", "--port", "0", "--address", "127.0.0.1", "--workers", "1", "--service-time", "0.001")
    with ThreadPoolExecutor(2) as aside, requests.Session() as desk:
        aside.submit(requests.get, f"{server.url}/?sleep=50", timeout=100)

        def stats() -> dict[str, int]:
            return desk.get(f"{server.url}/_stats", timeout=50).json()

        wait("the only worker to be busy", lambda: stats()["active"] == 1, lambda: None)
        wanted = [visit(server.ports[0], number / SESSIONS) for number in range(SESSIONS)]
        playing = aside.submit(play_in, 2, wanted, 100.0)
        wait("all to wait", lambda: stats()["queued"] == SESSIONS, lambda: None)
        desk.put(f"{server.url}/_capacity?workers={2 * SESSIONS}", timeout=50)
        calls = playing.result()
        server.process.kill()  # the one that sleeps need not be waited for
    assert Counter(call.error for call in calls) == {"": SESSIONS}
    assert most_at_once(calls) == SESSIONS
    assert sorted(call.at_s for call in calls) == [number / SESSIONS for number in range(SESSIONS)]
