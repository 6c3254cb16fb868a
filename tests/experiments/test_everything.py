"""`run --all`: everything is in it, once; one that fails stops no other; what was measured is not lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.catalog import EXPERIMENTS
from experiments.everything import everything, run_all
from experiments.experiment import Experiment, Options
from experiments.lecture import LECTURE
from layerlab import LabError


def test_everything_is_in_it_once() -> None:
    names = [one.name for one in everything()]
    assert "compare" in names
    for one in EXPERIMENTS.values():
        assert (one.name in names) is not bool(one.within)
        assert not one.within or one.within in names


@pytest.mark.live
def test_one_that_fails_stops_no_other(tmp_path: Path, capfd) -> None:
    nowhere = Experiment("nowhere", "is there such an experiment?", parts=tuple)
    code = run_all(Options(quick=True, seed=3, json=tmp_path / "run.json", report=tmp_path / "report"),
                   [nowhere, EXPERIMENTS["distinguish"]])
    assert code == 2
    found = json.loads((tmp_path / "run.json").read_text())
    assert [(one["name"], one["seed"], one["environment"]["size"]) for one in found] == [("distinguish", 3, "quick")]
    written = {path.name for path in (tmp_path / "report").iterdir()}
    assert {"report.html", "run.json", "distinguish.json", "distinguish.distinguish.csv"} <= written
    assert "there is no experiment 'nowhere'" in capfd.readouterr().err


def test_what_could_not_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no folder"):
        run_all(Options(json=tmp_path / "nowhere" / "run.json"))


@pytest.mark.parametrize("words", [["run", "--all", "compare"], ["report", "nowhere.json"]])
def test_bad_words_are_exit_code_2(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "experiments", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("lab: ")


def test_every_claim_of_the_lecture_is_tried() -> None:
    assert {number for one in everything() for number in one.lecture} == set(LECTURE)
