"""What Ryu and os-ken don't share is evened out: the framework is the one asked for, and no failure is silent."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.environment import environment
from experiments.lab import Lab
from experiments.services import service
from tests.live import get
from tests.outside import wait_until

ROOT = Path(__file__).resolve().parents[2]
# An app whose handler fails on the first switch: with LAYER_LAB_SERVICES, as `--app fails`.
FAILS = """
from controller.app import Balancer
class Fails(Balancer):
    def record(self, event):
        raise ZeroDivisionError("on purpose")
"""


@pytest.fixture
def services(tmp_path: Path) -> Path:
    path = tmp_path / "services.json"
    path.write_text(json.dumps([service("l3").to_json()]))
    return path


@contextlib.contextmanager
def controller(services: Path, listen: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A controller that stands alone; killed at the end if it still runs."""
    command = [sys.executable, "-m", "controller", "--services", str(services), "--listen", listen, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=services.parent,
                          env={**os.environ, "PYTHONPATH": f"{ROOT}:{services.parent}"}) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.live
def test_the_controller_runs_under_the_framework_that_was_asked_for(framework: str) -> None:
    with Lab("flat", [service("l3")], clients=1) as lab:
        get(lab, "h1", "http://vip/")
        said = (lab.directory / "controller.err").read_text()
        libraries = Path(f"/proc/{lab.processes['controller'].pid}/maps").read_text()
    assert f" {environment()['framework']}, for switches at" in said
    assert str(environment()["framework"]).startswith(framework)
    assert "greenlet" in libraries or framework == "os-ken", "Ryu runs on eventlet's greenlets, os-ken on threads"
    assert "greenlet" not in libraries or framework == "ryu"


@pytest.mark.live
def test_a_handler_that_fails_says_so_and_ends_the_controller(framework: str, services: Path) -> None:
    (services.parent / "fails.py").write_text(FAILS)
    subprocess.run(["ovs-vsctl", "add-br", "s1", "--", "set", "bridge", "s1", "datapath_type=netdev",
                    "other-config:datapath-id=0000000000000001", "--", "set-controller", "s1", "tcp:127.0.0.1:6653"],
                   check=True)
    with controller(services, "127.0.0.1:6653", "--app", "fails") as process:
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 1
    assert "ZeroDivisionError: on purpose" in said
    assert "rules_are_in failed" in said


def test_an_address_that_is_taken_ends_the_controller(framework: str, services: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
        with controller(services, address) as process:
            said = process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert "Address already in use" in said
    assert f"nothing listens on {address}" in said


@pytest.mark.live
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(framework: str, services: Path, blow: signal.Signals) -> None:
    with controller(services, "127.0.0.1:6653") as process:
        wait_until(lambda: greets(("127.0.0.1", 6653)), "the controller's hello")
        process.send_signal(blow)
        process.communicate(timeout=10)
    assert process.returncode == -blow


def greets(address: tuple[str, int]) -> bool:
    """Whether somebody says hello there, as OpenFlow has it: then all of the controller's threads run."""
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(address, timeout=5) as switch:
        return bool(switch.recv(8))
    return False
