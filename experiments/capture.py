"""Captures: a pcap for each end of each link, for Wireshark.

    h1 ── h1.host.pcap ══════ h1.s1.pcap ── s1        what h1's end saw, and what s1's end saw

The two ends of a link agree, unless it lost something. What a switch or a gateway rewrites shows between two
links: compare h1.s1.pcap with srv1.s1.pcap. A host with several interfaces says which: nat1-eth1.host.pcap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerlab import LabError

VARIABLE = "LAYER_LAB_CAPTURE"  # the folder for captures, for every lab that this process starts
READY = "listening on"          # what tcpdump says once it does


@dataclass(frozen=True)
class Tap:
    """One end of a link. host: whose network it is in, "" for a switch's. file: the pcap's name."""

    host: str
    interface: str
    file: str

    def command(self, folder: Path) -> list[str]:
        """tcpdump(8), unbuffered, keeping the user that it is: in a capsule there is no other."""
        return ["tcpdump", "-i", self.interface, "-w", str(folder / self.file), "-U", "-n", "-Z", "root",
                "--immediate-mode"]


def taps(net: Any) -> Iterator[Tap]:
    """Both ends of every link between a host and a switch of a Mininet `net`."""
    switches = {switch.name for switch in net.switches}
    for link in net.links:
        ends = sorted((link.intf1, link.intf2), key=lambda end: end.node.name in switches)
        host, switch = ends
        name = host.node.name if len(host.node.intfNames()) == 1 else host.name
        yield Tap(host.node.name, host.name, f"{name}.host.pcap")
        yield Tap("", switch.name, f"{name}.{switch.node.name}.pcap")


def folder(text: str) -> Path:
    """The folder for captures, made if it isn't there, as an absolute path. Raises LabError if it can't be."""
    path = Path(text).resolve()
    if path.is_relative_to("/run"):
        raise LabError(f"--capture is {text}", "a folder outside /run, which is the lab's own inside its capsule")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"--capture is {text}: {error.strerror}", "a folder that can be made and written to") from None
    return path
