"""Health: what test packets say of a server, as up or down and as a response time. Pure: time is given.

    test ──passed, 12 ms──► Vitals ──► up after `rise` in a row        response_s: an EWMA of what tests took
         └─failed─────────►        └─► down after `fall` in a row      ramp: part of its weight after coming back

What a test is depends on the layer: each asks in its own language, so each can be deceived in its own way.

    layer    test packet                    a healthy answer            a program that hangs looks
    l2       ARP request                    ARP reply                   healthy: the kernel answers
    l3       ICMP echo request              ICMP echo reply             healthy: the kernel answers
    l4 tcp   SYN                            SYN/ACK (then we reset)     healthy: the kernel answers
    l4 udp   a datagram with `payload`      any datagram from there     dead
    l7       an HTTP request for `path`     `status`, and `body` in it  dead

Besides, a layer that sees a client's connection fail counts that as a failed test (passive health checking). One that
is served then ends the row of those that failed, so that now and then a failure among thousands is no reason to go
down; what the tests themselves have shown is not undone by it.

    a dead server gets no new unit after at most    fall x interval_s + timeout_s

for the server may die just after a test that it passed; then `fall` tests fail, and the last takes its timeout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from balancing.form import IPAddress, ip_address, number_within, whole_within
from layerlab import LabError

STEEPEST = 0.1  # the part of its weight with which a server begins its slow start
LONGEST_S = 3600.0
MAX_TEXT = 256  # characters of a payload, path or body


@dataclass(frozen=True)
class HealthCheck:
    """How the servers of a service are tested.

    interval_s:   from one test of a server to its next, in seconds.
    timeout_s:    how long an answer may take, in seconds.
    rise, fall:   how many tests in a row must pass to be up again, or fail to be down.
    half_life_s:  after so many seconds a measured response time counts half as much.
    slow_start_s: how long a server that is up again takes to its full weight, in seconds; 0 for at once. Algorithms
                  that don't look at weights (round-robin) or must not forget (hashes) give it its share at once.
    source:       L2 to L4: the address that tests come from, one of the servers' network that nobody else has.
    payload:      UDP: what the datagram says.
    path, status, body: L7: what is asked for, the status to be answered, and what must be in the answer's body.
    host:         L7: the site that is asked for; empty for the VIP and its port.

    Raises LabError for what can't be tested so.
    """

    interval_s: float = 1.0
    timeout_s: float = 1.0
    rise: int = 2
    fall: int = 3
    half_life_s: float = 2.0
    slow_start_s: float = 5.0
    source: IPAddress | None = None
    payload: str = "layer-lab test"
    path: str = "/"
    status: int = 200
    body: str = ""
    host: str = ""

    def __post_init__(self) -> None:
        where = "the health check"
        for field in ("interval_s", "timeout_s", "half_life_s"):
            number_within(where, field, getattr(self, field), 0.01, LONGEST_S)
        number_within(where, "slow_start_s", self.slow_start_s, 0, LONGEST_S)
        for field in ("rise", "fall"):
            whole_within(where, field, getattr(self, field), 1, 100)
        whole_within(where, "status", self.status, 200, 599)
        if self.source is not None:
            object.__setattr__(self, "source", ip_address(where, "source", self.source))
        _text(where, "payload", self.payload, r"(?s).+", "a few words")
        _text(where, "path", self.path, r"/[!-~]*", "a path such as /health")
        _text(where, "body", self.body, r"(?s).*", "text")
        _text(where, "host", self.host, r"[A-Za-z0-9._:\[\]-]*", "a host, with a port or without")

    @property
    def notice_s(self) -> float:
        """After how many seconds a dead server gets no new unit, at most."""
        return self.fall * self.interval_s + self.timeout_s


class Vitals:
    """What the tests of one server have shown. It starts as up: nobody has complained yet.

    response_s: the smoothed response time in seconds; None before the first test has passed.
    run:        how many tests in a row have passed (above 0) or failed (below).
    lost:       how many of those that failed were clients' connections.
    """

    __slots__ = ("_back_s", "_measured_s", "check", "lost", "response_s", "run", "up")

    def __init__(self, check: HealthCheck) -> None:
        self.check = check
        self.up = True
        self.run = self.lost = 0
        self.response_s: float | None = None
        self._measured_s = self._back_s = float("-inf")

    def passed(self, now_s: float, took_s: float) -> bool:
        """A test has passed, in `took_s` seconds; return whether the server is up because of it, and was not before."""
        self.run, self.lost = max(self.run, 0) + 1, 0
        self._smooth(now_s, took_s)
        if self.up or self.run < self.check.rise:
            return False
        self.up, self._back_s = True, now_s
        return True

    def failed(self, passive: bool = False) -> bool:
        """A test, or (`passive`) a client's connection, has failed; return whether the server is down because of it."""
        self.run = min(self.run, 0) - 1
        self.lost += passive
        if not self.up or -self.run < self.check.fall:
            return False
        self.up, self.response_s = False, None  # what it took before it died says nothing of how it comes back
        return True

    def served(self) -> None:
        """A client was served: the connections that failed before it are not in a row with any after it."""
        self.run, self.lost = self.run + self.lost, 0

    def _smooth(self, now_s: float, took_s: float) -> None:
        """An exponentially weighted moving average: what is `half_life_s` old counts half."""
        old = 0.0 if self.response_s is None else 0.5 ** ((now_s - self._measured_s) / self.check.half_life_s)
        self.response_s = old * (self.response_s or 0.0) + (1 - old) * took_s
        self._measured_s = now_s

    def ramp(self, now_s: float) -> float:
        """The part of its weight that the server is to have now: less than 1 only in its slow start."""
        passed_s = now_s - self._back_s
        if passed_s >= self.check.slow_start_s:
            return 1.0
        return max(STEEPEST, passed_s / self.check.slow_start_s)

    def __repr__(self) -> str:
        response = "unmeasured" if self.response_s is None else f"{1000 * self.response_s:.1f} ms"
        return f"<Vitals {'up' if self.up else 'down'}, run {self.run:+d}, {response}>"


def _text(where: str, field: str, value: object, pattern: str, expected: str) -> None:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not re.fullmatch(pattern, value):
        raise LabError(f"{where}: {field} is {value!r}", f"{expected}, of at most {MAX_TEXT} characters", field=field)
