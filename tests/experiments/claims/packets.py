"""TEST DATA for and against the claims of `packets`."""

from __future__ import annotations

from experiments import flood, hops, malformed
from experiments.clients import ClientHost
from experiments.flood import Memory, Turn
from experiments.malformed import Row
from experiments.openloop import Call, Visit
from experiments.verdicts import Verdict

VISIT = Visit(0.0, ClientHost("h3"), ("10.0.0.102", 80), ("/",))
SYNS, ASKED = 200, 100
HELD = {"reactive": Memory(SYNS, 0, SYNS, SYNS), "hashed": Memory(0, 0, 0, SYNS), "tracked": Memory(0, SYNS, 0, SYNS)}
OTHERS = {"reactive": "hashed", "hashed": "reactive", "tracked": "nobody"}  # whose memory refutes a realisation's


def calls(took_ms: float, failed: int = 0) -> list[Call]:
    """Requests of which the last so many failed; a tenth took a little longer."""
    errors = [""] * (ASKED - failed) + ["reset"] * failed
    return [Call(VISIT, 1, 0.0, 0.0, (took_ms + number % 10) / 1000, "srv1", error)
            for number, error in enumerate(errors)]


def turns(held: dict[str, Memory], meanwhile: list[Call]) -> list[Turn]:
    return [Turn(word, SYNS, held[word], calls(10), meanwhile) for word in flood.REALISATIONS for _ in range(3)]


def cases(exceptions: int) -> list[Row]:
    return [Row("l4", wrong.name, 1, 1, 1, 0, exceptions) for wrong in malformed.WRONG for _ in range(4)]


def refuting() -> list[Verdict]:
    """Wrong fields are rewritten; malformed packets and floods are all that anybody hears; hashed remembers."""
    held = HELD | {"nobody": Memory(0, 0, SYNS, SYNS)}
    swapped = {word: held[other] for word, other in OTHERS.items()} | {"hashed": Memory(SYNS, 0, SYNS, SYNS)}
    return [*hops.verdicts(dict.fromkeys(hops.CLAIMS, (20, 64))),
            *malformed.verdicts(cases(exceptions=1), calls(10, failed=60)),
            *flood.verdicts(turns(swapped, calls(30, failed=60)))]


def supporting() -> list[Verdict]:
    """All is as predicted."""
    return [*hops.verdicts(dict.fromkeys(hops.CLAIMS, (64, 64))), *malformed.verdicts(cases(exceptions=0), calls(10)),
            *flood.verdicts(turns(HELD, calls(10)))]
