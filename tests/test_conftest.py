"""conftest.py's capsules: however a live test ends there, it ends here, and its capsule with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
import os, threading, time
import pytest
from tests import conftest
from topologies import capsule

conftest.SECONDS = 8
pytestmark = pytest.mark.live

def test_it_is_inside(tmp_path):
    assert os.getpid() == 1 and capsule.OUTSIDE.exists() and tmp_path.exists()

def test_skipped():
    pytest.skip("for a reason")

def test_wrong():
    print("said before")
    found = [1, 2]
    assert found == [1, 3]

def test_left():
    raise SystemExit(0)

def test_gone():
    os._exit(7)

def test_of_a_thread():
    thread = threading.Thread(target=lambda: {}["nothing"])
    thread.start()
    thread.join()

def test_of_a_file():
    open(os.devnull)

def test_that_hangs():
    time.sleep(600)
"""


def test_however_a_test_ends(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider",
         "-c", ROOT / "pyproject.toml", "-rA", file],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}, capture_output=True, text=True,
        timeout=100)
    ends = {name: (how, why) for how, name, _, why in
            re.findall(r"^(PASSED|FAILED) \S*::(\w+)( - Failed: (.*))?$", done.stdout, re.MULTILINE)}
    assert ends == {
        "test_it_is_inside": ("PASSED", ""),
        "test_wrong": ("FAILED", "def test_wrong():"),
        "test_left": ("FAILED", "def test_left():"),
        "test_gone": ("FAILED", "its process ended with status 7"),
        "test_of_a_thread": ("FAILED", "beside the test itself:"),
        "test_of_a_file": ("FAILED", "beside the test itself:"),
        "test_that_hangs": ("FAILED", "it took more than 8 s"),
    }, done.stdout + done.stderr
    assert "SKIPPED [1]" in done.stdout
    assert "for a reason" in done.stdout
    for shown in ("At index 1 diff: 2 != 3", "said before", "KeyError: 'nothing'", "unclosed file"):
        assert shown in done.stdout
