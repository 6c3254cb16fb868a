"""What was measured is read back; what is none of it gets a clear error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.envelope import Envelope
from experiments.runs import RUN, read_run
from layerlab import LabError

ONE = Envelope("crowd", 3, {"cores": 2}, {"crowd": [{"a": 1}]})


def test_one_envelope_or_several_or_a_folder(tmp_path: Path) -> None:
    ONE.write(tmp_path / "one.json")
    (tmp_path / RUN).write_text(f"[{ONE.to_json()}, {ONE.to_json()}]")
    assert read_run(tmp_path / "one.json") == [ONE]
    assert read_run(tmp_path) == [ONE, ONE]


def test_the_folder_of_single_reports(tmp_path: Path) -> None:
    """`./lab run crowd --report DIR` writes no list, but a file for each experiment."""
    ONE.write_report(tmp_path)
    assert read_run(tmp_path) == [ONE]


@pytest.mark.parametrize(("text", "saw"), [
    ("{", "is no JSON"), ("[]", "is an empty list"), ("[1]", "no envelope: name, seed, environment, tables are"),
    (json.dumps(json.loads(ONE.to_json()) | {"seed": "x"}), "no envelope: seed is"),
    (json.dumps(json.loads(ONE.to_json()) | {"tables": {"t": 3}}), "no envelope: tables is"),
])
def test_what_is_no_run_is_refused(tmp_path: Path, text: str, saw: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(LabError, match=saw):
        read_run(tmp_path / "x.json")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file"):
        read_run(tmp_path / "x.json")
