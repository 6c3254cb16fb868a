"""L4 alone: balances by connection. Runs under Ryu's own runner, too: `ryu-manager controller/l4.py`."""

from __future__ import annotations

from typing import ClassVar

from controller.app import Balancer


class L4(Balancer):
    """The services of layer 4."""

    layers: ClassVar[tuple[str, ...]] = ("l4",)
