"""The capsule: what is inside stays inside, and what ends it ends all of it."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAPSULE = [sys.executable, "-m", "topologies.capsule"]
SOMEBODY = 54_321  # an ordinary uid that is nobody's on this machine

# As an ordinary user, from root: /dev/net/tun may be root's alone, so the test's own mount namespace gets an open one.
AS_USER = ["unshare", "--mount", "sh", "-c",
           "mount --make-rprivate / && mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 &&"
           f' exec setpriv --reuid {SOMEBODY} --regid {SOMEBODY} --clear-groups "$0" "$@"']
USERS = ["ordinary user", "root"] if os.geteuid() == 0 else ["ordinary user"]


@pytest.fixture(scope="module", params=USERS)
def prefix(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """How to run a command as this user, with a copy of the rooms that it may read."""
    become = AS_USER if os.geteuid() == 0 and request.param != "root" else []
    with tempfile.TemporaryDirectory() as copy:  # not pytest's, which only its owner can enter
        subprocess.run(["cp", "-r", ROOT / "topologies", ROOT / "layerlab.py", copy], check=True)
        pathlib.Path(copy).chmod(0o755)
        yield [*become, "env", f"PYTHONPATH={copy}", "PYTHONDONTWRITEBYTECODE=1", f"HOME={copy}", *CAPSULE]


def start(prefix: Sequence[str], *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*prefix, *command], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run(prefix: Sequence[str], *command: str) -> str:
    process = start(prefix, *command)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    return output


def processes() -> dict[int, str]:
    """What runs on the machine, by pid."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
    return found


def offspring(pid: int) -> set[int]:
    """`pid` and all that descends from it."""
    family = {pid}
    parents = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def outside() -> dict[str, str]:
    """What a lab could leave behind on the machine: links, sysctls, /etc and /run."""
    sysctls = {}
    for path in sorted(pathlib.Path("/proc/sys/net").rglob("*")):
        if path.is_file() and os.access(path, os.R_OK) and "neigh" not in path.parts:
            try:
                sysctls[str(path)] = path.read_text()
            except (OSError, UnicodeDecodeError):
                continue
    etc = {str(path): str(path.lstat().st_mtime_ns) for path in pathlib.Path("/etc").rglob("*")}
    run = {str(path): "" for path in pathlib.Path("/run").rglob("*")}
    links = subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout
    return {"links": links, **sysctls, **etc, **run}


def test_first_ping_through_a_switch(prefix: list[str]) -> None:
    script = ("from topologies import Flat, capsule\nfrom topologies.nodes import LabNet\n"
              "net = LabNet(Flat(clients=1, servers=1), capsule.datapath()); net.start()\n"
              "print(net['h1'].cmd('ping -c 1 -W 5 10.0.2.1'))")
    assert "1 received" in run(prefix, sys.executable, "-c", script)


def test_it_is_root_inside_with_its_own_network_and_processes(prefix: list[str]) -> None:
    output = run(prefix, "sh", "-c", "id -u; ls /proc | grep -c '^[0-9]'; ip -br link; ls /run; cat /etc/hosts")
    uid, count, *rest = output.splitlines()
    assert uid == "0"
    assert int(count) < 15
    assert rest[0].split()[0] == "lo"
    assert "openvswitch" in output
    assert "eth0" not in output


def test_the_command_s_exit_code_comes_out(prefix: list[str]) -> None:
    process = start(prefix, "sh", "-c", "exit 7")
    process.communicate(timeout=60)
    assert process.returncode == 7


MOMENTS = {  # what has been printed when the blow falls; None means nothing is waited for
    "at once": (None, "true"),
    "while OVS starts": (None, "sleep 60"),
    "with a bridge": ("ready", "ovs-vsctl add-br s9 -- set bridge s9 datapath_type=netdev; echo ready; sleep 60"),
    "with a host": ("ready", "ip netns add h9; ip link add v9 type veth peer name v8 netns h9;"
                             " touch /run/left; ip netns exec h9 sleep 60 & echo ready; sleep 60"),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_killed_at_any_moment_it_leaves_nothing(prefix: list[str], moment: str, blow: signal.Signals) -> None:
    word, script = MOMENTS[moment]
    before = outside()
    process = start(prefix, "sh", "-c", script)
    assert process.stdout is not None
    if word:
        assert process.stdout.readline().strip() == word
    elif moment != "at once":
        wait_until(lambda: any("ovs" in processes().get(pid, "") for pid in offspring(process.pid)), "OVS to start")
    family = offspring(process.pid)
    os.kill(process.pid, blow)
    process.wait(30)
    process.stdout.close()
    wait_until(lambda: not family & set(processes()), f"{family} to be gone")
    assert outside() == before


def test_two_capsules_side_by_side_do_not_see_each_other(prefix: list[str]) -> None:
    script = "ip link add twin type veth && echo ready && read line && ovs-vsctl show && ip -br link show twin"
    pair = [subprocess.Popen([*prefix, "sh", "-c", script], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    for process in pair:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
    for process in pair:
        output, _ = process.communicate("go\n", timeout=30)
        assert process.returncode == 0, output
        assert "twin" in output


def wait_until(true: Callable[[], bool], what: str, patience_s: float = 20) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        time.sleep(0.02)


