"""Which tables, and which layers' rules and packets, are shown with a claim of the lecture. To show more, add words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """tables: whose pictures are shown with a claim. layers: whose flow rules and packets are.

    topologies: what is drawn beside those that the rows name.
    """

    tables: tuple[str, ...] = ()
    layers: tuple[str, ...] = ("l4",)
    topologies: tuple[str, ...] = ("flat",)


LOOKS: dict[int, Look] = {
    1: Look(("scale", "prices", "balancer_limit")),
    2: Look(("feedback", "feedback_latency")),
    3: Look(("hot_spots",)),
    4: Look(("ladder", "cost"), ("l2", "l3", "l4", "l7"), ()),
    5: Look(("distinguish",)),
    6: Look(("distinguish", "mobile"), ("l3", "l4", "l7")),
    7: Look(("best",)),
    8: Look(("best",)),
    9: Look(("disruption", "clients")),
    10: Look(("best",)),
    11: Look(("best",)),
    12: Look(("wire", "caching", "browsing", "greedy"), ("l7",), ("routed", "campus")),
    13: Look(("placement",), ("l4", "l7")),
}
