"""TEST DATA: a service whose proxies die, as the claims have it and otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.clients import ClientHost
from experiments.openloop import Call, Visit
from experiments.placement import Round, verdicts
from experiments.placement_lab import CLIENT, NONE, PLACES, SERVER, TIERS
from experiments.verdicts import Verdict

EACH = 120


def calls(took_s: float = 0.02, *, lost: float = 0.0, servers: Sequence[str] = ("srv3", "srv4", "srv5"),
          of: str = "") -> list[Call]:
    """So many requests, of which this part is lost, the first ones; of: only this client's are."""
    found = []
    for number in range(EACH):
        client = ClientHost(f"h{number % 8 + 1}")
        fails = number < lost * EACH and of in ("", client.name)
        found.append(Call(Visit(0.0, client, ("10.0.0.2", 80), ("/",)), 1, 0.0, 0.0, took_s + number * 1e-5,
                          "" if fails else servers[number % len(servers)], "refused" if fails else ""))
    return found


def rounds(*, well: float = 0.0, evenly: bool = True, by_proxy_s: float = 0.024, neighbours: bool = False,
           tiers: float = 0.0) -> list[Round]:
    """Three rounds; the words say what is otherwise than claimed."""
    servers = ("srv3", "srv4", "srv5") if evenly else ("srv3",)
    took_s = {NONE: 0.020, CLIENT: 0.021, SERVER: by_proxy_s, TIERS: by_proxy_s + 0.002}
    fine = {place: calls(took_s[place] + 1e-4 * number, lost=well, servers=servers)
            for number, place in enumerate(PLACES)}
    dead = {NONE: calls(), CLIENT: calls(lost=1, of="" if neighbours else "h1"), SERVER: calls(lost=1),
            TIERS: calls(lost=tiers)}
    return [Round(fine, dead, dead)] * 3


def refuting() -> list[Verdict]:
    """Half is lost, one server has it all, neighbours and tiers die too, and a proxy makes it quicker."""
    return verdicts(rounds(well=0.5, evenly=False, by_proxy_s=0.015, neighbours=True, tiers=0.5))


def supporting() -> list[Verdict]:
    """As the lecture has it."""
    return verdicts(rounds())
