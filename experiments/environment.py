"""Where a run took place: what a reader must know to judge its figures, or to get them again."""

from __future__ import annotations

import platform

import layerlab
from controller import which
from experiments import machine

ABSENT = "not installed"


def environment(**facts: object) -> dict[str, object]:
    """The machine, and the versions of all that took part.

    facts: what only the run knows: datapath, realisation, netem…; they come last.
    """
    versions = machine.packages([framework := _framework(), "mininet"])
    return {
        "layerlab": layerlab.__version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cores": machine.cores(),
        "framework": f"{framework} {versions[framework] or ABSENT}",
        "mininet": versions["mininet"] or ABSENT,
        "ovs": ".".join(map(str, machine.ovs_version() or ())) or ABSENT,
        **facts,
    }


def _framework() -> str:
    """What the controller runs under, by the name that it is installed under."""
    try:
        return which.FRAMEWORKS[which.framework()]
    except layerlab.LabError:
        return " or ".join(which.FRAMEWORKS.values())
