"""What blocks, scrypt and getaddrinfo, asked of a few threads; each answer comes in a round of the loop of its own.

     lookup(name) ──► a thread: getaddrinfo ──► Names.learn ──► everyone who waits for that name
     verify(users, credentials, then) ──► a thread: scrypt ──► Users.remember ──► everyone who has shown the same

Rule: whatever becomes of the work, even nothing, whoever waits is told; nobody waits for a thread that is gone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from l7proxy.forward import names
from l7proxy.forward.names import Answer, Names
from l7proxy.forward.users import Users

RESOLVERS, VERIFIERS = 16, 1  # threads; a verification takes 16 MiB and a tenth of a second
PLACES = 4096  # verifications that may wait; who comes after these is told no
Thing = TypeVar("Thing")


class Threads:
    """A few of them, for the whole proxy, whatever it is told meanwhile."""

    def __init__(self) -> None:
        self.names = Names(self)
        self._resolvers = ThreadPoolExecutor(RESOLVERS, "resolver")
        self._verifiers = ThreadPoolExecutor(VERIFIERS, "verifier")
        self._verifying: dict[tuple[Users, bytes], list[Callable[[str], object]]] = {}

    def lookup(self, name: str) -> None:
        """Ask the system's resolver (names.Resolver)."""
        loop = asyncio.get_running_loop()

        def done(future: asyncio.Future[Answer]) -> None:
            self.names.learn(name, _said(future, names.LATE), loop.time())
        loop.run_in_executor(self._resolvers, addresses, name).add_done_callback(done)

    def verify(self, users: Users, value: bytes, then: Callable[[str], object]) -> None:
        """Call `then` with whose of `users` these credentials are; "" for nobody's, or if too many wait."""
        waiting = self._verifying.get((users, value))
        if waiting is not None:
            waiting.append(then)
            return
        loop = asyncio.get_running_loop()
        if len(self._verifying) >= PLACES:
            loop.call_soon(then, "")
            return
        self._verifying[users, value] = [then]
        asked = loop.run_in_executor(self._verifiers, users.verify, value)
        asked.add_done_callback(partial(self._verified, users, value))

    def _verified(self, users: Users, value: bytes, future: asyncio.Future[str]) -> None:
        user = _said(future, "")
        if not future.cancelled() and future.exception() is None:
            users.remember(value, user)
        for then in self._verifying.pop((users, value)):
            then(user)

    def close(self) -> None:
        """End them. What is under way is not waited for; who waits for it is told that nothing came of it."""
        self._resolvers.shutdown(wait=False, cancel_futures=True)
        self._verifiers.shutdown(wait=False, cancel_futures=True)


def _said(future: asyncio.Future[Thing], otherwise: Thing) -> Thing:
    """What came of a thread's work; `otherwise`, and a word to the loop, if that is an exception nobody expected."""
    if future.cancelled():
        return otherwise
    error = future.exception()
    if error is None:
        return future.result()
    future.get_loop().call_exception_handler({"message": "a thread of the forward proxy failed", "exception": error})
    return otherwise


def addresses(name: str) -> Answer:
    """In a thread: the addresses of `name`, in the system's order (RFC 6724), each once."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return names.failed(error)
    except ValueError:  # no name: UnicodeError from its label that is empty or too long, or a NUL in it
        return names.FAILURES[socket.EAI_NONAME]
    return tuple(dict.fromkeys(ipaddress.ip_address(str(place[0])) for *_, place in found))
