"""L3 alone: balances by source IP. Runs under Ryu's own runner, too: `ryu-manager controller/l3.py`."""

from __future__ import annotations

from typing import ClassVar

from controller.app import Balancer


class L3(Balancer):
    """The services of layer 3."""

    layers: ClassVar[tuple[str, ...]] = ("l3",)
