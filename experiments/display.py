"""Progress, on stderr: a live picture on a terminal, a line a step elsewhere."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import NoReturn

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text


class Display(contextlib.AbstractContextManager["Display"]):
    """What a long experiment shows while it runs; nothing of it stays on a terminal.

    While it shows, Ctrl-C ends the process on the spot: the kernel takes the capsule down. A KeyboardInterrupt
    instead could land in a destructor, where Python passes over it.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._began_s = time.monotonic()
        self._words = ""
        self._picture: RenderableType = ""
        self._live = Live(self, console=self._console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Display:
        self._before = signal.signal(signal.SIGINT, self._interrupted)
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        if self._console.is_terminal:
            self._live.stop()

    def _interrupted(self, number: int, frame: object) -> NoReturn:
        self._console.show_cursor()
        os.write(2, b"lab: interrupted; nothing of it remains\n")
        os._exit(128 + number)

    def say(self, words: str) -> None:
        """What is going on now, in a few words."""
        self._words = words
        if not self._console.is_terminal:
            print(f"{self._elapsed_s():5.1f} s  {words}", file=sys.stderr, flush=True)

    def show(self, picture: RenderableType) -> None:
        """What is known so far; shown above the words, on a terminal."""
        self._picture = picture

    def __rich_console__(self, *ignored: object) -> Iterator[Group]:
        yield Group(self._picture, Text(f"{self._elapsed_s():3.0f} s  {self._words}", "dim"))

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began_s
