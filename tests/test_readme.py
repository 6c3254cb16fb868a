"""What the README says is so: its commands run, its output is what comes out, its links lead somewhere."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from balancing import LAYERS
from experiments.cell import SITUATIONS
from experiments.cli import cli
from experiments.ladder import QUICK, ladder
from experiments.triangle import draw

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"(?:^|`)((?:echo '[^`]*' \| )?\./lab [^`#\n]*[^`#\s])", README, re.MULTILINE)))


def test_there_are_commands_to_be_tried() -> None:
    assert "./lab compare" in COMMANDS
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_the_lab_knows(command: str) -> None:
    words = shlex.split(command.rpartition("./lab ")[2])
    if words[0] == "...":
        return
    known = cli.commands[words[0]]
    options = {option for parameter in known.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("command", [command for command in COMMANDS if "|" in command])
def test_what_is_piped_in_is_answered(command: str) -> None:
    typed = command.replace("./lab", f"{sys.executable} -m experiments")
    done = subprocess.run(typed, shell=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert '"srv1"' in done.stderr


@pytest.mark.live
def test_the_output_shown_is_what_comes_out() -> None:
    """Not copied by hand: servers, units and shares are the same in every run."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(draw(list(ladder(QUICK, seed=1))))
    drawn = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
    assert drawn.strip() in README


def test_every_option_of_the_tables_is_there() -> None:
    for row in re.findall(r"^\| `\./lab (\w+).*$", README, re.MULTILINE):
        assert row in cli.commands
    assert set(cli.commands) - {"setup"} <= set(re.findall(r"^\| `\./lab (\w+)", README, re.MULTILINE))


def test_every_layer_and_situation_is_drawn() -> None:
    for word in [*SITUATIONS, *(layer.upper() for layer in LAYERS)]:
        assert re.search(rf"\b{word}\b", README)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
