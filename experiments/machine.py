"""What this machine has for the lab: questions to it, without a judgement (doctor.py judges).

Rules kept here:

1. Asking changes nothing: what must be tried is tried in a namespace that ends with the trial.
2. No package is imported to learn its version: each giant has one importer, and that isn't this file.
3. Nothing raises: what can't be found out is None, or is said in the answer.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

Version = tuple[int, ...]


def packages(names: Iterable[str]) -> dict[str, str | None]:
    """The installed version of each Python package, None where there is none."""
    return {name: _package(name) for name in names}


def _package(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def commands(names: Iterable[str]) -> dict[str, str | None]:
    """Where each command is."""
    return {name: shutil.which(name) for name in names}


def ovs_version() -> Version | None:
    """Open vSwitch's own word. ovs-vsctl is asked because it starts three times as fast as the switch."""
    code, words = _try("ovs-vsctl", "--version")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", words)
    return tuple(map(int, found.groups())) if found and code == 0 else None


def kernel_datapath() -> bool:
    """Whether the kernel answers for openvswitch, built in or as a module.

    Asked over generic netlink (CTRL_CMD_GETFAMILY by name). /sys/module would not show one that is
    built in, and a kernel that has it as a module loads it now, when it is asked for its family.
    """
    name = b"ovs_datapath\0"
    attribute = struct.pack("=HH", 4 + len(name), 2) + name + bytes(-len(name) % 4)  # CTRL_ATTR_FAMILY_NAME
    body = struct.pack("=BBH", 3, 1, 0) + attribute                                  # CTRL_CMD_GETFAMILY
    header = struct.pack("=IHHII", 16 + len(body), 16, 1, 0, 0)                      # GENL_ID_CTRL, NLM_F_REQUEST
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as netlink:       # NETLINK_GENERIC
            netlink.sendto(header + body, (0, 0))
            return struct.unpack_from("=H", netlink.recv(4096), 4) != (2,)           # NLMSG_ERROR
    except OSError:
        return False


def tun_refusal(device: str = "/dev/net/tun") -> str:
    """Why the device doesn't open, empty if it does. Opening it makes no interface."""
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def namespace_refusal() -> str:
    """Why this user can't have the namespaces that a lab and its hosts live in, empty if he can.

    mnexec makes a host's, with a /sys of its own. A container that covers parts of the outer /sys is refused that.
    """
    host = ("mnexec", "-n") if shutil.which("mnexec") else ()
    code, words = _try(*_unshare(), *host, "true")
    return "" if code == 0 else words.strip() or f"exit code {code}"


def qdisc(kind: str) -> bool | None:
    """Whether the kernel has this queueing discipline, tried on a loopback of its own; None if it can't be tried."""
    if namespace_refusal() or not shutil.which("tc"):
        return None
    words = {"netem": "delay 1ms", "tbf": "rate 1mbit burst 5k latency 50ms"}.get(kind, "")
    code, _ = _try(*_unshare(), "tc", "qdisc", "add", "dev", "lo", "root", kind, *words.split())
    return code == 0


def sysctls(names: Iterable[str], proc: Path = Path("/proc/sys")) -> dict[str, str]:
    """The value of each sysctl that this kernel has."""
    files = {name: proc / name.replace(".", "/") for name in names}
    return {name: file.read_text().strip() for name, file in files.items() if file.is_file()}


def is_root() -> bool:
    return os.geteuid() == 0


def cores() -> int:
    """Those this process may use, which in a container may be fewer than the machine's."""
    return len(os.sched_getaffinity(0))


def memory_mib() -> int:
    """What is available, not what is free: the page cache can be given back."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return int(found[1]) // 1024 if found else 0


def _unshare() -> list[str]:
    user = [] if is_root() else ["--user", "--map-root-user"]
    return ["unshare", *user, "--net", "--pid", "--mount", "--fork"]


def _try(*command: str) -> tuple[int, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout + done.stderr
