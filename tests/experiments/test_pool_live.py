"""`./lab pool` on labs that really run: from inside and outside, side by side, and by somebody else.

Each test has a capsule of its own, so that the labs it starts are all that there is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from balancing import LAYERS
from tests.outside import USERS, become, wait_until
from tests.shells import LAB, shell

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parents[2]


def pool(*words: str, prefix: Sequence[str] = (), code: int = 0) -> str:
    """What a command says that exits with this code; errors where it is not 0."""
    done = subprocess.run([*prefix, *LAB, "pool", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else done.stdout


def servers(*words: str) -> dict[str, dict[str, Any]]:
    """The first service's servers, by name, as the API has them."""
    found = json.loads(pool("show", "--json", *words))
    return {server["name"]: server for server in found[0]["servers"]}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_command_changes_a_running_lab(layer: str) -> None:
    with shell("--layer", layer, "--clients", "3") as lab:
        assert set(servers()) == {"srv1", "srv2", "srv3"}
        pool("weight", "srv1", "3")
        assert servers()["srv1"]["weight"] == 3
        pool("drain", "srv1")
        assert servers()["srv1"]["state"] == "draining"
        answers = "".join(lab.typed(f"{client} curl -s http://vip/") for client in ("h1", "h2"))
        assert '"srv2"' in answers
        assert '"srv3"' in answers, "round robin, without the one that drains"
        pool("undrain", "srv1")
        assert servers()["srv1"]["state"] == "up"
        pool("remove", "srv3", "--now")
        assert set(servers()) == {"srv1", "srv2"}
        pool("add", "srv3", "--weight", "2")
        assert servers()["srv3"]["weight"] == 2
        pool("algorithm", "least-connections")
        assert {form["algorithm"] for form in json.loads(pool("show", "--json"))} == {"least-connections"}
        wait_until(lambda: all(server["response_ms"] for server in servers().values()), "all to be tested")
        assert {server["state"] for server in servers().values()} == {"up"}


@pytest.mark.parametrize("user", USERS)
def test_whoever_started_it_operates_it(user: str) -> None:
    """Without root, too: in a user namespace, where he is root himself."""
    with become(user) as prefix, shell("--layer", "l3", prefix=prefix) as lab:
        assert "weight of srv1 is 4" in pool("weight", "srv1", "4", prefix=prefix)
        assert "weight of srv1 is 5, and was 4" in lab.typed(f"sh {' '.join(LAB)} pool weight srv1 5")
        assert f"{lab.id}   flat" in pool("labs", prefix=prefix)


def test_inside_it_is_the_same_lab() -> None:
    """At the prompt, and in a host, which has a network of its own: a Unix socket needs none."""
    with shell("--layer", "l3") as lab:
        command = " ".join([*LAB, "pool"])
        assert json.loads(lab.typed(f"sh {command} show --json --lab {lab.id}"))[0]["service"] == "l3"
        assert "algorithm is maglev" in lab.typed(f"h1 {command} algorithm maglev")
        assert "weight of srv2 is 5" in lab.typed(f"sh {command} weight srv2 5")
        assert servers()["srv2"]["weight"] == 5
        inside, outside = lab.typed(f"sh {command} labs"), pool("labs")
        assert f"{lab.id}   flat" in inside
        assert f"{lab.id}   flat" in outside
        assert " /run/lab/flat1" in inside
        assert "/root/run/lab/flat1" in outside


def test_the_lab_command_works_inside(tmp_path: Path) -> None:
    """`./lab` itself, with a venv that stands in for the one that it would make."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (venv / "bin/python").chmod(0o755)
    wanted = subprocess.run(["bash", "-c", ". ./lab; wanted"], cwd=ROOT, capture_output=True, check=True)
    (venv / "stamp").write_bytes(wanted.stdout)
    done = subprocess.run([ROOT / "lab", "shell", "--layer", "l2"], input="sh ./lab pool show\n", cwd=ROOT, text=True,
                          capture_output=True, timeout=100, env=os.environ | {"LAYER_LAB_VENV": str(venv)})
    assert done.returncode == 0, done.stderr
    assert "l2: vip 10.0.0.100, l2 round-robin (reactive)" in done.stdout + done.stderr


def test_of_two_labs_one_is_named_and_one_that_is_killed_is_gone() -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(shell("--layer", layer)) for layer in ("l2", "l3"))
        said = pool("show", code=2)
        assert f"{first.id} (flat: l2)" in said
        assert f"{second.id} (flat: l3)" in said
        assert "--lab" in said
        pool("drain", "srv1", "--lab", str(second.id))
        assert servers("--lab", str(second.id))["srv1"]["state"] == "draining"
        assert servers("--lab", str(first.id))["srv1"]["state"] == "up"
        assert "there is no lab 1" in pool("show", "--lab", "1", code=2)
        os.kill(first.id, signal.SIGKILL)
        wait_until(lambda: f"{first.id}   flat" not in pool("labs"), "the killed one to be gone")
        assert pool("show").startswith("l3: "), "the other one needs no name any more"


@pytest.mark.skipif(Path("/proc/self/uid_map").read_text().split()[2] == "1", reason="only root can be somebody else")
def test_somebody_else_can_neither_find_nor_open_a_lab() -> None:
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with shell("--layer", "l2"):
        socket = pool("labs").splitlines()[4].split()[-1] + "/controller.sock"
        connect = ("import socket, sys\ntry: socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
                   "except OSError as error: sys.exit(error.errno)")
        assert subprocess.run([sys.executable, "-c", connect, socket]).returncode == 0
        assert subprocess.run([*nobody, sys.executable, "-c", connect, socket]).returncode == 13, "EACCES"
        assert "no lab of yours runs" in pool("show", prefix=nobody, code=2)
        assert pool("labs", prefix=nobody) == "labs: no rows\n"


def test_waiting_for_a_server_to_drain_ends_when_its_last_connection_does() -> None:
    with shell("--layer", "l4") as lab:
        lab.typed("h1 exec 3<>/dev/tcp/vip/80")  # h1's own shell opens a connection, and keeps it
        assert servers()["srv1"]["active"] == 1
        assert "srv1 still has 1 unit" in pool("remove", "srv1", "--service", "l4", code=2)
        wait = [*LAB, "pool", "drain", "srv1", "--wait", "--service", "l4"]
        with subprocess.Popen(wait, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "srv1: 1 unit left in l4\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            assert process.returncode == 130
            assert errors == "lab: srv1 goes on draining (./lab pool undrain srv1 takes that back)\n"
        assert servers()["srv1"]["state"] == "draining"
        with subprocess.Popen(wait, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "srv1: 1 unit left in l4\n"
            lab.typed("h1 exec 3>&-")
            output, _ = process.communicate(timeout=60)
            assert process.returncode == 0
            assert output.endswith("srv1 is drained: no unit is left on it\n")
        pool("remove", "srv1", "--service", "l4")
        assert set(servers()) == {"srv2", "srv3"}
