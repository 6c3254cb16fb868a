"""Names to addresses: who looks them up, what is remembered, and what a client is told of a name that has none.

     find("shop.example", now) ──known──► (93.184.215.14,) or a Verdict: 502, dns_error
                 │ None
     look_up(...) ──first──► Resolver.lookup, in the shell      ──► learn(...) ──► everyone who waits for that name
                  └─others wait for the same answer             └─► unasked(...), if all of them have left before

Rules kept here:

1. Only addresses come out, and they are judged each time they are dialled (guard.py), remembered or not.
2. One question per name at a time, however many clients ask it; what is remembered is bounded, in time and number, and
   so are the questions, for a name server that doesn't answer holds each of them for many seconds.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Protocol

from balancing.form import IPAddress
from l7proxy.forward.verdict import Verdict, denied

Answer = tuple[IPAddress, ...] | Verdict
FOUND_S = 60.0     # how long addresses are remembered: getaddrinfo doesn't say how long they hold
MISSING_S = 5.0    # and that there are none
MOST_NAMES = 4096
MOST_ASKED = 1024  # names that are being looked up, or are to be; who asks for another one is told to come back


class Resolver(Protocol):
    """Who asks the network: a thread with getaddrinfo, in the shell."""

    def lookup(self, name: str) -> None:
        """Look up `name`, and later call Names.learn with its addresses, or with failed(...); or Names.unasked."""


def _no(why: str, status: int = 502, error: str = "dns_error") -> Verdict:
    return denied("dns", f"the host's name can't be resolved: {why}", status, error)


FAILURES: Mapping[int, Verdict] = {  # of getaddrinfo(3)
    socket.EAI_NONAME: _no("there is no such name"),
    socket.EAI_NODATA: _no("it has no address"),
    socket.EAI_ADDRFAMILY: _no("it has no address of a kind that is spoken here"),
    socket.EAI_FAIL: _no("its name server refuses"),
    socket.EAI_AGAIN: _no("no name server answers", 504, "dns_timeout"),  # RFC 9209 2.3.1
}
LATE = FAILURES[socket.EAI_AGAIN]
BUSY = _no("too many others are asked for", 504, "dns_timeout")


def failed(error: OSError) -> Verdict:
    """What a client is told when getaddrinfo raises `error`."""
    return FAILURES.get(error.errno or 0) or _no(error.strerror or "the resolver fails")


class Names:
    """What is known of names, and who waits to know."""

    def __init__(self, resolver: Resolver) -> None:
        self.resolver = resolver
        self._known: dict[str, tuple[float, Answer]] = {}
        self._waiting: dict[str, list[Callable[[Answer], object]]] = {}

    def find(self, name: str, now_s: float) -> Answer | None:
        """What is remembered of `name`, None if it must be looked up; BUSY if that can't be."""
        until_s, answer = self._known.get(name, (0.0, None))
        if now_s < until_s:
            return answer
        return BUSY if len(self._waiting) >= MOST_ASKED and name not in self._waiting else None

    def look_up(self, name: str, then: Callable[[Answer], object]) -> None:
        """Call `then` once it is known."""
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.append(then)
            return
        self._waiting[name] = [then]
        self.resolver.lookup(name)

    def leave(self, name: str, then: Callable[[Answer], object]) -> None:
        """Whoever waits for `name` no longer does; `then` is not called."""
        waiting = self._waiting.get(name, [])
        if then in waiting:
            waiting.remove(then)

    def wanted(self, name: str) -> bool:
        """Whether anybody still waits for `name`; safe to ask in a thread."""
        return bool(self._waiting.get(name))

    def unasked(self, name: str) -> None:
        """The resolver has not looked it up, for nobody waited; who has come since then makes it do so."""
        if self._waiting[name]:
            self.resolver.lookup(name)
        else:
            del self._waiting[name]

    def learn(self, name: str, answer: Answer, now_s: float) -> None:
        """The resolver has answered."""
        if len(self._known) >= MOST_NAMES:
            self._forget(now_s)
        answer = answer or FAILURES[socket.EAI_NODATA]
        self._known.pop(name, None)
        self._known[name] = now_s + (MISSING_S if isinstance(answer, Verdict) else FOUND_S), answer
        for then in self._waiting.pop(name, []):
            then(answer)

    def _forget(self, now_s: float) -> None:
        """Make room: what is over, else the oldest half."""
        kept = {name: known for name, known in self._known.items() if known[0] > now_s}
        if len(kept) >= MOST_NAMES:
            kept = dict(list(kept.items())[MOST_NAMES // 2:])
        self._known = kept

    def __repr__(self) -> str:
        return f"<Names: {len(self._known)} known, {len(self._waiting)} asked for>"
