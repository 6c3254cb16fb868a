"""Packaging: `pip install -e .` gives `layer-lab` and `lab-proxy`. The tools' settings are in pyproject.toml.

The lists in requirements/ are the only ones: read here, and by `./lab`, which installs them without the
package itself. Mininet is Debian's and no dependency of ours: the index's is another version.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
ROOMS = ("balancing", "topologies", "controller", "l7proxy", "experiments", "benchmarks")


def requirements(name: str) -> list[str]:
    """The lines of one list, without its comments."""
    lines = (HERE / "requirements" / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def version() -> str:
    """layerlab.__version__, read rather than imported: a build has no sys.path of ours."""
    found = re.search(r'^__version__ = "(.+)"$', (HERE / "layerlab.py").read_text(), re.MULTILINE)
    assert found, "layerlab.py says no __version__"
    return found[1]


setup(
    name="layer-lab",
    version=version(),
    description="Load balancing at layers 2, 3, 4 and 7, watched on one laptop with Mininet and Open vSwitch",
    python_requires=">=3.11",
    packages=find_packages(include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")]),
    package_data={"experiments.report": ["templates/*"]},
    py_modules=["layerlab"],
    install_requires=requirements("lab"),
    extras_require={name: requirements(name) for name in ("ryu", "os-ken", "test")},
    entry_points={
        "console_scripts": [
            "layer-lab = experiments.__main__:main",
            "lab-proxy = l7proxy.__main__:main",
        ]
    },
)
