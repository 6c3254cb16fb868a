"""How long and how much the proxy bears: every bound in one frozen place.

Rules kept here:

1. A bound is a field of `Limits`, with its unit in its name; no number of this kind stands elsewhere.
2. What the proxy may be waiting for is a row of `Wait`; its value is the field of `Limits` that bounds it.

      IDLE ──first byte──► HEAD ──whole──► QUEUE ──room──► CONNECT ──open──► BODY ──sent──► ANSWER ──head──► RELAY ─┐
        ▲                                                                                               (or TUNNEL) │
        └───────────────────────────────── answered, connection kept ───────────────────────────────────────────────┘

   `total_s` bounds all of it from the head on, so that nobody lives on by a byte now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Wait(Enum):
    """What a client connection waits for; the value names the bound in `Limits`."""

    HANDSHAKE = "handshake_s"
    IDLE = "keep_alive_s"
    HEAD = "head_s"
    QUEUE = "queue_s"
    JOIN = "join_s"
    CONNECT = "connect_s"
    BODY = "body_idle_s"
    ANSWER = "answer_s"
    RELAY = "relay_idle_s"
    TUNNEL = "tunnel_idle_s"
    TOTAL = "total_s"
    LINGER = "linger_s"

    # Enum's own hash is a Python function; these keys are looked up several times per request.
    __hash__ = object.__hash__


@dataclass(frozen=True)
class Limits:
    """The bounds of one proxy.

    handshake_s:    from a connection to TLS on it.
    ticket_key_s:   the key that TLS sessions are resumed by, in the hands of clients for two hours.
    keep_alive_s:   a connection without a request, on either side.
    head_s:         from the first byte of a request head to its last.
    join_s:         for another one's answer to the same, which can be stored.
    queue_s:        for a server that has as many requests as it may have.
    body_idle_s:    between two pieces of a request body.
    connect_s:      for a backend to accept a connection.
    answer_s:       from the last byte sent to a backend to the head of its answer.
    relay_idle_s:   between two pieces of an answer, whoever of the two is slow.
    tunnel_idle_s:  between two pieces of another protocol, after 101 or CONNECT, either way.
    total_s:        for a request, from its head to the end of its answer; tunnels excepted.
    linger_s:       how long a refused client's bytes are still read (RFC 9112 9.6).
    stop_s:         how long requests in flight may take once the proxy is told to stop.
    tick_s:         the step of the timer wheel: how late a bound may ring.
    head_bytes, target_bytes, header_count: 431, 414 and 431 beyond these (RFC 6585 5, RFC 9110 15.5.15).
    body_bytes: a request body; 413 beyond it.
    interim_answers: how many a backend may give before the final one; 502 beyond it.
    connections, client_connections: clients' connections in all, and of one address; 503 and 429 beyond.
    spare_connections: how many beyond the bound are still told so.
    chunk_line_bytes: one chunk-size line, extensions included.
    read_ahead_bytes: what is read from a client before it can be sent on; then reading pauses.
    idle_upstreams: connections kept open to one backend.
    probe_body_bytes: how much of the answer to a test is read.
    api_connections: how many connections of operators are served at a time.
    """

    handshake_s: float = 10.0
    ticket_key_s: float = 86_400.0
    keep_alive_s: float = 60.0
    head_s: float = 10.0
    queue_s: float = 5.0
    join_s: float = 5.0
    body_idle_s: float = 30.0
    connect_s: float = 3.0
    answer_s: float = 60.0
    relay_idle_s: float = 60.0
    tunnel_idle_s: float = 600.0
    total_s: float = 3600.0
    linger_s: float = 2.0
    stop_s: float = 5.0
    tick_s: float = 0.25
    head_bytes: int = 32_768
    target_bytes: int = 8_192
    header_count: int = 100
    body_bytes: int = 2**40
    interim_answers: int = 64
    connections: int = 20_000
    client_connections: int = 20_000
    spare_connections: int = 512
    chunk_line_bytes: int = 256
    read_ahead_bytes: int = 65_536
    idle_upstreams: int = 128
    probe_body_bytes: int = 65_536
    api_connections: int = 16

    def ticks(self, wait: Wait) -> int:
        """How many ticks of the wheel `wait` may last; at least one."""
        seconds: float = getattr(self, wait.value)
        return max(1, round(seconds / self.tick_s))
