"""`./lab compare`: four questions about four layers, one after another.

    ladder       what can each layer spread?                   ladder.py
    distinguish  by what can it tell requests apart?           distinguish.py
    cost         what does it cost?                            cost.py
    crowd        what does a crowd do to it?                   crowd.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from experiments import cost, crowd, distinguish, ladder
from experiments.display import Display
from experiments.experiment import Options, Part


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """All four, in the order in which they explain each other."""
    return ladder.part, distinguish.part, cost.part, crowd.part
