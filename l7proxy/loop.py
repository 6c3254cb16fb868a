"""The event loop: the only file that imports uvloop.

Each piece of a large body is 256,000 octets of memory, for a moment. glibc gives that back to the system when it is
freed and asks for it again for the next piece, which costs more than everything else that is done with the body: so it
is told to keep a few MiB (mallopt(3)). A GET of 1 MiB then takes 0.6 ms instead of 1.6.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from collections.abc import Coroutine

import uvloop

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT_BYTES = 16 * 2**20


def run(main: Coroutine[object, object, None]) -> None:
    """Run `main` to its end on uvloop."""
    _keep_freed_memory()
    gc.freeze()  # what is there by now stays: the collector need not look at it again and again
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def _keep_freed_memory() -> None:
    """Needless where the C library is another: then there is no mallopt, or it does nothing."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
