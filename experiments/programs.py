"""The programs of a lab: started in a host or beside the switches, watched, and ended by pid.

    spawn("srv1", [...], host pid) ──► srv1.out, srv1.err in the lab's folder ──► wait until it says a word

A program that ends by itself is an error with its last words in it, whoever happens to be waiting.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from layerlab import LabError

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 30  # for anything that should take a second


class Programs(dict[str, "subprocess.Popen[str]"]):
    """The running programs by name. folder: where what they say goes; made by the caller."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def spawn(self, name: str, command: list[str], host_pid: int | None = None) -> None:
        """Start a program, in the network of the host with this pid if one is given.

        In a session of its own: Ctrl-C at the prompt is for the command that runs there.
        """
        if host_pid is not None:
            command = ["mnexec", "-a", str(host_pid), *command]
        with self._file(name, "out").open("w") as out, self._file(name, "err").open("w") as err:
            self[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, text=True, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)})

    def has_said(self, name: str, word: str) -> bool:
        """Whether a program has said `word`, on stdout or stderr."""
        return any(word in self._file(name, stream).read_text() for stream in ("out", "err"))

    def check(self) -> None:
        """Raise LabError, with its last words, if one has ended."""
        for name, process in self.items():
            if process.poll() is not None:
                raise LabError(f"{name} has ended with exit code {process.returncode}", "it to run",
                               "read what it said:\n" + self._file(name, "err").read_text().strip())

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """End them all; what has not ended in so many seconds is killed."""
        for process in self.values():
            process.terminate()
        for process in self.values():
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _file(self, name: str, stream: str) -> Path:
        return self.folder / f"{name}.{stream}"


def wait(what: str, done: Callable[[], bool], check: Callable[[], object]) -> None:
    """Return once `done()`. `check` may raise meanwhile. Raises LabError if it takes too long."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not done():
        check()
        if time.monotonic() > deadline_s:
            raise LabError(f"waited {PATIENCE_S} s for {what}", "it within a second", "./lab doctor")
        time.sleep(0.01)


def listens(port: int) -> bool:
    """Whether somebody listens on TCP `port` here: sought in /proc/net/tcp (proc(5)), without disturbing it."""
    _, *lines = Path("/proc/net/tcp").read_text().splitlines()
    sockets = (line.split() for line in lines)
    return any(state == "0A" and int(local.rpartition(":")[2], 16) == port for _, local, _, state, *_ in sockets)
