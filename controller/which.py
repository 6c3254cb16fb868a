"""Which OpenFlow framework: the one LAYER_LAB_FRAMEWORK names, or the first of FRAMEWORKS that is installed.

It imports neither, so that anybody may ask.
"""

from __future__ import annotations

import os
from importlib.util import find_spec

from layerlab import LabError, choice

VARIABLE = "LAYER_LAB_FRAMEWORK"
# The package that is imported, and the name that it is installed under.
FRAMEWORKS = {"ryu": "ryu", "os_ken": "os-ken"}


def framework() -> str:
    """The package to import. Raises LabError if there is none."""
    wanted = os.environ.get(VARIABLE, "").replace("-", "_")
    names = [choice(VARIABLE, wanted, FRAMEWORKS)] if wanted else list(FRAMEWORKS)
    for name in names:
        if find_spec(name):
            return name
    raise LabError(f"{' and '.join(FRAMEWORKS[name] for name in names)} not installed",
                   "Ryu, or its fork os-ken", "./lab setup")
