"""`./lab shell` with a test at its prompt."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LAB = [sys.executable, "-P", "-m", "experiments"]


class Shell:
    """A lab that is up. id: as its banner gives it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.id = process, process.pid

    def until(self, word: str) -> str:
        """What it says, up to a line with this word."""
        assert self.process.stdout is not None
        said = ""
        while word not in (line := self.process.stdout.readline()):
            assert line, f"it ended before it said {word!r}: {said}"
            said += line
        return said

    def typed(self, command: str) -> str:
        """What a command at the prompt says."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\nsh echo done with it\n")
        self.process.stdin.flush()
        return self.until("done with it").replace("mininet> ", "")


@contextmanager
def shell(*words: str, prefix: Sequence[str] = ()) -> Iterator[Shell]:
    """Start a lab, and end it."""
    with subprocess.Popen([*prefix, *LAB, "shell", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        found = Shell(process)
        banner = found.until("Starting CLI")
        assert f"Layer Lab {process.pid}: " in banner, "the banner gives the id"
        yield found
        process.kill()
