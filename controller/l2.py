"""L2 alone: balances by source MAC. Runs under Ryu's own runner, too: `ryu-manager controller/l2.py`."""

from __future__ import annotations

from typing import ClassVar

from controller.app import Balancer


class L2(Balancer):
    """The services of layer 2."""

    layers: ClassVar[tuple[str, ...]] = ("l2",)
