"""The envelope: what goes in comes out, whole or not at all, and early refusal."""

from __future__ import annotations

import csv
import io
import ipaddress
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.envelope import Envelope, check_writable, columns, to_csv
from layerlab import LabError

ROWS = [{"layer": "l2", "share": {"s1": 4}}, {"layer": "l3", "jain": 0.5}]
FOUND = Envelope("compare", 7, {"cores": 2}, {"ladder": ROWS, "cost": []})


def test_the_json_form() -> None:
    assert json.loads(FOUND.to_json()) == {
        "name": "compare", "seed": 7, "environment": {"cores": 2}, "tables": {"ladder": ROWS, "cost": []}}


def test_addresses_and_paths_become_strings() -> None:
    row = {"vip": ipaddress.ip_address("10.0.0.100"), "file": Path("a/b")}
    form = json.loads(Envelope("x", 1, {}, {"t": [row]}).to_json())
    assert form["tables"]["t"] == [{"vip": "10.0.0.100", "file": "a/b"}]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_cannot_say_is_refused_and_the_old_file_stays(tmp_path: Path, value: object) -> None:
    path = tmp_path / "result.json"
    FOUND.write(path)
    with pytest.raises((ValueError, TypeError)):
        Envelope("x", 1, {}, {"t": [{"value": value}]}).write(path)
    assert path.read_text() == FOUND.to_json()
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")

    def full(new: Path, text: str, **_: object) -> None:
        new.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(LabError, match="No space left"):
        FOUND.write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("path", "why"), [
    ("missing/result.json", "there is no folder"),
    (".", "not an ordinary file"),
    ("/dev/null", "not an ordinary file"),
    ("/proc/result.json", "No such file"),  # a folder in which not even root can make a file
])
def test_a_place_that_cannot_be_written_is_known_before_the_run(tmp_path: Path, path: str, why: str) -> None:
    with pytest.raises(LabError, match=why):
        check_writable(tmp_path / path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    check_writable(tmp_path / "old.json")
    check_writable(tmp_path / "new.json")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("old.json", "old")]


def test_a_report_is_the_json_and_a_csv_for_every_table(tmp_path: Path) -> None:
    paths = FOUND.write_report(tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["compare.json", "compare.ladder.csv", "compare.cost.csv"]
    assert json.loads(paths[0].read_text())["seed"] == 7
    assert paths[1].read_bytes() == b'layer,share,jain\r\nl2,"{""s1"": 4}",\r\nl3,,0.5\r\n'


@given(st.lists(st.dictionaries(st.text(min_size=1), st.text() | st.integers(), min_size=1), min_size=1))
def test_every_cell_comes_back_out_of_the_csv(rows: list[dict[str, object]]) -> None:
    names = columns(rows)
    wanted = [names] + [[str(row.get(name, "")) for name in names] for row in rows]
    assert list(csv.reader(io.StringIO(to_csv(rows), newline=""))) == wanted
