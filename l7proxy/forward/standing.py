"""What a forward proxy knows and goes on knowing, whatever another configuration says.

     face before ──┐
                   ├──► Standing: its name, names of hosts, who is who, who asked how often, who got how much
     face now ─────┘
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

from l7proxy.forward import loops
from l7proxy.forward.admission import Admission
from l7proxy.forward.asking import Asking
from l7proxy.forward.shaped import ShapedSocket
from l7proxy.forward.terms import TrafficTerms
from l7proxy.forward.turns import Way
from l7proxy.shell import ClientSocket


class Traffic:
    """The bandwidth of all clients, each way by itself. Made in the loop that it is for."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.down, self.up = (Way(loop.call_later, time.monotonic) for _ in range(2))
        self.on = False

    def become(self, terms: TrafficTerms | None) -> None:
        """Let these terms hold: for connections that are shaped at once, for others from the next one on."""
        self.on = terms is not None
        for way in (self.down, self.up):
            if terms is None:
                way.free()
            else:
                way.become(terms.total, terms.share, terms.shares, terms.burst_s)

    def below(self, application: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """What makes a protocol for a connection that was accepted, below one that `application` makes."""
        def protocol() -> asyncio.Protocol:
            above = application()
            return cast(asyncio.Protocol, ShapedSocket(self.down, self.up, cast(ClientSocket, above))) \
                if self.on else above
        return protocol


class Standing:
    """All of it. Made in the loop that it is for."""

    def __init__(self) -> None:
        self.name = loops.pseudonym()
        self.asking, self.traffic, self.admission = Asking(), Traffic(), Admission()
