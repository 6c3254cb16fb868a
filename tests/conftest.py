"""How the tests run.

A test marked `live` gets a capsule of its own, and a second pytest in it that runs just this one test.
So live tests run in parallel like any others, and one that goes wrong leaves nothing behind.

    pytest -n 2 ──► worker ──► capsule ──► pytest tests/…::test_x ──► the test
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

# Here the proxy's modules are those that one can read, so that tests can look inside; the processes that tests
# start run the compiled ones, if there are any (l7proxy/compiled.py).
with pytest.MonkeyPatch.context() as patch:
    patch.setenv("LAYER_LAB_COMPILED", "0")
    import l7proxy.cache
    import l7proxy.forward  # noqa: F401

INSIDE = "LAYER_LAB_INSIDE"  # set for the second pytest
SECONDS = 120  # a live test that takes longer hangs

settings.register_profile("lab", deadline=None)  # a busy machine makes no test wrong
settings.load_profile("lab")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Outside: run a live test in a capsule, and fail as it fails."""
    if pyfuncitem.get_closest_marker("live") and INSIDE not in os.environ:
        function = pyfuncitem.obj
        pyfuncitem.obj = lambda **arguments: run_in_capsule(pyfuncitem)
        try:
            return (yield)
        finally:
            pyfuncitem.obj = function
    return (yield)


def run_in_capsule(item: pytest.Function) -> None:
    """Run one test in a fresh capsule; its report becomes the failure's text."""
    command = [sys.executable, "-m", "topologies.capsule", sys.executable, "-m", "pytest", "-p", "no:cacheprovider",
               "-p", "no:xdist", "-q", "--no-header", "--rootdir", str(ROOT), item.nodeid]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS,
                          env={**os.environ, INSIDE: "1"}, stdin=subprocess.DEVNULL)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
