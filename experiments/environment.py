"""Where a run took place: what a reader must know to judge its figures, or to get them again."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata

import layerlab

ABSENT = "not installed"


def environment(framework: str = "ryu", **facts: object) -> dict[str, object]:
    """The machine, and the versions of all that took part.

    framework: the package that the controller runs on, "ryu" or "os-ken".
    facts:     what only the run knows: datapath, realisation, netem…; they come last.
    """
    return {
        "layerlab": layerlab.__version__,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "framework": f"{framework} {package_version(framework)}",
        "mininet": package_version("mininet"),
        "ovs": ovs_version(),
        **facts,
    }


def package_version(package: str) -> str:
    """A Python package's version, without importing it; "not installed" if it isn't."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ABSENT


def ovs_version() -> str:
    """The version of ovs-vswitchd, such as "3.1.0"; "not installed" if it isn't."""
    try:
        told = subprocess.run(["ovs-vswitchd", "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ABSENT
    return told.stdout.splitlines()[0].split()[-1]
