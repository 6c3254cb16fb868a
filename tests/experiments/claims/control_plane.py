"""TEST DATA: who asks the controller, and who is answered without one."""

from __future__ import annotations

from experiments import control_plane, stranded
from experiments.stranded import REALISATIONS, STAGES
from experiments.verdicts import Verdict

EACH = 40


def loads(asking: str) -> list[dict[str, object]]:
    """What each realisation's connections sent to the controller: a packet each, or none; asking: by its name."""
    return [{"realisation": name, "connections": EACH, "packet_ins": EACH if asking in (name, "all") else 0}
            for name in REALISATIONS]


def stages(*, kept: int, answered: int, at_least: int) -> list[dict[str, object]]:
    """What became of connections in each stage. answered: of the switch's own, while the controller is dead; at_least:
    once a server is dead, too."""
    found = {"controller killed": answered, "and a server dies": at_least}
    return [stranded.row(name, stage, {"open": EACH, "kept": kept},
                         ["srv1"] * (0 if name == "reactive" and stage in found else found.get(stage, EACH)))
            | {"new": EACH} for stage in STAGES for name in REALISATIONS]


def refuting() -> list[Verdict]:
    """All ask; without a controller nobody is answered, nothing goes on; and a dead server is found all the same."""
    return [*control_plane.verdicts(loads("all")), *stranded.verdicts(stages(kept=20, answered=0, at_least=EACH))]


def supporting() -> list[Verdict]:
    """As predicted."""
    return [*control_plane.verdicts(loads("reactive")),
            *stranded.verdicts(stages(kept=EACH, answered=EACH, at_least=27))]
