"""What a forward proxy has to ask threads for: where a name is, and whose credentials these are.

     lookup(name) ──► a thread: getaddrinfo ──► Names.learn ──► everyone who waits for that name
     verify(users, credentials, then) ──► a thread: scrypt ──► Users.remember ──► everyone who has shown the same

Rule: whatever becomes of the work, whoever waits is told; what is known stays known in a reload (standing.py).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable

from l7proxy.forward import names
from l7proxy.forward.names import Answer, Names
from l7proxy.forward.threads import Threads
from l7proxy.forward.users import Users

RESOLVERS, VERIFIERS = 16, 1  # threads; a verification takes 16 MiB and a tenth of a second
PLACES = 4096  # verifications that may wait; who comes after these is told no
Told = Callable[[str], object]


class Asking:
    """Who waits for what."""

    def __init__(self) -> None:
        self.names = Names(self)
        self._resolvers, self._verifiers = Threads(RESOLVERS, "resolver"), Threads(VERIFIERS, "verifier")
        self._verifying: dict[tuple[Users, bytes], list[Told]] = {}

    def lookup(self, name: str) -> None:
        """Ask the system's resolver (names.Resolver); not for those who have left before it is their turn."""
        known, loop = self.names, asyncio.get_running_loop()

        def done(answer: Answer | None) -> None:
            if answer is None:
                known.unasked(name)
            else:
                known.learn(name, answer, loop.time())
        self._resolvers.ask(lambda: addresses(name) if known.wanted(name) else None, done, names.LATE)

    def verify(self, users: Users, value: bytes, then: Told) -> None:
        """Call `then` with whose of `users` these credentials are, one by one; "" for nobody's, or if too many wait."""
        waiting = self._verifying.get((users, value))
        if waiting is not None:
            waiting.append(then)
            return
        if len(self._verifying) >= PLACES:
            asyncio.get_running_loop().call_soon(then, "")
            return
        self._verifying[users, value] = [then]

        def done(user: str | None) -> None:
            if user is not None:
                users.remember(value, user)
            for one in self._verifying.pop((users, value)):
                one(user or "")
        self._verifiers.ask(lambda: users.verify(value), done, None)

    def close(self) -> None:
        """End the threads, once nobody waits for them."""
        self._resolvers.close()
        self._verifiers.close()


def addresses(name: str) -> Answer:
    """In a thread: the addresses of `name`, in the system's order (RFC 6724), each once."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return names.failed(error)
    except ValueError:  # no name: UnicodeError for a label that is empty or too long, or a NUL in it
        return names.FAILURES[socket.EAI_NONAME]
    return tuple(dict.fromkeys(ipaddress.ip_address(str(place[0])) for *_, place in found))
