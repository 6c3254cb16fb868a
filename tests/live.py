"""What live tests share: watching a wire, asking a server, counting rules."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Iterable

from controller.cookies import Kind
from controller.frame import Fields, parse
from experiments.clients import ClientHost, session
from experiments.flowtable import rules
from experiments.lab import Lab
from experiments.netns import socket_in
from experiments.traffic import Answer, ask

ETH_P_ALL = 3


class Wire:
    """Every IP packet on a host's own interface, both ways, from when this is made (packet(7))."""

    def __init__(self, lab: Lab, host: str) -> None:
        self.socket = socket_in(lab.netns(host), socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.bind((f"{host}-eth0", ETH_P_ALL))
        self.socket.setblocking(False)

    def packets(self) -> list[Fields]:
        """Stop watching, and return what was seen as the controller's own parser reads it."""
        found = []
        with self.socket, contextlib.suppress(BlockingIOError):
            while frame := self.socket.recv(65_535):
                found.append(parse(frame))
        return [fields for fields in found if fields]


def get(lab: Lab, client: str, url: str, times: int = 1) -> list[Answer]:
    """Requests from one client in one keep-alive connection; every one must be answered."""
    host = ClientHost(client, lab.netns(client))
    with session(host) as own:
        return answered(ask(own, host, url) for _ in range(times))


def answered(answers: Iterable[Answer]) -> list[Answer]:
    """The answers, none of them an error."""
    found = list(answers)
    for answer in found:
        assert not answer.error, answer
    return found


def kinds() -> Counter[Kind]:
    """How many rules of each kind the switch s1 has; a rule that is not ours fails the test."""
    found: Counter[Kind] = Counter()
    for rule in rules():
        assert rule.cookie, f"a rule without a cookie of ours: {rule.text}"
        found[rule.cookie.kind] += 1
    return found
