"""What a run says of the place where it ran."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import layerlab
from experiments.environment import environment, ovs_version, package_version


def test_it_names_all_that_took_part_and_the_run_s_own_facts_last() -> None:
    found = environment("ryu", datapath="netdev")
    assert list(found)[-1] == "datapath"
    assert found["layerlab"] == layerlab.__version__
    assert found["python"] == "{}.{}.{}".format(*sys.version_info)
    assert found["framework"] == f"ryu {package_version('ryu')}"


def test_it_does_not_import_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ryu", raising=False)
    environment("ryu")
    assert "ryu" not in sys.modules


@pytest.mark.parametrize(("script", "version"), [
    ("echo 'ovs-vswitchd (Open vSwitch) 3.1.0'; echo DPDK", "3.1.0"),
    ("exit 1", "not installed"),
    (None, "not installed"),
])
def test_the_version_of_open_vswitch(tmp_path: Path, monkeypatch, script: str | None, version: str) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}")
    if script is not None:
        (tmp_path / "ovs-vswitchd").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "ovs-vswitchd").chmod(0o755)
    assert ovs_version() == version


def test_a_package_that_is_not_there() -> None:
    assert package_version("no-such-package-of-ours") == "not installed"
