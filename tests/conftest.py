"""How the tests run.

A test marked `live` gets a capsule of its own: it is run by a second pytest, which enters one first.
So live tests run in parallel like any others, and one that goes wrong leaves nothing behind.

    pytest -n 2 ──► worker ──► pytest tests/…::test_x  (LAYER_LAB_LIVE=1)
                                  └─► capsule.enter() ──► the test
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

LIVE = "LAYER_LAB_LIVE"
SECONDS = 120  # a live test that takes longer hangs


def pytest_configure(config: pytest.Config) -> None:
    """In the second pytest: enter the capsule before anything has started a thread."""
    if os.environ.get(LIVE) == "1":
        from topologies import capsule

        os.environ[LIVE] = "inside"
        capsule.enter()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Outside: run a live test's function in a pytest of its own, and fail as it fails."""
    if pyfuncitem.get_closest_marker("live") and os.environ.get(LIVE) != "inside":
        function = pyfuncitem.obj
        pyfuncitem.obj = lambda **arguments: run_in_capsule(pyfuncitem)
        try:
            return (yield)
        finally:
            pyfuncitem.obj = function
    return (yield)


def run_in_capsule(item: pytest.Function) -> None:
    """Run one test in a fresh capsule; its report becomes the failure's text."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-q", "--no-header",
               "--rootdir", str(item.config.rootpath), item.nodeid]
    done = subprocess.run(command, cwd=item.config.rootpath, capture_output=True, text=True, timeout=SECONDS,
                          env={**os.environ, LIVE: "1"}, stdin=subprocess.DEVNULL)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
