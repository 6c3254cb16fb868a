"""CPU time of the lab's own processes: what a request costs, and whom. And how busy the whole machine was beside it.

Read from /proc/PID/stat (proc(5), utime and stime), so it counts a process and its threads, in user and
kernel mode. What the kernel does in nobody's name is in none of them: with the kernel's datapath, switching
itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def cpu_ms(pid: int) -> float:
    """CPU time that a process has used so far, in milliseconds. Raises OSError if it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_MS


def ticks() -> tuple[int, int]:
    """Ticks of all cores since the machine was started, whoever used them: (busy, all)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split()[1:9]]  # "cpu", user, nice, system, idle,
    return sum(fields) - fields[3] - fields[4], sum(fields)                         # iowait, irq, softirq, steal


class Usage:
    """CPU time used from now on, by name: {"switch": pid, "controller": pid}."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before, self._ticks = self._now(), ticks()

    def parts(self) -> tuple[float, float]:
        """What part of the machine's CPU time since this was made these processes used, and what part anybody."""
        busy, whole = (now - before for now, before in zip(ticks(), self._ticks, strict=True))
        return (sum(self.spent_ms().values()) / _TICK_MS / whole, busy / whole) if whole else (0.0, 0.0)

    def spent_ms(self) -> dict[str, float]:
        """What each process has used since this was made, in milliseconds."""
        return {name: now - self._before[name] for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: cpu_ms(pid) for name, pid in self._pids.items()}
