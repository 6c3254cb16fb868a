"""Which capsules run: read from /proc, made up for what a machine may show, and the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.outside import USERS, become, wait_until
from topologies import capsule
from topologies.running import Capsule, capsules, started_by

LIST = "from topologies.running import *\nfor found in capsules(): print(found.id, found.labs)"


def status(parent: int, *pids: int) -> str:
    """As proc(5) has it, cut short."""
    return f"Name:\tpython3\nUmask:\t0022\nPid:\t{pids[0]}\nPPid:\t{parent}\nNStgid:\t{pids[0]}\t1\n" \
           f"NSpid:\t{chr(9).join(map(str, pids))}\nNSpgid:\t4\nThreads:\t1\n"


@pytest.mark.parametrize(("pids", "parent"), [
    ((4712, 1), 4711),       # a capsule's pid 1
    ((4712, 57, 1), 4711),   # one in a container
    ((4712,), None),         # a process of ours
    ((1,), None),            # our own pid 1
    ((4712, 17), None),      # a process in a capsule
    ((4712, 1, 17), None),   # and in a capsule in it
    ((4712, 11), None),
])
def test_pid_1_of_a_namespace_below_ours_is_told_from_all_others(pids: tuple[int, ...], parent: int | None) -> None:
    assert started_by(status(4711, *pids)) == parent


@pytest.mark.parametrize("text", ["", "Name:\tsh\n", "PPid:\t4711\nNSpid:\n"])
def test_what_is_no_status_is_nobodys(text: str) -> None:
    assert started_by(text) is None


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with two capsules, and beside them everything that is none."""
    for pid, words, folder in (("4712", status(4711, 4712, 1), "run/lab"),
                               ("99", status(98, 99, 1), "run/lab"),
                               ("5000", status(4999, 5000, 1), "run/other"),  # a container
                               ("5001", status(4712, 5001, 7), "run/lab"),    # a process in the first
                               ("5002", status(1, 5002), "run/lab")):
        (tmp_path / pid / "root" / folder).mkdir(parents=True)
        (tmp_path / pid / "status").write_text(words)
    (tmp_path / "5003").mkdir()  # it has just ended
    (tmp_path / "net").mkdir()
    return tmp_path


def test_capsules_are_found_in_the_order_of_their_ids(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capsule, "OUTSIDE", proc / "nothing")
    assert capsules(proc) == [Capsule(98, proc / "99/root/run/lab"), Capsule(4711, proc / "4712/root/run/lab")]


def test_the_one_that_we_are_in_comes_first(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (proc / "outside.pid").write_text("4000\n")
    monkeypatch.setattr(capsule, "OUTSIDE", proc / "outside.pid")
    assert [found.id for found in capsules(proc)] == [4000, 98, 4711]
    assert capsules(proc)[0].labs == capsule.LAB


@pytest.mark.live
def test_inside_there_is_only_our_own() -> None:
    (found,) = capsules()
    assert found == Capsule(int(Path("/run/outside.pid").read_text()), Path("/run/lab"))


@pytest.mark.parametrize("user", USERS)
def test_both_sides_call_it_by_the_pid_that_was_started(user: str) -> None:
    """As that user, who sees what is in it; another one does not even find it. When it ends, it is gone."""
    with become(user) as prefix:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "topologies.capsule", "sh", "-c",
             f"{sys.executable} -c '{LIST}'; echo from inside; read line"],
            cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        inside = process.stdout.readline().split()
        assert inside == [str(process.pid), "/run/lab"]
        assert process.stdout.readline() == "from inside\n"
        found = {int(line.split()[0]): line.split()[1] for line in listing(prefix).splitlines()}
        assert found[process.pid].startswith("/proc/")
        if os.geteuid() == 0:
            nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *prefix[prefix.index("env"):]]
            assert listing(nobody) == "", "another user's are not to be found"
            folder = subprocess.run([*nobody, "ls", found[process.pid]], capture_output=True, text=True)
            assert "Permission denied" in folder.stderr
        process.communicate("go\n", timeout=30)
        wait_until(lambda: process.pid not in {one.id for one in capsules()}, "it to be gone")


def listing(prefix: list[str]) -> str:
    """The capsules that a process of this user finds, a line each."""
    done = subprocess.run([*prefix, sys.executable, "-c", LIST], cwd="/", capture_output=True, text=True, check=True)
    return done.stdout
