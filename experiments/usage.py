"""CPU time of the lab's own processes: what a request costs, and whom.

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


class Usage:
    """CPU time used from now on, by name: {"switch": pid, "controller": pid}."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = self._now()

    def spent_ms(self) -> dict[str, float]:
        """What each process has used since this was made, in milliseconds."""
        return {name: now - self._before[name] for name, now in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: cpu_ms(pid) for name, pid in self._pids.items()}
