"""A class of the student's own: it is loaded, tried, and where it doesn't fit told why, in a student's terms."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from balancing import ALGORITHMS, find_algorithm
from balancing.algorithms import full_name, is_own
from balancing.algorithms.own import EXAMPLE
from layerlab import LabError
from tests.balancing.pools import pool, unit

ROOT = Path(__file__).resolve().parents[3]
FIRST = "return self.pool.candidates[0]"


def mine(choose: str = FIRST, *more: str, base: str = "Stateless", before: str = "") -> str:
    """A file with a class Mine in line 2, its choose in line 3: the lines of choose, and of what else it has."""
    lines = [before + f"from balancing import {base}", f"class Mine({base}):", "    def choose(self, unit):"]
    lines += [f"        {line}" for line in choose.splitlines()]
    return "\n".join([*lines, *(f"    {line}" for line in more), ""])


FITS = mine()


def refusal(path: Path, source: str, name: str = "Mine") -> LabError:
    """What is said of a file that holds `source`."""
    path.write_text(source)
    with pytest.raises(LabError) as caught:
        find_algorithm(f"{path}:{name}")
    assert caught.value.field == "algorithm"
    assert caught.value.expected
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


def test_the_example_is_an_algorithm_like_any_other() -> None:
    servers = pool(str(ROOT / EXAMPLE), [1, 1, 1])
    assert [servers.assign(unit(number)).name for number in (3, 4, 5, 6)] == ["s1", "s2", "s3", "s1"]
    assert servers.algorithm.scores(unit(7)) == {"s1": 0.0, "s2": 1.0, "s3": 0.0}
    assert repr(servers.algorithm) == "<LastByte of web>"


def test_it_means_the_same_file_from_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    word = full_name(EXAMPLE)
    assert word == f"{ROOT}/{EXAMPLE}"
    found = find_algorithm(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    assert find_algorithm(word) is found
    assert full_name(word) == word


@pytest.mark.parametrize("word", sorted(ALGORITHMS))
def test_the_labs_own_words_are_none(word: str) -> None:
    assert not is_own(word)
    assert full_name(word) == word


# -- the file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "saw"), [
    ("nowhere/mine.py:Mine", "nowhere/mine.py can't be read: No such file or directory"),
    ("mine.py", "mine.py can't be read: No such file or directory"),
    ("/:mine.py:Mine", "can't be read"),
    ("a\0b.py:Mine", "can't be read"),
    ("\ud800.py:Mine", "can't be read"),
    ("x" * 300 + ".py:Mine", "can't be read: File name too long"),
])
def test_a_file_that_is_not_there(word: str, saw: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LabError) as caught:
        find_algorithm(word)
    assert saw in caught.value.saw
    assert caught.value.hint == EXAMPLE


def test_a_folder_is_no_file(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LabError, match="Is a directory"):
        find_algorithm(f"{path}:Mine")


@pytest.mark.parametrize(("source", "saw"), [
    (FITS + "def broken(:\n", "mine.py can't be loaded, line 5: SyntaxError: invalid syntax"),
    (FITS + "1 / 0\n", "mine.py can't be loaded, line 5: ZeroDivisionError: division by zero"),
    ("import nothing_of_that_name\n" + FITS, "line 1: ModuleNotFoundError: No module named 'nothing_of_that_name'"),
    ("def f():\n    raise ValueError('so')\nf()\n" + FITS, "line 2: ValueError: so"),
    ("import sys\nsys.exit('bye')\n" + FITS, "line 2: SystemExit: bye"),
    ("x = '\0'\n" + FITS, "mine.py can't be loaded"),
    ("# -*- coding: nonsense -*-\n" + FITS, "mine.py can't be loaded"),
    ("x = 1\n", "mine.py defines no class"),
    ("from balancing import Stateless\n", "mine.py defines no class"),
])
def test_a_file_that_cannot_be_loaded(path: Path, source: str, saw: str) -> None:
    assert saw in refusal(path, source).saw


def test_no_such_class_and_the_nearest(path: Path) -> None:
    error = refusal(path, FITS, "Mein")
    assert "there is no class in" in error.saw
    assert "'Mein'" in error.saw
    assert error.expected == "one of Mine"
    assert error.hint == "Mine (did you mean that?)"


def test_a_file_without_a_class_named(path: Path) -> None:
    path.write_text(FITS)
    with pytest.raises(LabError) as caught:
        find_algorithm(str(path))
    assert caught.value.expected == "one of Mine"


# -- the class -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "saw", "hint"), [
    ("class Mine:\n    pass\n", "Mine in {path} is not an Algorithm", "from balancing import Algorithm"),
    (mine(base="Algorithm").replace("choose", "chose"), "Mine has no choose and no scores", "base.py"),
    (mine().replace("choose", "chose"), "Mine has no choose", "base.py"),
    (mine(base="Algorithm"), "Mine has no scores", "Stateless brings a scores of its own"),
    (mine("return 's1'"), "Mine.choose returned 's1'", "the server itself, not its name"),
    (mine(f"if unit.key[-1] > 2: {FIRST}"), "Mine.choose returned None", "a return in every branch"),
    (mine("return self.pool.candidates"), "Mine.choose returned (s1 w=1 active=", "self.pool.candidates"),
    (mine("return self.all[unit.key[-1] % 3]", "def __init__(self, pool):", "    super().__init__(pool)",
          "    self.all = pool.candidates"), "Mine.choose returned s3 down", "in every choose"),
    (mine("return self.pool.candidates[unit.key[-1]]"),
     "Mine failed when it was tried on three servers, line 4: IndexError: tuple index out of range", EXAMPLE),
    (mine("return self.candidates[0]"), "line 4: AttributeError: 'Mine' object has no attribute 'candidates'", EXAMPLE),
    (mine("raise SystemExit"), "line 4: SystemExit", EXAMPLE),
    (mine().replace("(self, unit)", "(self)"),
     "Mine failed when it was tried on three servers: TypeError: Mine.choose() takes 1 positional argument", EXAMPLE),
    (mine(FIRST, "def __init__(self, pool):", "    self.servers = pool"),
     "line 4: AttributeError: 'Mine' object has no attribute 'pool'", EXAMPLE),
    (mine(FIRST, "def changed(self, server):", "    server.load += 1"), "line 6: AttributeError", EXAMPLE),
])
def test_a_class_that_does_not_fit(path: Path, source: str, saw: str, hint: str) -> None:
    error = refusal(path, source)
    assert saw.format(path=path) in error.saw
    assert hint in error.hint


@pytest.mark.parametrize("scores", [
    "None", "[1, 2, 3]", "{}", "{'s1': 1}", "{'s1': 1, 's2': 2, 's3': 3, 's4': 4}",
    "{s: 1.0 for s in self.pool.candidates}", "{s.name: 'high' for s in self.pool.candidates}",
    "{s.name: None for s in self.pool.candidates}", "{s.name: float('nan') for s in self.pool.candidates}",
])
def test_scores_that_are_none(path: Path, scores: str) -> None:
    error = refusal(path, mine(FIRST, "def scores(self, unit):", f"    return {scores}"))
    assert "Mine.scores returned" in error.saw
    assert "a number for each of s1, s2" in error.expected
    assert "server.name" in error.hint


DATACLASS = """from __future__ import annotations
from dataclasses import dataclass
@dataclass
class Memory:
    last: int = 0
"""


@pytest.mark.parametrize("source", [
    mine(),
    mine(FIRST, "def scores(self, unit):", "    return {s.name: float('-inf') for s in self.pool.candidates}",
         base="Algorithm"),
    mine(before=DATACLASS),
    mine("return super().choose(unit)", base="RoundRobin", before="from balancing.algorithms import RoundRobin\n")
    .replace("from balancing import RoundRobin", ""),
    mine(before="# -*- coding: latin-1 -*-\nname = '\xe9'\n"),
    mine(before="WHERE = __name__ and __file__\n"),
], ids=["stateless", "algorithm", "with a dataclass", "on top of another", "in another encoding", "with module names"])
def test_a_class_that_fits(path: Path, source: str) -> None:
    path.write_text(source, encoding="latin-1" if "latin-1" in source else "utf-8")
    assert find_algorithm(f"{path}:Mine").__name__ == "Mine"


# -- the file changes ----------------------------------------------------------------------------


def test_a_file_that_has_not_changed_is_the_same_class(path: Path) -> None:
    path.write_text(FITS)
    assert find_algorithm(f"{path}:Mine") is find_algorithm(f"{path}:Mine")


def test_a_file_that_has_changed_is_loaded_anew(path: Path) -> None:
    """Also within the clock's tick and to the same size: what counts is what it says."""
    path.write_text(FITS)
    before = path.stat()
    servers = pool(f"{path}:Mine", [1, 1])
    assert servers.assign(unit(1)).name == "s1"
    path.write_text(FITS.replace("[0]", "[1]"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert servers.assign(unit(1)).name == "s1", "who runs goes on as it was"
    servers.set_algorithm(f"{path}:Mine")
    assert servers.assign(unit(1)).name == "s2"


def test_a_mistake_that_was_mended_is_forgotten(path: Path) -> None:
    refusal(path, FITS.replace("candidates[0]", "candidate"))
    path.write_text(FITS)
    assert find_algorithm(f"{path}:Mine").__name__ == "Mine"


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    path.write_text(FITS)
    find_algorithm(f"{path}:Mine")
    assert list(path.parent.iterdir()) == [path]


def test_a_mistake_leaves_a_pool_as_it_was(path: Path) -> None:
    servers = pool("round-robin")
    path.write_text(FITS.replace("candidates[0]", "candidates"))
    before = servers.service, servers.algorithm
    with pytest.raises(LabError):
        servers.set_algorithm(f"{path}:Mine")
    assert (servers.service, servers.algorithm) == before


def test_a_class_that_can_only_begin_with_three_servers_leaves_a_pool_as_it_was(path: Path) -> None:
    path.write_text(mine(FIRST, "def __init__(self, pool):", "    super().__init__(pool)",
                         "    a, b, c = pool.servers"))
    servers = pool("round-robin", [1, 1])
    before = servers.service, servers.algorithm
    with pytest.raises(LabError, match="line 7: ValueError: not enough values to unpack") as caught:
        servers.set_algorithm(f"{path}:Mine")
    assert caught.value.field == "algorithm"
    assert (servers.service, servers.algorithm) == before
