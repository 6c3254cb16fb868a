"""The walls of the house: who may import whom, and how large a room's furniture may be.

Every check is a function from a small description to a list of complaints, so each is also shown
something bad: a wall that can't say no is no wall.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = {"balancing", "topologies", "controller", "l7proxy", "experiments", "benchmarks", "layerlab"}
MAY_IMPORT = {
    "layerlab": set(),
    "balancing": {"layerlab"},
    "topologies": {"layerlab"},
    "controller": {"layerlab", "balancing"},
    "l7proxy": {"layerlab", "balancing"},
    "experiments": EVERYTHING,
    "benchmarks": EVERYTHING,
    "examples": {"balancing"},
    "tests": EVERYTHING,
    "setup": set(),
}  # fmt: skip
GIANTS = {"mininet": "topologies", "ryu": "controller", "os_ken": "controller", "scapy": "experiments",
          "uvloop": "l7proxy"}  # fmt: skip
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
NOT_OURS = {"__pycache__", "build", "dist", "node_modules", "venv"}
OUR_DOTS = {".ci", ".github", ".devcontainer", ".gitignore"}
# A folder that only one machine has, and any host that a package index or a mirror would have.
PRIVATE_PATH = re.compile(r"""(?:^|[\s"'`=:(,\[])/(?:work|home/(?!vagrant\b)\w+|Users/\w+)/""", re.MULTILINE)
INDEX_HOST = re.compile(
    r"\b(?:[\w-]+\.)*[\w-]*(?:pypi|pythonhosted|artifactory|nexus|mirror|registry)[\w-]*"
    r"\.(?:[\w-]+\.)*(?:org|com|net|io|dev|internal|local|lan)\b"
)


def our_files() -> Iterator[Path]:
    """Every file of the checkout that is ours, whether or not git knows it yet."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part not in OUR_DOTS for part in parts)
        if path.is_file() and not hidden and not NOT_OURS & set(parts) and ".egg-info" not in str(path):
            yield path


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """The top-level names that a module imports, wherever in it; a relative import stays in its room."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def broken_walls(room: str, tree: ast.AST) -> list[str]:
    strangers = (imports(tree) & EVERYTHING) - MAY_IMPORT.get(room, set()) - {room}
    return [f"{room} imports {stranger}" for stranger in sorted(strangers)]


def stray_giants(importers: Iterable[tuple[str, str, str]]) -> list[str]:
    """`importers`: (giant, room, file). A giant belongs to one room, and there to one file."""
    wrong: list[str] = []
    gates: dict[str, str] = {}
    for giant, room, file in importers:
        home = GIANTS[giant]
        if room != home:
            wrong.append(f"{file} imports {giant}, which belongs to {home}")
        elif gates.setdefault(home, file) != file:
            wrong.append(f"{file} imports {giant}; {home}'s one gate is {gates[home]}")
    return wrong


def too_large(source: str, tree: ast.AST) -> list[str]:
    wrong = []
    if (lines := source.count("\n")) > MAX_MODULE_LINES:
        wrong.append(f"{lines} lines in a module")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                wrong.append(f"{length} lines in {node.name}()")
    return wrong


def of_one_machine(text: str) -> list[str]:
    return [match[0].strip() for pattern in (PRIVATE_PATH, INDEX_HOST) for match in pattern.finditer(text)]


MODULES = [path for path in our_files() if path.suffix == ".py"]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.fixture(params=MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def module(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_a_module_keeps_to_its_room(module: Path) -> None:
    assert not broken_walls(room_of(module), tree(module))


def test_a_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(tree(module))


def test_a_module_is_small(module: Path) -> None:
    assert not too_large(module.read_text(), tree(module))


def test_each_giant_has_one_importer() -> None:
    files = [(room_of(path), path) for path in MODULES if room_of(path) != "tests"]
    assert not stray_giants(
        (giant, room, str(path)) for room, path in files for giant in sorted(imports(tree(path)) & set(GIANTS))
    )


def test_no_file_names_what_only_one_machine_has() -> None:
    files = {path: path.read_text(errors="replace") for path in our_files()}
    assert {str(path): found for path, text in files.items() if (found := of_one_machine(text))} == {}


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("balancing", "import controller.app"),
        ("topologies", "from balancing.service import Service"),
        ("l7proxy", "def f():\n    import experiments"),
        ("controller", "from topologies import flat"),
        ("layerlab", "import balancing"),
    ],
)
def test_a_broken_wall_is_seen(room: str, line: str) -> None:
    assert broken_walls(room, ast.parse(line))


def test_a_wall_lets_through_what_may_pass() -> None:
    tree = ast.parse("import os\nfrom balancing.layers import LAYERS\nfrom . import rules")
    assert not broken_walls("controller", tree)


def test_a_stray_giant_is_seen() -> None:
    assert stray_giants([("mininet", "experiments", "experiments/compare.py")])
    assert stray_giants([("ryu", "controller", "controller/a.py"), ("os_ken", "controller", "controller/b.py")])
    assert not stray_giants([("ryu", "controller", "controller/a.py"), ("os_ken", "controller", "controller/a.py")])


def test_what_is_too_large_is_seen() -> None:
    function = "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES
    assert too_large(function, ast.parse(function)) == [f"{MAX_FUNCTION_LINES + 1} lines in f()"]
    module = "x = 1\n" * (MAX_MODULE_LINES + 1)
    assert too_large(module, ast.parse(module))


@pytest.mark.parametrize(
    "words",
    [("PATH=", "home", "ada", "lab"), ("cd ", "work", "x"), ("https:/", ".".join(["pypi", "acme", "com"]), "simple")],
)  # in pieces, so that this file passes its own test
def test_what_only_one_machine_has_is_seen(words: tuple[str, ...]) -> None:
    assert of_one_machine("/".join(words) + "/")


def test_what_every_machine_has_may_be_named() -> None:
    assert not of_one_machine("/proc/7/root/run/ and network/work/ and registry.py and /home/vagrant/lab")
