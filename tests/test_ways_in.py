"""docs/ways-in.md: its commands, run as they stand there, each in a capsule of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from balancing import Service
from experiments.services import service
from topologies import TOPOLOGIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "ways-in.md").read_text()
LAYERS = ("l2", "l3", "l4")  # of examples/services.json, in its order
OF_DEBIAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ.get("HOME", "/")}  # as sudo has it
OF_THE_VENV = OF_DEBIAN | {"PATH": f"{Path(sys.executable).parent}:{OF_DEBIAN['PATH']}"}


def blocks(section: str, kind: str) -> list[str]:
    """The fenced blocks of one kind in a section of the page."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    fenced = re.findall(r"^```(\w*)\n(.+?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for its_kind, block in fenced if its_kind == kind]


def words(line: str) -> list[str]:
    """A command line of the page, without sudo; assignments before it go to env."""
    return ["env", *shlex.split(line.removeprefix("sudo ").replace("$PATH", OF_THE_VENV["PATH"]))]


def mn(line: str, folder: Path = ROOT, typed: str = "") -> str:
    """Run Mininet's own command, and what is typed at its prompt; what it printed.

    Not before there is a prompt: until then, what starts in a host would read it.
    """
    with subprocess.Popen(words(line), cwd=folder, env=OF_DEBIAN, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:  # fmt: skip
        assert process.stdout
        output = ""
        while typed and not output.endswith("mininet> ") and (character := process.stdout.read(1)):
            output += character
        output += process.communicate(typed, timeout=60)[0]
    assert "Caught exception" not in output, output
    return output


def reached(output: str, topology: str, clients: int, servers: int) -> bool:
    """Everybody everybody; in `campus` the clients and the proxy each other, the servers each other, it all of them."""
    hosts = clients + servers + 1 + (topology in ("routed", "nat"))
    pairs = wanted = hosts * (hosts - 1)
    if topology == "campus":
        wanted = clients * (clients + 1) + servers * servers
    return f"% dropped ({wanted}/{pairs} received)" in output


MN = dict(zip(TOPOLOGIES, "".join(blocks("Mininet's mn", "sh")).splitlines(), strict=True))
SIZES = {"flat": (12, 3)}  # clients and servers; the others' are on the page


@pytest.mark.live
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_mn_takes_a_topology(topology: str) -> None:
    output = mn(MN[topology])
    assert reached(output, topology, *SIZES.get(topology, (3, 2))), output


@pytest.mark.live
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_from_anywhere_with_a_switch_of_mininets(topology: str, tmp_path: Path) -> None:
    """A file's own default is not in the way, and the file finds its package wherever it is called from."""
    output = mn(f"mn --custom {ROOT}/topologies/{topology}.py --topo {topology},clients=1,servers=1 --test pingall"
                " --switch ovs,datapath=user,failMode=standalone --controller none", tmp_path)
    assert reached(output, topology, 1, 1), output


@pytest.mark.live
@pytest.mark.skipif(not find_spec("ryu"), reason="Ryu is not installed")
@pytest.mark.parametrize("layer", LAYERS)
def test_a_vip_by_hand_with_ryus_runner(layer: str) -> None:
    runner, network = (block.strip() for block in blocks("A VIP by hand, with Ryu's runner", "sh"))
    (prompt,) = blocks("A VIP by hand, with Ryu's runner", "")
    vip = f"10.0.0.{100 + LAYERS.index(layer)}"
    assert f"`controller/{layer}.py`" in PAGE or layer == "l3"
    typed = prompt.replace("mininet> ", "").replace("10.0.0.101", vip)
    with subprocess.Popen(words(runner.replace("l3.py", f"{layer}.py")), cwd=ROOT, env=OF_THE_VENV,
                          stderr=subprocess.DEVNULL) as controller:
        output = mn(network, typed=typed)
        controller.terminate()
    assert re.findall(r'"server": "(\w+)"', output) == ["srv1", "srv2", "srv3", "srv1"], output
    assert f"nw_dst={vip}" in output


def test_the_example_is_what_the_lab_itself_would_make() -> None:
    forms = json.loads((ROOT / "examples" / "services.json").read_text())
    made = [service(layer, number) for number, layer in enumerate(LAYERS)]
    assert [Service.from_json(form) for form in forms] == made


def test_pytest_from_the_root() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    done = subprocess.run([*command, "--collect-only"], cwd=ROOT, env=env, text=True, capture_output=True, check=True)
    assert done.stdout.count("::") > 500
    done = subprocess.run([*command, "tests/balancing", "-m", "not live", "-k", "claims"], cwd=ROOT, env=env, text=True,
                          capture_output=True)
    assert re.search(r"^\d\d passed", done.stdout, re.MULTILINE), done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.skipif(not shutil.which("vagrant"), reason="Vagrant is not installed")
def test_the_vagrantfile_is_valid(tmp_path: Path) -> None:
    """With the libvirt provider where it is installed; without any provider Vagrant can't judge their blocks."""
    env = os.environ | {"VAGRANT_CWD": str(ROOT), "VAGRANT_HOME": str(tmp_path / "home"),
                        "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot")}

    def vagrant(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["vagrant", *words], text=True, capture_output=True, cwd=tmp_path, env=env)

    provider = "vagrant-libvirt" in vagrant("plugin", "list").stdout
    done = vagrant("validate", *([] if provider else ["--ignore-provider"]))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dev_container_is_given_what_the_page_gives() -> None:
    given = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    (docker,) = blocks("A container", "")
    run = shlex.split(docker.splitlines()[1])
    assert given["runArgs"] == [word for word in run if word.startswith(("--cap", "--sec", "--dev"))]
    assert all(f"| `{word}` |" in PAGE for word in given["runArgs"])
    assert (ROOT / ".devcontainer" / given["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
