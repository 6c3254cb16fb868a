"""What tests of isolation share: the machine as a lab could leave it, and how to be somebody else."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["balancing", "topologies", "controller", "l7proxy", "experiments", "benchmarks", "layerlab.py"]
SOMEBODY = 54_321  # an ordinary uid that is nobody's on this machine

# As an ordinary user, from root: /dev/net/tun may be root's alone, so a mount namespace of the test gets an open one.
# Without -n the first mount of a machine that was just started would leave /run/mount behind (mount(8)).
AS_USER = ["unshare", "--mount", "sh", "-c",
           "mount -n --make-rprivate / && mount -n -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 &&"
           f' exec setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups "$0" "$@"']
USERS = ["ordinary user", "root"] if os.geteuid() == 0 else ["ordinary user"]

# Beside all of net.*, what Mininet's fixLimits would write; and the few of net.* that change by themselves.
SYSCTLS = ("fs/file-max", "kernel/pty/max")
RESTLESS = {"nf_conntrack_count"}


@contextmanager
def become(user: str) -> Iterator[list[str]]:
    """The beginning of a command line that runs the rest as `user`, with a copy of the rooms that he may read."""
    with tempfile.TemporaryDirectory() as copy:  # not pytest's, which only its owner can enter
        for room in ROOMS:
            source = ROOT / room
            if source.is_dir():
                shutil.copytree(source, Path(copy, room), ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy)
        Path(copy).chmod(0o755)
        switch = AS_USER if os.geteuid() == 0 and user != "root" else []
        yield [*switch, "env", f"PYTHONPATH={copy}", "PYTHONDONTWRITEBYTECODE=1", f"HOME={copy}"]


def processes() -> dict[int, str]:
    """What runs on the machine, by pid."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def offspring(pid: int) -> set[int]:
    """`pid` and all that descends from it."""
    family, parents = {pid}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def outside() -> dict[str, str]:
    """What a lab could leave behind on the machine: links, sysctls, /etc and /run."""
    proc = Path("/proc/sys")
    found = {}
    for path in [*sorted((proc / "net").rglob("*")), *(proc / name for name in SYSCTLS)]:
        try:
            if path.is_file() and path.name not in RESTLESS:
                found[str(path)] = path.read_text()
        except (OSError, UnicodeDecodeError):
            continue
    etc = {str(path): str(path.lstat().st_mtime_ns) for path in Path("/etc").rglob("*")}
    run = {str(path): "" for path in Path("/run").rglob("*")}
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    return {"links": links, **found, **etc, **run}


def wait_until(true: Callable[[], bool], what: str, patience_s: float = 20) -> None:
    """Return once `true()`; fail with `what` was waited for."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        time.sleep(0.02)
