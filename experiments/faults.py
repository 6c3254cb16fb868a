"""Faults: what may happen to a server, and how it is put right. Each is a row.

    fault      what happens                        put right by              what is still alive
    killed     its program ends (SIGKILL)          starting it again         its kernel: ARP, ping; it refuses TCP
    link-cut   its port of the switch goes down    bringing the port up      all of it, but out of reach
    frozen     its program is stopped (SIGSTOP)    letting it go on          its kernel: ARP, ping, TCP handshakes
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from experiments.lab import Lab


@dataclass(frozen=True)
class Fault:
    """One fault. inflict, repair: called with the lab and the server's name, inside the capsule."""

    name: str
    inflict: Callable[[Lab, str], object]
    repair: Callable[[Lab, str], object]


def _link(state: str) -> Callable[[Lab, str], object]:
    """The switch's end of a server's link: srvN is at port N of s1 (topologies/base.py)."""
    def set_link(lab: Lab, server: str) -> None:
        subprocess.run(["ip", "link", "set", f"s1-eth{server.removeprefix('srv')}", state], check=True)
    return set_link


def _signal(number: signal.Signals) -> Callable[[Lab, str], object]:
    return lambda lab, server: os.kill(lab.processes[server].pid, number)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("killed", Lab.kill_server, Lab.start_server),
        Fault("link-cut", _link("down"), _link("up")),
        Fault("frozen", _signal(signal.SIGSTOP), _signal(signal.SIGCONT)),
    )
}
