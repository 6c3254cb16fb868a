"""The open loop in several processes: more sessions than one can drive, as one list of calls.

                     ┌─ process 1: openloop.play ─┐
    visits ──dealt──►├─ process 2: openloop.play ─┼──► calls, in the order in which they ended
                     └─ ...                       ┘
                         all begin at once

Rules kept here:

1. All processes begin at the same moment (a barrier, within a millisecond or so): `at_s` means the same in each.
2. Visits are dealt out in turn, in the order of their times, so that each process has as much to do at any time.
3. Each is a process of its own, begun afresh (spawn): a fork would take this one's threads' locks along.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from threading import BrokenBarrierError

from experiments.connections import allow_sockets
from experiments.openloop import PATIENCE_S, Call, Visit, play
from layerlab import LabError

START_S = 30.0  # for all processes to be there
_begin: Barrier | None = None  # each process is given it when it begins


def play_in(processes: int, wanted: Iterable[Visit], patience_s: float = PATIENCE_S) -> list[Call]:
    """Make the visits from so many processes and return every call, in the order in which they ended.

    Raises LabError for no process, if they can't all begin, or if a client's host is gone.
    """
    if processes < 1:
        raise LabError(f"the load is to come from {processes} processes", "at least 1")
    if processes == 1:
        return play(wanted, patience_s)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, spawn, _join, (spawn.Barrier(processes),)) as pool:
        calls = [call for part in pool.map(partial(_play, patience_s=patience_s), hands(wanted, processes))
                 for call in part]
    return sorted(calls, key=lambda call: call.at_s + call.took_s)


def hands(wanted: Iterable[Visit], processes: int) -> list[list[Visit]]:
    """The visits dealt out, in the order of their times."""
    ordered = sorted(wanted, key=lambda visit: visit.at_s)
    return [ordered[place::processes] for place in range(processes)]


def most_at_once(calls: Sequence[Call]) -> int:
    """How many requests were under way at the same time, at most."""
    ends = sorted([(call.at_s + call.late_s, 1) for call in calls] + [(call.at_s + call.took_s, -1) for call in calls])
    now = most = 0
    for _, change in ends:
        now += change
        most = max(most, now)
    return most


def _join(barrier: Barrier) -> None:
    """In a process that has just begun."""
    global _begin
    _begin = barrier
    allow_sockets()


def _play(wanted: Sequence[Visit], patience_s: float) -> list[Call]:
    assert _begin is not None
    try:
        _begin.wait(START_S)
    except BrokenBarrierError:
        raise LabError(f"not all processes began within {START_S:g} s", "a machine that is less busy") from None
    return play(wanted, patience_s)
