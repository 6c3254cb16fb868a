"""Traffic from many hosts: a seeded plan of requests, run by a few threads, answered row by row.

    spread(clients, url, seed=1) ──► Plan(Step, Step, …) ──run_plan──► [Answer, Answer, …]

Rules kept here:

1. Same seed, same traffic: which client asks what, in which order. (Source ports are the kernel's.)
2. One client asks one thing at a time. Steps start in the plan's order, except that a step waits
   while its client is still busy and later ones go ahead; with concurrency 1 the order is exact.
3. Answers come back in the plan's order. A request that fails is an Answer that says why; it never
   takes the others with it.
"""

from __future__ import annotations

import heapq
import os
import random
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import requests

from experiments.clients import ClientHost, session
from experiments.endpoint import endpoint
from layerlab import LabError, choice

CONNECTIONS = {
    "fresh": "a new TCP connection for every request",
    "kept": "one TCP connection per client, kept alive",
}


@dataclass(frozen=True)
class Step:
    """One request to be made. headers: fields of its own, as (name, value)."""

    client: ClientHost
    url: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Plan:
    """Requests in the order in which they are to be made. connections: a word of CONNECTIONS."""

    steps: tuple[Step, ...]
    connections: str = "fresh"

    def __post_init__(self) -> None:
        choice("way with connections", self.connections, CONNECTIONS)


@dataclass(frozen=True)
class Answer:
    """What became of one request or datagram.

    client:      the name of the host that asked.
    server:      who says it answered; "" if nobody did.
    client_seen: the client's ip:port as the server saw it.
    local:       the server's ip:port that the request came to.
    status:      the HTTP status; 0 without an HTTP answer.
    connection:  which of the server's connections it came by (UDP: which of the client's sockets).
    request:     which one it was on that connection, from 1.
    elapsed_s:   from before the request was made (and connected) to the answer's last byte, in seconds.
    error:       why there is no good answer; "" if there is.
    peer:        UDP: the ip:port that answered. (Over TCP nobody can but the one who was called.)
    """

    client: str
    server: str = ""
    client_seen: str = ""
    local: str = ""
    status: int = 0
    connection: int = 0
    request: int = 0
    elapsed_s: float = 0.0
    error: str = ""
    peer: str = ""


def spread(clients: Sequence[ClientHost], url: str, *, requests_each: int, seed: int,
           paths: Sequence[str] = ("/",), connections: str = "fresh") -> Plan:
    """A plan in which every client makes the same number of requests, in a shuffled order.

    url:   where to, without a path: http://10.0.0.100
    paths: each request takes one of them at random.
    Raises LabError for no clients, no paths or fewer than one request each.
    """
    for what, number in (("clients", len(clients)), ("paths", len(paths)), ("requests_each", requests_each)):
        if number < 1:
            raise LabError(f"the plan has {number} {what}", "at least 1")
    dice = random.Random(seed)
    order = [client for client in clients for _ in range(requests_each)]
    dice.shuffle(order)
    return Plan(tuple(Step(client, url + dice.choice(paths)) for client in order), connections)


def run_plan(plan: Plan, *, concurrency: int = 8, on_answer: Callable[[Answer], None] | None = None) -> list[Answer]:
    """Make the plan's requests, `concurrency` at a time, and return an Answer for each, in order.

    on_answer: called in this thread with each answer as it arrives, for a progress display.
    Raises LabError for a concurrency below 1.
    """
    if concurrency < 1:
        raise LabError(f"the concurrency is {concurrency}", "at least 1")
    crew = _Crew(plan)
    try:
        with ThreadPoolExecutor(concurrency, thread_name_prefix="client") as pool:
            return _drive(crew, pool, concurrency, on_answer or (lambda answer: None))
    finally:
        crew.close()


def _drive(crew: _Crew, pool: ThreadPoolExecutor, concurrency: int, on_answer: Callable[[Answer], None],
           ) -> list[Answer]:
    """Keep up to `concurrency` steps under way until the crew has none left."""
    answers: dict[int, Answer] = {}
    under_way: dict[Future[Answer], int] = {}
    while crew.ready or under_way:
        while crew.ready and len(under_way) < concurrency:
            number = heapq.heappop(crew.ready)
            under_way[pool.submit(crew.make, number)] = number
        for future in wait(under_way, return_when=FIRST_COMPLETED).done:
            number = under_way.pop(future)
            answers[number] = future.result()
            crew.release(number)
            on_answer(answers[number])
    return [answers[number] for number in sorted(answers)]


class _Crew:
    """The plan's clients, each with its session and its own queue of steps.

    ready: a heap with the number of the next step of every client that isn't busy.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sessions = {client: session(client) for client in {step.client for step in plan.steps}}
        self._queues: dict[ClientHost, deque[int]] = {client: deque() for client in self._sessions}
        for number, step in enumerate(plan.steps):
            self._queues[step.client].append(number)
        self.ready = sorted(queue.popleft() for queue in self._queues.values())

    def make(self, number: int) -> Answer:
        """Make step `number`; runs in a thread of the pool."""
        step = self._plan.steps[number]
        return ask(self._sessions[step.client], step.client, step.url, self._plan.connections, dict(step.headers))

    def release(self, number: int) -> None:
        """Step `number` is done: its client's next one may start."""
        if queue := self._queues[self._plan.steps[number].client]:
            heapq.heappush(self.ready, queue.popleft())

    def close(self) -> None:
        """Close every connection."""
        for one in self._sessions.values():
            one.close()


def ask(own: requests.Session, client: ClientHost, url: str, connections: str = "kept",
        headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    """Make one request in a session of `client` (clients.py) and say what became of it. Raises nothing."""
    started_s = time.perf_counter()
    try:
        last = {"Connection": "close"} if connections == "fresh" else {}
        response = own.get(url, headers={**headers, **last})
        elapsed_s = time.perf_counter() - started_s
        if connections == "fresh":
            own.close()  # also where the other side didn't heed the header; the cookies stay
        return _read(client, response, elapsed_s)
    except Exception as error:  # rule 3: whatever it is, the other requests go on
        return Answer(client.name, elapsed_s=time.perf_counter() - started_s, error=reason(error))


def _read(client: ClientHost, response: requests.Response, elapsed_s: float) -> Answer:
    """The Answer in a response; an error where the lab's server didn't write it, or refused."""
    try:
        said: Any = response.json()
        return Answer(client.name, said["server"], *seen(said), response.status_code, said["connection"],
                      said["request"], elapsed_s)
    except (ValueError, KeyError, TypeError):
        error = f"HTTP {response.status_code}: {response.text[:80].strip()}"
        return Answer(client.name, status=response.status_code, elapsed_s=elapsed_s, error=error)


def seen(said: dict[str, Any]) -> tuple[str, str]:
    """The two ends as the lab's server reports them: the client's ip:port and its own."""
    return endpoint(said["client_ip"], said["client_port"]), endpoint(said["local_ip"], said["local_port"])


def reason(error: BaseException) -> str:
    """Why a request failed, in a few words: the system's own error beneath the libraries' wrappings."""
    if isinstance(error, requests.ConnectTimeout):
        return "connecting timed out"
    if isinstance(error, requests.ReadTimeout):
        return "no answer in time"
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.errno:
            return os.strerror(inner.errno)
        if isinstance(inner, LabError):
            return inner.saw
        inner = inner.__cause__ or inner.__context__
    return f"{type(error).__name__}: {error}"
