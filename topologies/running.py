"""The capsules that run now, found in /proc, from outside and from inside.

    outside                                       inside
    4711  ./lab shell                             (out of sight)
    4712   └─ pid 1 of the capsule                1
           /proc/4712/status: NSpid: 4712 1       /run/outside.pid: 4711
           /proc/4712/root/run/lab                /run/lab

Rules kept here:

1. Nobody keeps a list that could be wrong: a capsule is there as long as its pid 1 is.
2. A capsule's id is the pid of the process that was started, as it is called outside. It is the one to kill.
3. /proc/PID/root leads only the same user inside, and root (proc(5); ptrace(2), "access mode checking"). So what is
   found is what the asker may operate: nothing else asks who he is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from topologies import capsule

PROC = Path("/proc")


@dataclass(frozen=True)
class Capsule:
    """One that runs. id: the pid of the process that was started. labs: its LAB folder, as it is called here."""

    id: int
    labs: Path


def capsules(proc: Path = PROC) -> list[Capsule]:
    """Those that we may operate, by id: the one that we are in first, if we are in one."""
    return [*_ours(), *sorted(_below(proc), key=lambda found: found.id)]


def own_id() -> int:
    """Inside: the id of the capsule that we are in."""
    return int(capsule.OUTSIDE.read_text())


def _ours() -> Iterator[Capsule]:
    if capsule.OUTSIDE.exists():
        yield Capsule(own_id(), capsule.LAB)


def _below(proc: Path) -> Iterator[Capsule]:
    """Those whose pid 1 is a process that we see."""
    for process in proc.glob("[0-9]*"):
        try:
            started = started_by((process / "status").read_text())
            labs = process / "root" / capsule.LAB.relative_to("/")
            if started and labs.is_dir():
                yield Capsule(started, labs)
        except OSError:  # it has ended just now, or is somebody else's
            continue


def started_by(status: str) -> int | None:
    """The parent of a process that is pid 1 of a PID namespace below ours; None of any other. From /proc/PID/status."""
    found = re.search(r"^PPid:\t(\d+)$.*^NSpid:\t\d+\t(?:\d+\t)*1$", status, re.MULTILINE | re.DOTALL)
    return int(found[1]) if found else None
