"""A closer look: the rules of the switch that served one exchange, and its packets before and after, as text.

    layer   where           text
    l3      rule classify   table=0, n_packets=4, priority=100,ip,nw_dst=10.0.0.101 actions=...
    l3      client's link   02:00:... > 02:1b:... tcp 10.0.1.200:24135 > 10.0.0.101:80 ttl=77 S seq=...
    l3      srv1's link     02:00:... > 02:00:... tcp 10.0.1.200:24135 > 10.0.11.1:80 ttl=77 S seq=...

For whatever experiment wants to show what its figures come from. Which rules served is told by their cookies
(controller/cookies.py) and counters, so nothing else must have been served before; and it must not be long ago, for
rules of what is over go after a second.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Sequence

from balancing import Service
from experiments.flowtable import Rule, of_service, rules
from experiments.hops import Passage

NOISE = re.compile(r"(cookie|duration|idle_age|hard_age|n_bytes|idle_timeout|send_flow_rem)[^,\s]*,? ?")
SHOWN = ("SYN", "SYN/ACK", "request", "answer", "datagram")
WIDE = 120  # letters, on a terminal


def closer(services: Sequence[Service], passages: Sequence[Passage]) -> list[dict[str, str]]:
    """Rows of the table `closer`. services: those of the VIP that was asked, which share what is said of its address.

    passages: the packets of one exchange (hops.py).
    """
    subprocess.run(["ovs-appctl", "revalidator/wait"], check=True, capture_output=True)  # counters are late otherwise
    held = rules()
    found = [_row(one.layer, f"rule {name_of(rule)}", NOISE.sub("", rule.text))
             for one in services for rule in of_service(held, one.id) if rule.packets]
    return found + [row for passage in passages if passage.packet in SHOWN for row in _packets(passage)]


def shortened(rows: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The same for a terminal."""
    return [{**row, "text": textwrap.shorten(row["text"].replace(",", ", "), WIDE, placeholder=" ...")} for row in rows]


def name_of(rule: Rule) -> str:
    """What a rule is for, in a word."""
    return rule.cookie.kind.name.lower().replace("_", " ") if rule.cookie else "of somebody else"


def _packets(one: Passage) -> list[dict[str, str]]:
    found = [_row(one.layer, "client's link", f"{one.packet}: {one.near}")]
    if one.far is not None:
        found.append(_row(one.layer, f"{one.server}'s link", f"{one.packet}: {one.far}"))
    return found


def _row(layer: str, where: str, text: str) -> dict[str, str]:
    return {"layer": layer, "where": where, "text": text}
