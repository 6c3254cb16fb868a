"""The figures of the forward proxy: what is made of given numbers, the driver of tunnels; and a small run, live."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import forward, proxy
from benchmarks.catalog import BENCHMARKS
from benchmarks.forward_figures import FIGURES
from benchmarks.forward_stage import ForwardStage
from benchmarks.peers import BACKEND, FORWARD_PEERS, LOAD, OURS, Peer
from benchmarks.peers_forward import ORIGIN, SETUPS
from benchmarks.peers_install import Found, install, is_here
from benchmarks.peers_setup import BACKEND_PORT, Setting
from benchmarks.proxy import TURNS, Turn, rows
from benchmarks.proxy_figures import WHATS
from benchmarks.proxy_tunnel import Flows, Goal
from benchmarks.proxy_words import contradictions, moral
from experiments.report import plot
from experiments.report.sections import SECTIONS
from layerlab import LabError
from topologies import capsule

WANTED = {
    "GET not cached against Squid without cache": (1.0, 1.5),
    "cache hit against Squid": (0.5, 1.0),
    "GET not cached against tinyproxy": (3, 5),
    "GET not cached against proxy.py": (1.5, 3),
    "GET not cached against mitmproxy": (20, 30),
    "CONNECT bytes per CPU second against tinyproxy": (1.0, 1.5),
    "CONNECT bytes per CPU second against Squid": (1.0, 1.5),
}
HERE = {name: Found(peer, ("true",), "1.0") for name, peer in {**FORWARD_PEERS, OURS: Peer(OURS, "python")}.items()}


def given(ratio: float) -> list[dict[str, Any]]:
    """TEST DATA: the table of a run in which ours is so many times any peer."""
    names = {figure.what: {OURS, *(one.against for one in FIGURES if one.what == figure.what)} for figure in FIGURES}
    turns = [Turn(what, name, 100 * (ratio if name == OURS else 1), 1.0) for what in names for name in names[what]]
    return rows(turns, HERE, FIGURES)


def test_the_figures_are_the_ones_that_are_asked_for() -> None:
    assert {figure.label: (figure.must, figure.aim) for figure in FIGURES} == WANTED
    assert set(SETUPS) == {OURS, *FORWARD_PEERS}
    for figure in FIGURES:
        assert figure.what in WHATS
        assert figure.what in TURNS
        assert figure.against in FORWARD_PEERS
    assert BENCHMARKS["forward"].parts() == (forward.part,)


@pytest.mark.parametrize(("ratio", "aims", "missed"), [(31.0, 7, 0), (2.0, 4, 2), (0.1, 0, 7)])
def test_a_run_says_what_is_reached(ratio: float, aims: int, missed: int) -> None:
    table = given(ratio)
    assert len(contradictions(table)) == missed
    assert f"Of 7 figures {7 - missed} reach what they must, {aims} what is aimed at." in moral(table)
    assert json.loads(json.dumps(table, allow_nan=False)) == table


def test_the_report_draws_every_figure() -> None:
    section = SECTIONS["forward"]
    assert section.read(given(31.0)).as_predicted is True
    with plot.style():
        svg, = (plot.to_svg(one.draw(given(1.2)), "a", "title", "description") for one in section.pictures)
    ElementTree.fromstring(svg)
    for figure in FIGURES:
        assert svg.count(f">{figure.label}: ") == 1


def test_none_is_a_dependency_of_the_lab() -> None:
    lists = "".join(path.read_text() for path in Path(forward.__file__).parents[1].glob("requirements/*.txt"))
    assert not [name for name in FORWARD_PEERS if name in lists]


@pytest.mark.parametrize("cache", [False, True])
def test_ours_finds_nothing_wrong_in_its_own(cache: bool, tmp_path: Path) -> None:
    command = SETUPS[OURS](HERE[OURS], Setting(tmp_path, cache=cache))
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "metadata" in done.stdout, "the table of rules is there"


@pytest.mark.parametrize("cache", [False, True])
def test_squid_finds_nothing_wrong_in_its_own(cache: bool, tmp_path: Path) -> None:
    if not is_here(FORWARD_PEERS["Squid"]):
        pytest.skip("Squid is not here")
    command = SETUPS["Squid"](install([FORWARD_PEERS["Squid"]])["Squid"], Setting(tmp_path, cache=cache))
    done = subprocess.run([*command, "-k", "parse"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], tuple[str, int]]]:
    """A proxy that says one thing to whoever connects, and ends: by what it says."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def start(said: bytes) -> tuple[str, int]:
            Thread(target=answer, args=(said,), daemon=True).start()
            host, port = server.getsockname()
            return host, port

        def answer(said: bytes) -> None:
            client, _ = server.accept()
            with closing(client):
                client.recv(4096)
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
        yield start


GOAL = Goal(ORIGIN, BACKEND_PORT, "/large", 1000)


def test_what_comes_through_a_tunnel_is_counted(answering: Callable[[bytes], tuple[str, int]]) -> None:
    """By pieces: the head of CONNECT's answer is none of it."""
    arrived = 0
    with Flows(answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 12_345), GOAL, 1) as flows:
        while arrived < 12_345:
            arrived += flows.step()
        with pytest.raises(LabError, match="a tunnel was closed"):
            flows.step()
    assert arrived == 12_345


@pytest.mark.parametrize("said", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"", b"nonsense"])
def test_no_tunnel_is_an_error(said: bytes, answering: Callable[[bytes], tuple[str, int]]) -> None:
    flows = Flows(answering(said), GOAL, 1)
    with pytest.raises(LabError, match="CONNECT was answered"):
        flows.__enter__()


@pytest.mark.live
def test_a_small_run_has_its_figures() -> None:
    """Two of them: a cache and tunnels. A test installs nothing: without Squid it is ours alone."""
    if not (is_here(BACKEND) and is_here(LOAD)):
        pytest.skip("nginx and wrk are not here")
    figures = [figure for figure in FIGURES if figure.against == "Squid" and figure.what != "fetch"]
    squid = FORWARD_PEERS["Squid"]
    left = {name: Found(peer, why_not="not installed: left out") for name, peer in FORWARD_PEERS.items()}
    found = left | install([BACKEND, LOAD, *([squid] if is_here(squid) else [])])
    with ForwardStage(capsule.LAB / "forward", found) as stage:
        turns = proxy.measure(stage, proxy.Size(rounds=1, seconds=1), 1, figures)
    assert not [turn.error for turn in turns if turn.error]
    assert {turn.what for turn in turns if turn.name == OURS} == {"fetch, cached", "tunnel"}
    assert all(turn.value > 0 for turn in turns)
    for row in rows(turns, stage.found, figures):
        assert row["why_not"] == found["Squid"].why_not
        assert (row["median"] is None) == bool(row["why_not"])
