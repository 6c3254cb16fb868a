"""A student's class on the command line and on real traffic: like one of ours at every layer, or refused in words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from balancing import LAYERS
from balancing.algorithms.own import EXAMPLE
from experiments.lab import Lab
from experiments.services import service
from tests.live import get

ROOT = Path(__file__).resolve().parents[2]
LAB = [sys.executable, "-P", "-m", "experiments"]
BROKEN = "from balancing import Stateless\nclass Mine(Stateless):\n    def choose(self, unit):\n        return unit\n"


@pytest.mark.live
def test_a_students_class_decides_at_all_four_layers() -> None:
    """One lab, a VIP a layer. Who was chosen is who answers, and whom the class names for that client's key.

    In `flat` the last byte of hN's address is N, and of its MAC as well, so the class must name the same server at
    every layer: of three servers number N modulo 3, counted from 0.
    """
    services = [service(layer, number, algorithm=str(ROOT / EXAMPLE)) for number, layer in enumerate(LAYERS)]
    with Lab("flat", services, clients=5) as lab:
        for one in services:
            for number in range(1, 6):
                named = one.backends[number % 3].name
                answers = get(lab, f"h{number}", f"http://{one.vip}/", times=2)
                assert {answer.server for answer in answers} == {named}, (one, number)
            chosen = Counter(event["backend"] for event in lab.events("Assigned", one.name))
            requests = 2 if one.layer == "l7" else 1  # units: at L7 each request is one
            assert chosen == {"srv1": requests, "srv2": 2 * requests, "srv3": 2 * requests}


def shell(algorithm: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`./lab shell` with one command piped in."""
    return subprocess.run([*LAB, "shell", "--layer", "l7", "--algorithm", algorithm], cwd=cwd, capture_output=True,
                          text=True, timeout=120, input="h1 curl -s http://vip/\n", check=False)


def test_the_examples_own_command_is_one() -> None:
    text = (ROOT / "examples" / "last_byte.py").read_text()
    found = re.search(r"\./lab shell --algorithm (\S+?)\"", text)
    assert found
    done = shell(found[1])
    assert done.returncode == 0, done.stderr
    assert '"server":"srv2"' in done.stderr.replace(" ", ""), "h1's address ends in 1"
    assert f"l7 {ROOT / EXAMPLE} (proxy)" in " ".join(done.stderr.split())


@pytest.mark.parametrize(("word", "saw", "helps"), [
    ("mine.py:Mein", "there is no class in {path}: 'Mein'", "Mine (did you mean that?)"),
    ("mine.py", "there is no class in {path}: ''", "one of Mine"),
    ("yours.py:Mine", "yours.py can't be read: No such file or directory", EXAMPLE),
    ("mine.py:Mine", "Mine.choose returned <Unit 198.51.100.0 0>", "one of self.pool.candidates"),
])
def test_what_does_not_fit_is_answered_before_anything_is_built(
        tmp_path: Path, word: str, saw: str, helps: str) -> None:
    (tmp_path / "mine.py").write_text(BROKEN)
    done = subprocess.run([*LAB, "shell", "--algorithm", word], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 2
    assert saw.format(path=tmp_path / "mine.py") in done.stderr
    assert helps in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_form() -> None:
    done = subprocess.run([*LAB, "shell", "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert "FILE.py:CLASS" in done.stdout
