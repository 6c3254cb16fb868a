"""What a switch holds of a service, read off the switch itself with `ovs-ofctl dump-flows`.

Every rule says in its cookie what it is for (controller/cookies.py), so rules can be summed by service and kind,
whoever wrote them. Their packet counters are late by half a second, and where a rule has just come in between, what
a cached verdict met is counted for the new rule (ofproto-dpif-upcall.c): for exact counts ask the events.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from controller.cookies import MARK_MASK, Cookie, Kind
from layerlab import LabError

_LINE = re.compile(r"cookie=0x(?P<cookie>[0-9a-f]+),.* n_packets=(?P<packets>\d+),")


@dataclass(frozen=True)
class Rule:
    """One rule: what it is for (None if it is not the lab's), how many packets it has met, and its text."""

    cookie: Cookie | None
    packets: int
    text: str


def rules(switch: str = "s1") -> list[Rule]:
    """The rules of `switch`, with their counters. Raises LabError if it doesn't answer."""
    done = subprocess.run(["ovs-ofctl", "dump-flows", switch], capture_output=True, text=True)
    if done.returncode:
        raise LabError(f"{switch} doesn't show its rules: {done.stderr.strip()}", "an Open vSwitch that runs")
    found = ((match, match.string.strip()) for match in map(_LINE.search, done.stdout.splitlines()) if match)
    return [Rule(Cookie.read(int(match["cookie"], 16)), int(match["packets"]), text) for match, text in found]


def of_service(found: list[Rule], service: int) -> list[Rule]:
    """The rules of one service, by its id."""
    return [rule for rule in found if rule.cookie and rule.cookie.service == service]


def expire_units(switch: str = "s1") -> bool:
    """Take out units' own flows as if they had expired: the controller hears of it. Return whether there was any."""
    units = f"cookie={int(Cookie(Kind.UNIT)):#x}/{MARK_MASK | 0xFFFF:#x}"
    done = subprocess.run(["ovs-ofctl", "dump-flows", switch, units], check=True, capture_output=True, text=True)
    if found := "cookie=" in done.stdout:
        subprocess.run(["ovs-ofctl", "del-flows", switch, units], check=True)
    return found
