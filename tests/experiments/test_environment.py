"""What a run says of the place where it ran."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import layerlab
from experiments.environment import environment


def test_it_names_all_that_took_part_and_the_run_s_own_facts_last() -> None:
    found = environment(datapath="netdev")
    assert list(found)[-1] == "datapath"
    assert found["layerlab"] == layerlab.__version__
    assert found["python"] == "{}.{}.{}".format(*sys.version_info)
    assert str(found["framework"]).split()[0] in ("ryu", "os-ken")
    assert str(found["ovs"])[0].isdigit()


def test_it_does_not_import_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ryu", raising=False)
    environment()
    assert "ryu" not in sys.modules


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("experiments.machine.packages", lambda names: dict.fromkeys(names))
    found = environment()
    assert (found["ovs"], found["mininet"], found["framework"]) == ("not installed", "not installed",
                                                                   "ryu not installed")
