"""A closer look: the rules of the switch that served one exchange, and its packets before and after, as text.

    layer   where           text
    l3      rule classify   table=0, n_packets=4, priority=100,ip,nw_dst=10.0.0.101 actions=...
    l3      client's link   02:00:... > 02:1b:... tcp 10.0.1.200:24135 > 10.0.0.101:80 ttl=77 S seq=...
    l3      srv1's link     02:00:... > 02:00:... tcp 10.0.1.200:24135 > 10.0.11.1:80 ttl=77 S seq=...

For whatever experiment wants to show what its figures come from. Which rules served is told by their cookies
(controller/cookies.py) and counters, so nothing else must have been served before.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence

from balancing import Service
from experiments.flowtable import Rule, of_service, rules
from experiments.hops import Passage

COUNTED_S = 0.7  # counters are late by half a second (flowtable.py)
NOISE = re.compile(r"(cookie|duration|idle_age|hard_age|n_bytes|idle_timeout|send_flow_rem)[^,\s]*,? ?")
SHOWN = ("SYN", "SYN/ACK", "request", "answer")


def closer(services: Iterable[Service], passages: Sequence[Passage]) -> list[dict[str, str]]:
    """The table `closer`. services: those that were asked. passages: packets of one exchange a layer (hops.py)."""
    time.sleep(COUNTED_S)
    held = rules()
    found = []
    for one in services:
        served = [rule for rule in of_service(held, one.id) if rule.packets]
        found += [_row(one.layer, f"rule {name_of(rule)}", NOISE.sub("", rule.text)) for rule in served]
        for passage in passages:
            if passage.layer == one.layer and passage.packet in SHOWN:
                found += _packets(passage)
    return found


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
