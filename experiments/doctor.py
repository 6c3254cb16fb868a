"""`./lab doctor`: what the lab needs, what is there, what isn't, what follows, and what to type.

    note     datapath      the kernel has no openvswitch                     <- saw
                           switches run in userspace: slower, all works      <- follows
                           try: sudo modprobe openvswitch                    <- hint

Rules kept here:

1. A check has two halves. `look` (machine.py) asks and judges nothing; `judge` is pure and makes a Finding of
   what was seen, so that every outcome can be tested on any machine. CHECKS pairs them.
2. `missing`: no lab can run, and `needs` says what would do. `note`: one runs, with something less.
3. Checks with a need run before every lab too (`check_system`), so they must be quick.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller import which
from experiments import machine
from experiments.machine import Version
from layerlab import LabError

OVS_NEEDED: Version = (2, 17)
OVS_FLUSHES: Version = (3, 1)  # the first with NXT_CT_FLUSH
COLOURS = {"ok": "green", "note": "yellow", "missing": "bold red"}
# What the lab and docs/ways-in.md start, and the Debian package that it comes in.
COMMANDS = {
    "mnexec": "mininet", "mn": "mininet", "ovs-vswitchd": "openvswitch-switch", "ovsdb-server": "openvswitch-switch",
    "ovsdb-tool": "openvswitch-common", "ovs-vsctl": "openvswitch-switch", "ovs-ofctl": "openvswitch-common",
    "unshare": "util-linux", "mount": "mount", "sysctl": "procps", "ip": "iproute2", "tc": "iproute2",
    "nft": "nftables", "ethtool": "ethtool", "ping": "iputils-ping", "curl": "curl", "tcpdump": "tcpdump",
}  # fmt: skip
LIBRARIES = ("click", "cryptography", "httptools", "requests", "rich", "scapy", "trustme", "uvloop")
# The sysctls that can forbid user namespaces: the value that does, and one that doesn't.
FORBIDDING = {
    "kernel.apparmor_restrict_unprivileged_userns": ("1", "0"),  # Ubuntu 24.04's default
    "kernel.unprivileged_userns_clone": ("0", "1"),              # Debian before 11
    "user.max_user_namespaces": ("0", "15000"),
}


@dataclass(frozen=True)
class Finding:
    """One entry of the doctor's: what was seen, what follows from it, what to type."""

    topic: str
    status: Literal["ok", "note", "missing"]
    saw: str
    follows: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Check:
    """`look` asks the machine, `judge` says what the answer means, `needs` what a lab can't do without."""

    look: Callable[[], Any]
    judge: Callable[[Any], Finding]
    needs: str = ""


def judge_python(version: Version) -> Finding:
    saw = f"Python {_dotted(version)}"
    if version >= (3, 11):
        return Finding("python", "ok", saw)
    return Finding("python", "missing", saw, "the lab's code doesn't run on it", "Debian 12 or later, or: vagrant up")


def judge_mininet(version: str | None) -> Finding:
    if version:
        return Finding("mininet", "ok", f"Mininet {version}")
    return Finding("mininet", "missing", "no Mininet for this Python", "no hosts and no links", "./lab setup")


def judge_framework(versions: Mapping[str, str | None], wanted: str = "") -> Finding:
    """`wanted`: what LAYER_LAB_FRAMEWORK says; empty leaves it to the lab, which prefers Ryu."""
    saw = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if wanted and not versions.get(wanted.replace("_", "-")):
        return Finding("framework", "missing", f"{which.VARIABLE} is {wanted}, and there is {saw or 'no framework'}",
                       "no controller", f"unset {which.VARIABLE}, or ./lab setup")  # fmt: skip
    if versions["ryu"]:
        return Finding("framework", "ok", saw)
    if saw:
        return Finding("framework", "note", saw, "the controller runs on Ryu's fork: Ryu needs a Python before 3.12")
    return Finding("framework", "missing", "neither Ryu nor os-ken", "no controller", "./lab setup")


def judge_libraries(versions: Mapping[str, str | None]) -> Finding:
    lacking = [name for name, version in versions.items() if not version]
    if lacking:
        return Finding("libraries", "missing", f"no {', '.join(lacking)}", "no traffic or no proxy", "./lab setup")
    return Finding("libraries", "ok", ", ".join(f"{name} {version}" for name, version in versions.items()))


def judge_commands(paths: Mapping[str, str | None]) -> Finding:
    lacking = [name for name, path in paths.items() if not path]
    if not lacking:
        return Finding("commands", "ok", ", ".join(paths))
    install = "sudo apt-get install " + " ".join(sorted({COMMANDS[name] for name in lacking}))
    return Finding("commands", "missing", f"no {', '.join(lacking)}", "a lab starts them", f"./lab setup, or {install}")


def judge_ovs(version: Version | None) -> Finding:
    if version is None:
        return Finding("switch", "missing", "no Open vSwitch", "no switches", "./lab setup")
    saw, hint = f"Open vSwitch {_dotted(version)}", "Debian 12 (it has 3.1), or: vagrant up"
    if version < OVS_NEEDED:
        return Finding("switch", "missing", saw, "too old for the lab's rules", hint)
    if version < OVS_FLUSHES:
        return Finding("switch", "note", saw, "tracked connections of a dead server linger: flushing needs 3.1", hint)
    return Finding("switch", "ok", saw)


def judge_datapath(kernel: bool) -> Finding:
    if kernel:
        return Finding("datapath", "ok", "the kernel has openvswitch")
    return Finding("datapath", "note", "the kernel has no openvswitch", "switches run in userspace: slower, all works",
                   "sudo modprobe openvswitch, or the VM: vagrant up")  # fmt: skip


def judge_tun(refusal: str, kernel: bool) -> Finding:
    """The userspace datapath makes its ports with /dev/net/tun; the kernel's needs none."""
    if not refusal:
        return Finding("tun", "ok", "/dev/net/tun opens")
    saw = f"/dev/net/tun: {refusal}"
    denied = "denied" in refusal
    hint = "sudo ./lab …, or once: sudo chmod 0666 /dev/net/tun" if denied else "sudo modprobe tun"
    if kernel:
        return Finding("tun", "note", saw, "no lab on the userspace datapath; the kernel's is there", hint)
    return Finding("tun", "missing", saw, "switches in userspace can have no ports", hint)


def judge_namespaces(refusal: str, root: bool, sysctls: Mapping[str, str]) -> Finding:
    """A lab lives in namespaces of its own. Root may make them; others need a user namespace around them."""
    if not refusal:
        return Finding("namespaces", "ok", "as root" if root else "without root, in a user namespace")
    if root:
        return Finding("namespaces", "missing", f"refused even to root: {refusal}", "a lab can't be walled in",
                       "docker run --privileged …, if this is a container")  # fmt: skip
    forbidding = [name for name, value in sysctls.items() if value == FORBIDDING[name][0]]
    why = ", ".join(f"{name}={FORBIDDING[name][0]}" for name in forbidding) or refusal
    undo = "".join(f", or once: sudo sysctl -w {name}={FORBIDDING[name][1]}" for name in forbidding)
    return Finding("namespaces", "missing", f"refused to you: {why}", "a lab needs root here", f"sudo ./lab …{undo}")


def judge_links(qdiscs: Mapping[str, bool | None]) -> Finding:
    follows = {
        "netem": "no link delay (servers' think time stands in)",
        "tbf": "no link bandwidth",
        "htb": "no bandwidth per class",
    }
    if None in qdiscs.values():
        return Finding("links", "note", "not tried: that takes tc and a namespace")
    lacking = [kind for kind, there in qdiscs.items() if not there]
    if not lacking:
        return Finding("links", "ok", "the kernel has " + ", ".join(qdiscs))
    modules = [f"sch_{kind}" for kind in lacking]
    return Finding("links", "note", f"the kernel has no {', '.join(modules)}",
                   ", ".join(follows[kind] for kind in lacking),
                   f"sudo modprobe {' '.join(modules)}, or the VM: vagrant up")  # fmt: skip


def judge_size(cores: int, memory_mib: int) -> Finding:
    saw = f"{cores} core{'s' if cores > 1 else ''}, {memory_mib:,} MiB available"
    if cores < 2 or memory_mib < 1024:
        return Finding("size", "note", saw, "experiments run, but their figures say little",
                       "2 cores and 1,024 MiB are enough")  # fmt: skip
    return Finding("size", "ok", saw)


CHECKS = (
    Check(lambda: sys.version_info[:3], judge_python, "Python 3.11 or later"),
    Check(lambda: machine.packages(["mininet"])["mininet"], judge_mininet, "Debian's mininet, seen by this Python"),
    Check(lambda: (machine.packages(which.FRAMEWORKS.values()), os.environ.get(which.VARIABLE, "")),
          lambda seen: judge_framework(*seen), "Ryu 4.34, or os-ken 4"),
    Check(lambda: machine.packages(LIBRARIES), judge_libraries, ", ".join(LIBRARIES)),
    Check(lambda: machine.commands(COMMANDS), judge_commands, "all that a lab starts in PATH"),
    Check(machine.ovs_version, judge_ovs, "Open vSwitch 2.17 or later"),
    Check(machine.kernel_datapath, judge_datapath),
    Check(lambda: (machine.tun_refusal(), machine.kernel_datapath()), lambda seen: judge_tun(*seen),
          "a /dev/net/tun that you may open"),
    Check(lambda: (machine.namespace_refusal(), machine.is_root(), machine.sysctls(FORBIDDING)),
          lambda seen: judge_namespaces(*seen), "namespaces, for root or for all"),
    Check(lambda: {kind: machine.qdisc(kind) for kind in ("netem", "tbf", "htb")}, judge_links),
    Check(lambda: (machine.cores(), machine.memory_mib()), lambda seen: judge_size(*seen)),
)  # fmt: skip


def examine(checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Look at everything, in the order in which it is built."""
    return [check.judge(check.look()) for check in checks]


def check_system(checks: Sequence[Check] = CHECKS) -> None:
    """Raise a LabError for the first thing without which no lab can run here."""
    for check in checks:
        if check.needs:
            finding = check.judge(check.look())
            if finding.status == "missing":
                raise LabError(f"{finding.saw}: {finding.follows}", check.needs, finding.hint)


def exit_code(findings: Sequence[Finding]) -> int:
    return int(any(finding.status == "missing" for finding in findings))


def report(findings: Sequence[Finding], console: Console | None = None) -> None:
    """Print the findings, then in one sentence what they come to."""
    console = console or Console()
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        lines = [finding.saw, finding.follows, finding.hint and f"try: {finding.hint}"]
        status = Text(finding.status, COLOURS[finding.status])
        table.add_row(status, finding.topic, Text("\n".join(filter(None, lines))))
    console.print(table)
    missing = [finding.topic for finding in findings if finding.status == "missing"]
    console.print(f"\nNo lab can run here yet: {', '.join(missing)}." if missing else "\nThe lab can run here.")


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(as_json: bool) -> None:
    """Look at what the lab needs: what is there, what isn't, what follows, what to type.

    Exit code 0 if the lab can run here, 1 if something it needs is missing.
    """
    findings = examine()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        report(findings)
    sys.exit(exit_code(findings))


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


if __name__ == "__main__":
    command()
