"""Test packets of L7: each server is asked over HTTP, in connections of its own, every interval_s.

     due ──► ask ──connect, question──► server           exam.py: what is asked, and what an answer is worth
      ▲       └─────◄── answer, or none within timeout_s ──► pool.passed / pool.failed
      └──interval_s──┘

Rules kept here:

1. The next test does not wait for an earlier one. At most `fall` are under way to a server, and those suffice: if it
   dies, they fail within timeout_s, and where there are fewer, more are begun, at most fall x interval_s later.
2. Results count in the order in which they come.
3. What the proxy could not do itself (no file, no port left) is no result: it says nothing of the server.
"""

from __future__ import annotations

import asyncio
import os

from balancing import HealthCheck, Pool, Server
from l7proxy.config import Address
from l7proxy.exam import PASSED, Exam, question
from l7proxy.failures import STARVED, not_connected
from l7proxy.limits import Limits

STAGGER_S = 0.1  # within it the first tests of a pool's servers begin, one after another
_PIECE_BYTES = 65_536


class Probes:
    """The tests of all pools' servers."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._patients: dict[Server, Patient] = {}

    def follow(self, pool: Pool) -> None:
        """Test the servers that `pool` has now: those that are new from now on, those that are gone no longer."""
        check = pool.service.health
        for server, patient in [*self._patients.items()]:
            if patient.pool is pool and (pool.servers.get(server.backend.id) is not server or patient.check != check):
                self._patients.pop(server).stop()
        if check is None:
            return
        new = [server for server in pool.servers.values() if server not in self._patients]
        for place, server in enumerate(new):
            delay_s = place * min(STAGGER_S, check.interval_s) / len(new)
            self._patients[server] = Patient(pool, server, check, self.limits, delay_s)

    def leave(self, pool: Pool) -> None:
        """Test nobody of `pool` any more."""
        for server in [server for server, patient in self._patients.items() if patient.pool is pool]:
            self._patients.pop(server).stop()

    def close(self) -> None:
        """Test nobody any more."""
        for patient in self._patients.values():
            patient.stop()
        self._patients.clear()

    def __repr__(self) -> str:
        return f"<Probes of {len(self._patients)} servers>"


class Patient:
    """One server, tested from `delay_s` seconds from now on until `stop`."""

    def __init__(self, pool: Pool, server: Server, check: HealthCheck, limits: Limits, delay_s: float) -> None:
        self.pool, self.server, self.check, self.limits = pool, server, check, limits
        service = pool.service
        self.question = question(check, check.host or str(Address(service.vip, service.port or 0)))
        self.address = Address(server.backend.ip, service.port_of(server.backend) or 0)
        self._loop = asyncio.get_running_loop()
        self._under_way: set[asyncio.Task[None]] = set()
        self._due_s = self._loop.time() + delay_s
        self._timer = self._loop.call_at(self._due_s, self._due)

    def _due(self) -> None:
        """Begin a test, and set the time of the next, which a late loop doesn't put off."""
        if len(self._under_way) < self.check.fall:
            task = self._loop.create_task(self._test())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        self._due_s = max(self._due_s + self.check.interval_s, self._loop.time())
        self._timer = self._loop.call_at(self._due_s, self._due)

    async def _test(self) -> None:
        """One test, and what it says to the pool."""
        began_s = self._loop.time()
        verdict = await self._verdict()
        now_s = self._loop.time()
        if verdict == PASSED:
            self.pool.passed(self.server, now_s, now_s - began_s)
        elif verdict is not None:
            self.pool.failed(self.server, verdict)

    async def _verdict(self) -> str | None:
        """PASSED, why it failed, or None: rule 3."""
        try:
            async with asyncio.timeout(self.check.timeout_s):
                return await self._ask()
        except TimeoutError:  # an OSError, too
            return f"no answer within {self.check.timeout_s:g} s"
        except OSError as error:
            if not_connected(error) is STARVED:
                return None
            return os.strerror(error.errno).lower() if error.errno else str(error)

    async def _ask(self) -> str:
        """Ask on a connection of its own. Raises OSError."""
        reader, writer = await asyncio.open_connection(str(self.address.ip), self.address.port)
        exam = Exam(self.check, self.limits)
        try:
            writer.write(self.question)
            while (verdict := exam.read(await reader.read(_PIECE_BYTES))) is None:
                pass
            return verdict
        finally:
            writer.transport.abort()

    def stop(self) -> None:
        """Begin no other test; of those under way nobody hears."""
        self._timer.cancel()
        for task in self._under_way:
            task.cancel()

    def __repr__(self) -> str:
        return f"<Patient {self.server.name} at {self.address}: {self.server.vitals}>"
