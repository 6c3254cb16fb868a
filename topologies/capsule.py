"""The capsule: a lab never touches the machine it runs on.

    the pid that was started ─┐ waits, hands SIGTERM on, ends as its child ends
                              └─► pid 1 of the capsule: own network, mounts, processes
                                   ├── /run            a tmpfs, with OVS's sockets and database
                                   ├── ovsdb-server, ovs-vswitchd
                                   └── whatever the lab starts

Rules kept here:

1. Everything of a lab hangs on pid 1 of its PID namespace. When that ends, or the process outside
   ends by whatever means (`kill -9` too), the kernel removes all of it: nothing is cleaned up,
   because there is nothing left to clean.
2. Without root the same inside a user namespace, where the user is root (user_namespaces(7)).
3. Only this file, and running.py, which finds capsules from anywhere, know about namespaces and /run.

`python -m topologies.capsule COMMAND ...` runs any command in a fresh capsule.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from layerlab import LabError

RUN = Path("/run")
HOSTS = RUN / "hosts"  # what /etc/hosts is, inside
OUTSIDE = RUN / "outside.pid"  # inside: the process that was started, by the pid that it has outside
SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def enter() -> None:
    """Return inside a fresh capsule, as its pid 1, with an OVS of its own running.

    The calling process stays outside, waits for the one that returns, and exits as it did; so this
    returns in the child only. Call it early, while the process has one thread.
    Raises LabError, outside, if the system refuses the namespaces.
    """
    sys.stdout.flush()  # or both processes would print what waits there
    outside = os.getpid()
    alive, mark = os.pipe()  # `alive` reads as closed once the process outside is gone
    _new_namespaces()
    if child := os.fork():
        os.close(alive)
        os._exit(_wait_for(child))  # whatever this process meant to do, its child does
    os.close(mark)
    _die_with_parent(alive)
    signal.signal(signal.SIGTERM, _terminate)
    _mounts()
    OUTSIDE.write_text(f"{outside}\n")
    _start_ovs()


def _new_namespaces() -> None:
    uid, gid, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    try:
        _call("unshare", CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | (0 if root else CLONE_NEWUSER))
    except OSError as error:
        raise LabError(f"this system refuses the lab its namespaces: {error.strerror}",
                       "root, or a kernel that gives namespaces to ordinary users",
                       "sudo ./lab ...   (./lab doctor says more)") from None
    if not root:  # user_namespaces(7): who we are outside becomes root inside
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _wait_for(child: int) -> int:
    """Outside: hand SIGTERM on, leave Ctrl-C to the child, and return its exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _die_with_parent(alive: int) -> None:
    """Inside: be killed when the process outside ends, also if it already has."""
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    readable, _, _ = select.select([alive], [], [], 0)
    if readable:  # end of file: it ended before the line above
        os._exit(1)


def _terminate(number: int, frame: object) -> None:
    os._exit(128 + number)  # not sys.exit, whose exception might be caught; there is nothing to clean up


def _mounts() -> None:
    _mount(b"none", b"/", None, MS_REC | MS_PRIVATE)
    _mount(b"proc", b"/proc", b"proc", 0)
    _mount(b"tmpfs", bytes(RUN), b"tmpfs", 0)
    for directory in ("openvswitch", "netns", "lab"):
        (RUN / directory).mkdir()
    HOSTS.write_text("127.0.0.1\tlocalhost\n")
    _mount(bytes(HOSTS), b"/etc/hosts", None, MS_BIND)
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")


def _start_ovs() -> None:
    """Start ovsdb-server and ovs-vswitchd, each returning once it can be used (ovs-vswitchd(8), --detach)."""
    database, socket = RUN / "openvswitch/conf.db", RUN / "openvswitch/db.sock"
    quiet = ("-vconsole:off", "-vsyslog:off", "-vfile:off")
    for command in (
        ("ip", "link", "set", "lo", "up"),
        ("ovsdb-tool", "create", database, SCHEMA),
        ("ovsdb-server", f"--remote=punix:{socket}", "--pidfile", "--detach", "--no-chdir", *quiet, database),
        ("ovs-vsctl", "--no-wait", "init"),
        ("ovs-vswitchd", f"unix:{socket}", "--pidfile", "--detach", "--no-chdir", *quiet),
    ):
        _run(*map(str, command))


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed", "Open vSwitch and iproute2", "./lab setup") from None
    except subprocess.CalledProcessError as error:
        raise LabError(f"{' '.join(command)} failed: {error.stderr.strip()}", "an Open vSwitch that starts",
                       "./lab doctor") from None


def datapath() -> str:
    """Inside: "kernel" if this kernel lets us make a datapath of its own kind, else "userspace".

    Tried rather than looked up: OVS lists the type "system" whether or not the module is there.
    """
    if subprocess.run(("ovs-appctl", "dpctl/add-dp", "system@probe"), capture_output=True).returncode:
        return "userspace"
    _run("ovs-appctl", "dpctl/del-dp", "system@probe")
    return "kernel"


LAB = RUN / "lab"  # inside: a folder for the lab's own files, gone with the capsule


def switch_pid() -> int:
    """Inside: the process that switches, as far as a process does."""
    return int((RUN / "openvswitch/ovs-vswitchd.pid").read_text())


def name_hosts(text: str) -> None:
    """Inside: make `text`, in the format of hosts(5), the capsule's /etc/hosts."""
    HOSTS.write_text(text)  # the same inode: hosts that already run see it


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int) -> None:
    _call("mount", source, target, kind, ctypes.c_ulong(flags), None)


def _call(name: str, *arguments: object) -> None:
    """A system call through libc. Raises OSError with its errno."""
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main() -> None:
    """Run the command given as arguments in a fresh capsule."""
    if len(sys.argv) < 2:
        sys.exit("usage: python -m topologies.capsule COMMAND [ARGUMENT ...]")
    try:
        enter()
        sys.exit(subprocess.call(sys.argv[1:]))
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
