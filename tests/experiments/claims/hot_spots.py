"""TEST DATA for and against the claims of `hot-spots`: what the fullest of eight servers had, as times its share."""

from __future__ import annotations

from experiments.held import ALIKE, ELEPHANTS, HITTERS, NAT, ONE_BY_ONE, SERVERS, TESTED, Load
from experiments.hot_spots import HASHES, TURNS, TWO, verdicts
from experiments.verdicts import Verdict

FAIR = 100


def load(situation: str, algorithm: str, times: float) -> Load:
    """The fullest has so many times its share, the others alike what is left."""
    most = round(FAIR * times)
    rest = (SERVERS * FAIR - most) / (SERVERS - 1)
    share = {f"srv{n}": most if n == 1 else round(rest) for n in range(1, SERVERS + 1)}
    return Load(situation, algorithm, share, [1] * SERVERS * FAIR, [FAIR] * SERVERS)


def run(turns: float, one_by_one: float, tested: float, random: float, two: float) -> list[Verdict]:
    """Three rounds, a little apart. Hashes make a hot spot in any case, and so do heavy connections at L4."""
    found = []
    for noise in (0.0, 0.01, 0.02):
        found.append(load(HITTERS, TESTED, tested + noise))
        for situation in (ALIKE, HITTERS, NAT):
            found += [load(situation, name, turns + noise) for name in TURNS]
            found += [load(situation, name, 3 + noise) for name in HASHES]
            found.append(load(situation, "random", random + noise))
        found += [load(ALIKE, TWO, two + noise / 10), load(ALIKE, TESTED, tested + noise),
                  load(ELEPHANTS, ONE_BY_ONE, one_by_one + noise), load(ELEPHANTS, "round-robin", 1.9 + noise)]
    return verdicts(found)


def refuting() -> list[Verdict]:
    """Hot spots everywhere, beyond all theory."""
    return run(turns=1.6, one_by_one=1.6, tested=1.6, random=2.5, two=1.5)


def supporting() -> list[Verdict]:
    """None but where it is said."""
    return run(turns=1.0, one_by_one=1.0, tested=1.0, random=1.2, two=1.01)
