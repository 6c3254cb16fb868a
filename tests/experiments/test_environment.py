"""What a run says of the place where it ran."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import layerlab
from controller import which
from experiments.environment import environment


def test_it_names_all_that_took_part_and_the_run_s_own_facts_last() -> None:
    found = environment(datapath="netdev")
    assert list(found)[-1] == "datapath"
    assert found["layerlab"] == layerlab.__version__
    assert found["python"] == "{}.{}.{}".format(*sys.version_info)
    assert str(found["framework"]).split()[0] == which.FRAMEWORKS[which.framework()]
    assert str(found["ovs"])[0].isdigit()


def test_it_does_not_import_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in which.FRAMEWORKS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    environment()
    assert not set(which.FRAMEWORKS) & set(sys.modules)


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("experiments.machine.packages", lambda names: dict.fromkeys(names))
    monkeypatch.setattr("controller.which.find_spec", lambda name: None)
    found = environment()
    assert (found["ovs"], found["mininet"], found["framework"]) == ("not installed", "not installed",
                                                                   "ryu or os-ken not installed")


@pytest.mark.parametrize(("package", "name"), which.FRAMEWORKS.items())
def test_the_framework_is_the_one_that_is_really_used(
    monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    monkeypatch.setattr("controller.which.find_spec", lambda name: object())
    monkeypatch.setattr("experiments.machine.packages", lambda names: dict.fromkeys(names, "7"))
    monkeypatch.setenv(which.VARIABLE, package)
    assert environment()["framework"] == f"{name} 7"
