"""Real servers for these tests: on loopback, or each in a network namespace of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from balancing import Service
from experiments.clients import ClientHost
from experiments.netns import inside
from experiments.services import pair
from layerlab import LabError
from tests.experiments.desks import DeskLab, Start
from topologies import running

ROOT = Path(__file__).parents[2]
ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")  # then the command


@dataclass(frozen=True)
class Running:
    """A server that has said it is ready, with the ports that it said."""

    name: str
    process: subprocess.Popen[str]
    ports: list[int]
    udp_ports: list[int]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def host(self) -> ClientHost:
        """A client in the server's own network namespace."""
        return ClientHost(f"client-of-{self.name}", f"/proc/{self.process.pid}/ns/net")


def ports_in(line: str, kind: str) -> list[int]:
    found = re.search(rf" {kind}=([\d,]+)", line)
    return [int(port) for port in found[1].split(",")] if found else []


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start a server: start("s1", "--workers", "2"); before=ALONE puts it in a namespace of its own."""
    processes = []

    def start_one(name: str, *words: str, before: tuple[str, ...] = ()) -> Running:
        command = [*before, sys.executable, "-m", "experiments.server", "--name", name, *words]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        line = process.stdout.readline()
        assert line.startswith("ready"), line + process.stderr.read()
        return Running(name, process, ports_in(line, "http"), ports_in(line, "udp"))

    yield start_one
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def server(start) -> Running:
    """One server with an HTTP port on 127.0.0.1."""
    return start("s1", "--port", "0", "--address", "127.0.0.1")


@pytest.fixture
def start_alone(start) -> Callable[..., Running]:
    """As `start`, each server in a network namespace of its own, with `lo` up."""
    try:
        with inside("/proc/self/ns/net"):
            pass
    except LabError as error:
        pytest.skip(f"{error.saw}: needs root, or unshare --user --map-root-user --net (and `ip link set lo up`)")
    return lambda name, *words: start(name, *words, before=ALONE)


@pytest.fixture
def start_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a lab that is only a desk to ask at: start_desk(4711, services). Others don't run."""
    started: list[DeskLab] = []
    monkeypatch.setattr(running, "capsules", lambda: [lab.capsule for lab in started])

    def start_one(id: int, services: Sequence[Service] = pair("l4"), **options: str) -> DeskLab:
        started.append(DeskLab(id, tmp_path / str(id), services, **options))
        return started[-1]

    yield start_one
    for lab in started:
        lab.close()
