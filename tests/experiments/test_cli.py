"""The command line as it is typed: real labs through `shell` and `compare`, and every wrong word."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments import cost
from tests.outside import USERS, become, offspring, outside, processes, wait_until

LAB = [sys.executable, "-P", "-m", "experiments"]
COMMANDS = """h1 curl -s http://vip/
h2 curl -s http://vip/
pingall
h1 ping -c 1 srv2
sh ovs-ofctl dump-flows s1
"""


def lab(*words: str, commands: str = "", prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*(prefix or []), *LAB, *words], input=commands, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("layer", ["l2", "l3", "l4", "l7"])
def test_commands_can_be_piped_into_the_prompt(layer: str) -> None:
    done = lab("shell", "--layer", layer, "--clients", "2", commands=COMMANDS)
    assert done.returncode == 0, done.stderr
    assert '"srv1"' in done.stderr
    assert '"srv2"' in done.stderr, "round robin: the second client meets the second server"
    assert "0% dropped" in done.stderr
    assert "from 10.0.2.2" in done.stderr
    assert f"vip 10.0.0.100{':80/tcp' if layer in ('l4', 'l7') else ''}  {layer} round-robin" in done.stderr


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    with become(request.param) as prefix:
        yield prefix


def test_a_whole_lab_leaves_the_machine_as_it_was(user: list[str]) -> None:
    before = outside()
    done = lab("shell", "--topology", "nat", "--clients", "2", commands=COMMANDS, prefix=user)
    assert done.returncode == 0, done.stderr
    assert "0% dropped" in done.stderr
    assert outside() == before


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_a_lab_killed_in_mid_flight_leaves_nothing(user: list[str], blow: signal.Signals) -> None:
    before = outside()
    process = subprocess.Popen([*user, *LAB, "shell", "--layer", "l7"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    while "Starting CLI" not in (line := process.stdout.readline()):
        assert line, "the lab ended before it was up"
    family = offspring(process.pid)
    assert any("l7proxy" in processes()[pid] for pid in family)
    os.kill(process.pid, blow)
    process.wait(30)
    process.stdin.close()
    process.stdout.close()
    wait_until(lambda: not family & set(processes()), f"{family} to be gone")
    assert outside() == before


def test_two_labs_run_at_once() -> None:
    pair = [subprocess.Popen([*LAB, "shell", "--layer", layer], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True) for layer in ("l3", "l4")]
    for process in pair:
        assert process.stdout is not None
        while "Starting CLI" not in (line := process.stdout.readline()):
            assert line, "the lab ended before it was up"
    for process in pair:  # both are up now
        output, _ = process.communicate(COMMANDS, timeout=60)
        assert process.returncode == 0
        assert "0% dropped" in output
        assert '"srv1"' in output


def test_compare_writes_one_envelope(tmp_path: Path) -> None:
    done = lab("compare", "--quick", "--requests", "1", "--clients", "3", "--seed", "5",
               "--json", str(tmp_path / "found.json"), "--report", str(tmp_path / "report"))
    tables = ["ladder", "distinguish", "cost", "crowd", "verdicts"]
    found = json.loads((tmp_path / "found.json").read_text())
    kept = all(row["packets_delivered"] == row["packets_sent"] for row in found["tables"]["crowd"])
    calm = kept and not cost.contradictions(found["tables"]["cost"])  # a busy machine may have either otherwise
    assert done.returncode == (0 if calm else 1), done.stdout + done.stderr
    assert list(found) == ["name", "seed", "environment", "tables"]
    assert (found["name"], found["seed"]) == ("compare", 5)
    assert {"datapath", "framework", "ovs", "cores"} <= set(found["environment"])
    columns = ["layer", "situation", "requests", "units", "share", "servers_used", "jain"]
    assert [list(row) for row in found["tables"]["ladder"]] == [columns] * 16
    assert list(found["tables"]) == tables
    names = {"compare.json", "compare.html", *(f"compare.{table}.csv" for table in tables)}
    assert {path.name for path in (tmp_path / "report").iterdir()} == names
    page = re.sub(r"<[^>]+>", "", (tmp_path / "report" / "compare.html").read_text())
    assert "./lab compare --clients 3 --requests 1 --quick --seed 5" in page
    assert "The triangle" in done.stdout
    assert "requests to l7" in done.stderr, "progress where there is no terminal"


@pytest.mark.parametrize(("words", "saw", "helps"), [
    ("shel", "there is no command 'shel'", "shell"),
    ("shell --layer l5", "there is no layer 'l5'", "l7"),
    ("shell --topology flatt", "there is no topology 'flatt'", "flat"),
    ("shell --topology campus", "nothing is balanced on campus", "mn --custom topologies/campus.py"),
    ("shell --algorithm robin", "there is no algorithm 'robin'", "round-robin"),
    ("shell --clients 0", "0 clients", "from 1 to 250"),
    ("shell --clients 251", "251 clients", "from 1 to 250"),
    ("shell --servers -1", "-1 servers", "from 1 to 250"),
    ("shell --servers many", "'many' is not a valid integer", "shell --help"),
    ("shell --weights -1,1,1", "weight is -1", "from 0 to 65535"),
    ("shell --weights heavy", "--weights is 'heavy'", "--weights 5,1,1"),
    ("shell --weights 1,2", "2 weights for 3 servers", "one weight a server"),
    ("shell --workers 0", "workers is 0", "1 or more"),
    ("shell --service-time -1", "service-time is -1", "from 0 to"),
    ("run comare", "there is no experiment 'comare'", "compare"),
    ("compare --clients 250", "250 clients", "from 1 to 249"),
    ("compare --requests 0", "0 requests", "at least 1"),
    ("compare --servers 0", "0 servers", "from 1 to 250"),
    ("compare --quik", "'--quik'", "--quick"),
    ("compare --json /nowhere/x.json", "there is no folder /nowhere", "mkdir -p /nowhere"),
])
def test_a_wrong_word_is_answered_before_anything_is_built(words: str, saw: str, helps: str) -> None:
    done = lab(*words.split())
    assert done.returncode == 2
    assert saw in done.stderr
    assert helps in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["--help", "compare --help", "run --help", "shell --help", "list --help",
                                   "doctor --help", "test --help", "setup --help", "pool --help"])
def test_help_is_everywhere(words: str) -> None:
    done = lab(*words.split())
    assert done.returncode == 0
    assert "Usage: ./lab" in done.stdout


def test_the_lists_are_the_rooms_own() -> None:
    found = json.loads(lab("list", "--json").stdout)
    assert [row["name"] for row in found["layers"]] == ["l2", "l3", "l4", "l7"]
    assert [row["name"] for row in found["topologies"]] == ["flat", "routed", "nat", "campus"]
    assert "srv1 10.0.2.1" in found["topologies"][0]["plan"]
    assert all(row["what it is for"] for row in found["algorithms"])
    assert "compare" in [row["name"] for row in found["experiments"]]


def test_ctrl_c_ends_it_cleanly() -> None:
    process = subprocess.Popen([*LAB, "compare"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    assert process.stderr is not None
    while "requests to l2" not in (line := process.stderr.readline()):
        assert line, "it ended before there was traffic"
    family = offspring(process.pid)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group
    output = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in output
    assert "Traceback" not in output
    wait_until(lambda: not family & set(processes()), f"{family} to be gone")
