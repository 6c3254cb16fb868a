"""TEST DATA for and against the claims of `mobile`."""

from __future__ import annotations

import requests

from experiments.clients import ClientHost
from experiments.mobile import AFFINITIES, BY_COOKIE, WITH_CANARY, Session, canary_verdicts, verdicts
from experiments.mobile_lab import CANARY, services
from experiments.verdicts import Verdict

CLIENTS, ROUNDS = 20, 4
BY_NAME = {one.name: one for one in services()}


def sessions(name: str, stayed: bool, moved: bool, at_canary: int = 0) -> list[Session]:
    """One VIP's: whether sessions of clients that stayed, or moved, are kept; how many a round begin at the canary."""
    made = []
    for number in range(ROUNDS * CLIENTS):
        moves, begins = bool(number % 2), CANARY if number % CLIENTS < at_canary else "srv1"
        kept = moved if moves else stayed
        ends = begins if kept else "srv1" if begins == CANARY else CANARY
        made.append(Session(BY_NAME[name], ClientHost(f"h{number % CLIENTS + 1}"), number // CLIENTS + 1,
                            requests.Session(), moves, [begins, begins, ends]))
    return made


def refuting() -> list[Verdict]:
    """No session is ever kept, and half of them are the canary's."""
    mine = [one for name in AFFINITIES for one in sessions(name, stayed=False, moved=False)]
    return verdicts(mine) + canary_verdicts(sessions(WITH_CANARY, stayed=False, moved=False, at_canary=10))


def supporting() -> list[Verdict]:
    """Who moves loses his session, but for the cookie."""
    mine = [one for name in AFFINITIES for one in sessions(name, stayed=True, moved=name == BY_COOKIE)]
    return verdicts(mine) + canary_verdicts(sessions(WITH_CANARY, stayed=True, moved=True, at_canary=2))
