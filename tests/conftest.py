"""How the tests run.

A test marked `live` is called in a fork of the process that runs the tests, which has entered a capsule of its own.
So live tests run in parallel like any others, and one that goes wrong leaves nothing behind.

    pytest -n 4 ──► worker, with the test's fixtures ──► fork ──► capsule ──► the test's function
                       └──◄── passed, skipped, or what went wrong ──◄── pipe ──┘
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

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

from topologies import capsule  # noqa: E402

SECONDS = 240  # a live test that takes longer hangs

settings.register_profile("lab", deadline=None)  # a busy machine makes no test wrong
settings.load_profile("lab")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Call a live test in a capsule, and let it end here as it ended there."""
    if not pyfuncitem.get_closest_marker("live"):
        return (yield)
    test = pyfuncitem.obj
    pyfuncitem.obj = lambda **fixtures: call_in_capsule(pyfuncitem, test, fixtures)
    try:
        return (yield)
    finally:
        pyfuncitem.obj = test


def call_in_capsule(item: pytest.Function, test: Callable[..., object], fixtures: dict[str, Any]) -> None:
    """Call `test` in a fork that is in a fresh capsule."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        item.obj = test  # as a failure is to show it
        be_the_child(item, partial(test, **fixtures), writer)
    os.close(writer)
    in_time, _, _ = select.select([reader], [], [], SECONDS)
    if not in_time:
        os.kill(child, signal.SIGKILL)  # and with it the capsule
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if not in_time:
        pytest.fail(f"it took more than {SECONDS} s", pytrace=False)
    if not said:
        pytest.fail(f"its process ended with status {os.waitstatus_to_exitcode(status)}", pytrace=False)
    how, why = json.loads(said)
    if how == "skipped":
        pytest.skip(why)
    if how == "failed":
        pytest.fail(why, pytrace=False)


def be_the_child(item: pytest.Function, test: Callable[[], object], writer: int) -> None:
    """Call the test in a capsule, say how it ended, and never return."""
    stray: list[str] = []

    def note(it: Any) -> None:
        stray.extend(traceback.format_exception(it.exc_type, it.exc_value, it.exc_traceback))

    try:
        sys.unraisablehook = threading.excepthook = note
        said = outcome(item, test)
        gc.collect()
        if stray and said[0] == "passed":
            said = ("failed", f"beside the test itself:\n{''.join(stray)}")
        with os.fdopen(writer, "w") as pipe:
            json.dump(said, pipe)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)  # the rest of pytest is another process's business


def outcome(item: pytest.Function, test: Callable[[], object]) -> tuple[str, str]:
    """How a test ends in a capsule, and a skipped one's reason or a failed one's report."""
    try:
        capsule.enter()
        test()
    except pytest.skip.Exception as skipped:
        return "skipped", str(skipped)
    except BaseException:
        return "failed", str(item.repr_failure(pytest.ExceptionInfo.from_current()))
    return "passed", ""
