"""Everything that a switch must hold for a service: by its realisation, one of three pipelines over the same tables.

     table    what it asks                       used by
     0        what is it?                        all
     1        what is it of a connection?        reactive and tracked at L4; tracked at L2 and L3
     2        whose unit is it?                  reactive; tracked at L2 and L3
     3        whose slot is it?                  hashed and tracked, unless a group says so
     4        what is done for that backend?     hashed and tracked
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from balancing.service import Service
from controller import hashed, rules, tracked
from controller.flows import Flow, Group, Place
from controller.hashed import Owners

SLOTS = hashed.SLOTS


@dataclass(frozen=True)
class Rules:
    """Flows by their place, groups by their number."""

    flows: dict[Place, Flow]
    groups: dict[int, Group]


PIPELINES: dict[str, Callable[[Service, Owners], tuple[list[Flow], list[Group]]]] = {
    "reactive": lambda service, owners: (rules.reactive(service), []),
    "hashed": lambda service, owners: (hashed.flows(service, owners), hashed.groups(service, owners)),
    "tracked": lambda service, owners: (tracked.flows(service, owners), tracked.groups(service, owners)),
}


def rules_of(service: Service, owners: Owners = ()) -> Rules:
    """The standing rules of a service. owners: of the slots, where the switch decides. Raises LabError for IPv6."""
    flows, groups = PIPELINES[service.realisation](service, owners)
    return Rules({flow.place: flow for flow in (*rules.common(service), *flows)},
                 {group.number: group for group in groups})
