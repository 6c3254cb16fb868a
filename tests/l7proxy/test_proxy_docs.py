"""docs/proxy.md is true: its files are read, its commands are run, its reference is drawn."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from l7proxy.config_file import read_text
from l7proxy.config_reader import Faults
from l7proxy.config_words import MANUAL, drawn_anew
from tests.l7proxy.conftest import ROOT
from tests.test_operating import fits, steps

PAGE = MANUAL.read_text()
FILES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
FLAGS = re.findall(r"^lab-proxy (reverse --listen .+)$", PAGE, re.MULTILINE)


def run(arguments, folder=ROOT):
    return subprocess.run([sys.executable, "-m", "l7proxy", *arguments], cwd=folder, capture_output=True, text=True,
                          timeout=60)


def test_every_key_is_drawn_from_the_table():
    assert drawn_anew(PAGE) == PAGE, "draw it anew: LAYER_LAB_COMPILED=0 python -m l7proxy.config_words"


def test_there_is_something_to_play():
    assert (len(FILES), len(FLAGS), len(list(steps(PAGE)))) == (3, 1, 2)


@pytest.mark.parametrize("text", FILES)
def test_its_files_are_right_but_for_the_one_that_is_called_wrong(text, tmp_path):
    if text.startswith("# wrong.toml"):
        with pytest.raises(Faults):
            read_text(text, "wrong.toml", tmp_path)
    else:
        read_text(text, "proxy.toml", tmp_path)


def test_its_commands_say_what_it_says(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "wrong.toml").write_text(next(text for text in FILES if text.startswith("# wrong.toml")))
    for step in steps(PAGE):
        words = shlex.split(step.command)
        assert words[0] == "lab-proxy"
        done = run(words[1:], tmp_path)
        assert fits(step.says, done.stdout + done.stderr), done.stdout + done.stderr


@pytest.mark.parametrize("flags", FLAGS)
def test_its_flags_are_right(flags):
    assert run([*shlex.split(flags), "--check"]).returncode == 0
