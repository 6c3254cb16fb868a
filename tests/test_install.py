"""The way in: `./lab` and the packaging.

What `./lab` would do to a machine is done to stand-ins: `apt-get`, `dpkg-query` and Python are small scripts that
write down what they were asked. Only the last test builds the real package.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOBODY = 65534
SAYS_WHO_IT_IS = "import json, os, sys; print(json.dumps([sys.argv[1:], os.getcwd(), os.getpid()]))"
INSTALLED = 'for name; do :; done; case " $LACKING " in *" $name "*) exit 1;; esac; printf installed'
# Stands in for /usr/bin/python3: its venvs hold a Python that only writes down what it is told.
MAKES_A_VENV = """
for venv; do :; done
mkdir -p "$venv/bin"
cp "$SHIMS/pip" "$venv/bin/python"
sleep 0.3
"""


@dataclass
class Machine:
    """A checkout in a folder with a space, a venv's place, and the commands that stand in for the real ones."""

    folder: Path

    @property
    def checkout(self) -> Path:
        return self.folder / "a checkout"

    @property
    def venv(self) -> Path:
        return self.folder / "data" / "a venv"

    def has(self, name: str, script: str = "") -> Path:
        """Put a command before the real ones: it logs its words, then runs the script."""
        path = self.folder / "shims" / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"$LOG"\n{script}\n')
        path.chmod(0o755)
        return path

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def env(self, **more: str) -> dict[str, str]:
        shims = self.folder / "shims"
        return os.environ | {"PATH": f"{shims}:{os.environ['PATH']}", "SHIMS": str(shims), "HOME": str(self.folder),
                             "LOG": str(self.folder / "log"), "LAYER_LAB_VENV": str(self.venv), **more}  # fmt: skip

    def lab(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.checkout / "lab", *words], env=self.env(**more), text=True, capture_output=True)

    def inside(self, script: str, *prefix: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run lines with the functions of `./lab` at hand, where python= is what stands in for it."""
        lines = f'. "{self.checkout}/lab"; python="{self.folder}/shims/python3.11"; venv="{self.venv}"; {script}'
        return subprocess.run([*prefix, "bash", "-c", lines], env=self.env(**more), text=True, capture_output=True)

    def stamp(self) -> None:
        """Make the venv look as if this checkout had made it."""
        (self.venv / "bin").mkdir(parents=True, exist_ok=True)
        wanted = subprocess.run(["bash", "-c", '. "$0/lab"; wanted', self.checkout], capture_output=True, check=True)
        (self.venv / "stamp").write_bytes(wanted.stdout)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path: an ordinary user must get into it
        it = Machine(Path(folder))
        it.folder.chmod(0o777)
        (it.folder / "shims").mkdir()
        shutil.copytree(ROOT / "requirements", it.checkout / "requirements")
        shutil.copy(ROOT / "lab", it.checkout)
        (it.checkout / "experiments").mkdir()
        (it.checkout / "experiments" / "__init__.py").touch()  # else another checkout in PYTHONPATH comes first
        (it.checkout / "experiments" / "__main__.py").write_text(SAYS_WHO_IT_IS)
        it.has("dpkg-query", INSTALLED)
        it.has("apt-get", 'case "$*" in *$APT_FAILS*) exit 100;; esac')
        it.has("sudo", '"$@"')
        it.has("pip", 'exit "$PIP_FAILS"')
        it.has("python3.11", MAKES_A_VENV)
        it.has("python3.12", MAKES_A_VENV)
        yield it


@pytest.fixture
def installed(machine: Machine) -> Machine:
    machine.stamp()
    (machine.venv / "bin" / "python").symlink_to("/usr/bin/python3")
    return machine


# --- once installed ----------------------------------------------------------------------------------------------


def test_the_pid_that_was_started_is_the_lab_and_words_and_folder_are_the_users(
    installed: Machine, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(installed.checkout / "lab")
    started = subprocess.Popen([tmp_path / "link", "run", "two words"], env=installed.env(), cwd=tmp_path,
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert json.loads(started.communicate()[0]) == [["run", "two words"], str(tmp_path), started.pid]


def test_a_module_of_the_users_folder_does_not_get_in(installed: Machine, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('wrong json')")
    done = subprocess.run([installed.checkout / "lab"], env=installed.env(), cwd=tmp_path, capture_output=True)
    assert done.returncode == 0


def test_the_second_time_nothing_is_asked_or_installed(installed: Machine) -> None:
    done = installed.lab("setup")
    assert (done.returncode, done.stdout, done.stderr, installed.log()) == (0, "", "", [])


def test_the_second_time_is_quick(installed: Machine) -> None:
    def once() -> float:
        began = time.perf_counter()
        installed.lab("setup")
        return time.perf_counter() - began

    assert min(once() for _ in range(5)) < 0.15  # about 20 ms on an idle machine


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has somebody else's checkout")
def test_root_leaves_no_bytecode_in_somebody_elses_checkout(installed: Machine) -> None:
    (installed.checkout / "experiments" / "__main__.py").write_text("import experiments.extra")
    (installed.checkout / "experiments" / "extra.py").touch()
    os.chown(installed.checkout, NOBODY, NOBODY)
    assert installed.lab().returncode == 0
    assert not list(installed.checkout.rglob("__pycache__"))


@pytest.mark.parametrize("words", [["setup", "--help"], ["test", "-h"]])
def test_help_needs_no_installation(machine: Machine, words: list[str]) -> None:
    done = machine.lab(*words)
    assert done.returncode == 0
    assert "./lab setup" in done.stdout
    assert machine.log() == []


def test_setup_takes_no_words(machine: Machine) -> None:
    done = machine.lab("setup", "everything")
    assert done.returncode == 2
    assert "everything" in done.stderr


@pytest.mark.parametrize(("lacking", "asked"), [("", []), ("chromium", ["chromium"])])
def test_a_browser_is_installed_on_request_and_if_there_is_none(installed: Machine, lacking: str,
                                                                asked: list[str]) -> None:
    done = installed.lab("setup", "--browser", LACKING=lacking, APT_FAILS="none")
    assert done.returncode == 0
    assert [line.split()[-1] for line in installed.log() if "--yes" in line] == asked


# --- Debian's packages -------------------------------------------------------------------------------------------


def test_only_what_is_missing_is_installed_and_the_command_is_said(machine: Machine) -> None:
    done = machine.inside("install_packages", LACKING="nftables tcpdump", APT_FAILS="none")
    asked, install = [line for line in machine.log() if line.startswith("apt-get")]
    assert asked == "apt-get install --simulate nftables tcpdump"
    assert install.endswith("install --yes --no-install-recommends nftables tcpdump")
    assert f"env DEBIAN_FRONTEND=noninteractive {install}" in done.stderr


def test_apts_lists_are_renewed_only_where_they_do_not_know_a_package(machine: Machine) -> None:
    machine.inside("install_packages", LACKING="curl", APT_FAILS="simulate")
    assert [line.split()[-1] for line in machine.log() if line.startswith("apt-get")] == ["curl", "update", "curl"]


def test_packages_that_are_there_are_left_alone(machine: Machine) -> None:
    machine.inside("install_packages", LACKING="", APT_FAILS="none")
    assert not [line for line in machine.log() if line.startswith("apt-get")]


def test_an_ordinary_user_goes_through_sudo(machine: Machine) -> None:
    (machine.folder / "log").touch()
    (machine.folder / "log").chmod(0o666)
    drop = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    machine.inside("install_packages", *drop, LACKING="mininet", APT_FAILS="none")
    assert [line.split()[0] for line in machine.log()][-2:] == ["sudo", "apt-get"]


def test_a_package_that_cannot_be_had_ends_it_with_what_to_type(machine: Machine) -> None:
    done = machine.inside("install_packages", LACKING="mininet", APT_FAILS="install")
    assert done.returncode == 2
    assert "apt-get install --no-install-recommends mininet" in done.stderr


def test_without_apt_the_packages_are_named(machine: Machine) -> None:
    done = machine.inside("PATH=/nowhere; install_packages")
    assert done.returncode == 2
    assert "openvswitch-switch" in done.stderr


# --- Python's packages -------------------------------------------------------------------------------------------


def setup(machine: Machine, script: str = "", pip_fails: int = 0) -> subprocess.CompletedProcess[str]:
    return machine.inside(f"{script} setup", LACKING="", PIP_FAILS=str(pip_fails))


def pip_words(machine: Machine) -> list[str]:
    return [line for line in machine.log() if line.startswith("pip ") and "compiled" not in line]


def test_a_venv_is_made_and_stamped_and_then_left_alone(machine: Machine) -> None:
    assert setup(machine).returncode == 0
    assert (machine.venv / "stamp").read_text().startswith(str(machine.folder / "shims" / "python3.11"))
    *_, lists, ryu = pip_words(machine)
    assert "lab.txt" in lists
    assert "test.txt" in lists
    assert "--no-build-isolation --no-use-pep517" in ryu
    assert ryu.endswith("ryu.txt")
    assert "l7proxy.compiled" in machine.log()[-1], "where there is a compiler, the proxy is compiled"
    before = machine.log()
    assert setup(machine).stderr == ""
    assert machine.log() == before


def test_a_new_requirement_is_installed_into_the_venv_that_is_there(machine: Machine) -> None:
    setup(machine)
    (machine.venv / "kept").touch()
    (machine.checkout / "requirements" / "lab.txt").write_text("something-new\n")
    setup(machine)
    assert (machine.venv / "kept").exists()
    assert "something-new" in (machine.venv / "stamp").read_text()


def test_an_interrupted_install_is_not_used_and_begins_anew(machine: Machine) -> None:
    done = setup(machine, pip_fails=1)
    assert done.returncode == 2
    assert "try: look at the network" in done.stderr
    assert not (machine.venv / "stamp").exists()
    (machine.venv / "half a package").touch()
    assert setup(machine).returncode == 0
    assert not (machine.venv / "half a package").exists()


def test_a_folder_of_the_users_own_is_never_emptied(machine: Machine) -> None:
    machine.venv.mkdir(parents=True)
    (machine.venv / "thesis.tex").touch()
    setup(machine, pip_fails=1)
    setup(machine)
    assert (machine.venv / "thesis.tex").exists()


def test_another_python_gets_a_venv_of_its_own_and_os_ken_in_ryus_place(machine: Machine) -> None:
    setup(machine)
    (machine.venv / "of 3.11").touch()
    done = setup(machine, 'python="$SHIMS/python3.12";')
    assert not (machine.venv / "of 3.11").exists()
    assert "os-ken takes its place" in done.stderr
    assert pip_words(machine)[-1].endswith("os-ken.txt")
    assert "pep517" not in pip_words(machine)[-1]


def test_a_python_that_is_too_old_is_named(machine: Machine) -> None:
    machine.has("python3.10")
    done = setup(machine, 'python="$SHIMS/python3.10";')
    assert done.returncode == 2
    assert "python3.10" in done.stderr
    assert "3.11 or later" in done.stderr


def test_two_at_once_install_once(machine: Machine) -> None:
    lines = f'. "{machine.checkout}/lab"; python="$SHIMS/python3.11"; venv="{machine.venv}"; (setup) & (setup) & wait'
    done = subprocess.run(["bash", "-c", lines], env=machine.env(LACKING="", PIP_FAILS="0"), capture_output=True)
    assert b"waiting for it" in done.stderr
    assert len([line for line in machine.log() if line.startswith("python3.11 -m venv")]) == 1


# --- ./lab test --------------------------------------------------------------------------------------------------


@pytest.fixture
def tools(machine: Machine) -> Machine:
    """A venv whose ruff and Python write down what they are told, and fail where they are told to."""
    machine.stamp()
    python = 'case "$*" in *mypy*) exit $MYPY;; *pytest*) echo "7 passed"; exit $PYTEST;; esac'
    for name, script in {"ruff": "exit $RUFF", "python": python}.items():
        shutil.copy(machine.has(name, script), machine.venv / "bin" / name)
    return machine


@pytest.mark.parametrize(
    ("codes", "code", "failed"),
    [((0, 0, 0), 0, ""), ((0, 0, 5), 5, ""), ((1, 0, 0), 1, "ruff check"), ((1, 2, 1), 1, "ruff check mypy")],
)
def test_all_three_run_and_one_exit_code_says_how_it_went(
    tools: Machine, codes: tuple[int, int, int], code: int, failed: str
) -> None:
    done = tools.lab("test", **dict(zip(("RUFF", "MYPY", "PYTEST"), map(str, codes), strict=True)))
    assert done.returncode == code
    assert done.stdout.splitlines()[-1] == "7 passed"
    assert [line.split()[0] for line in tools.log()] == ["ruff", "python", "python"]
    assert (f"failed: {failed}" in done.stderr) == bool(failed)


MANY = "-n auto --dist worksteal"


@pytest.mark.parametrize(
    ("words", "handed_on"),
    [([], MANY), (["-n", "0", "-k", "a b"], "-n 0 -k a b"), (["tests/x.py", "-x"], f"{MANY} tests/x.py -x")],
)
def test_words_are_handed_to_pytest(tools: Machine, words: list[str], handed_on: str) -> None:
    tools.lab("test", *words, RUFF="0", MYPY="0", PYTEST="0")
    assert tools.log()[-1].endswith(f"/pytest {handed_on}")


# --- the package -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck here")
def test_the_scripts_are_clean() -> None:
    subprocess.run(["shellcheck", ROOT / "lab", ROOT / ".ci" / "run"], check=True)


@pytest.fixture(scope="module")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A venv of the user's own, which sees Debian's mininet, after `pip install -e .`."""
    folder = tmp_path_factory.mktemp("user")
    not_ours = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT, folder / "checkout", ignore=not_ours)
    make = [sys.executable, "-m", "venv", "--system-site-packages", "--without-pip"]
    subprocess.run([*make, folder / "venv"], check=True)
    sites = ":".join(path for path in sys.path if path.endswith("-packages"))  # where pip, setuptools and wheel are
    pip = [folder / "venv/bin/python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-e", folder / "checkout"], env=os.environ | {"PYTHONPATH": sites}, check=True)
    return folder / "venv"


def python_of(venv: Path, *words: str | Path) -> str:
    """What the venv's Python says, in a folder where nothing of ours lies."""
    done = subprocess.run([venv / "bin/python", *words], cwd=venv, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]})  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_pip_install_e_works_and_carries_the_lists(venv: Path) -> None:
    said = python_of(venv, "-P", "-c", "import balancing.service, layerlab, importlib.metadata as m;"
                                       "print(*m.requires('layer-lab'), sep='\\n')")  # fmt: skip
    listed = {line.split()[0].rstrip("<>=.0123456789,;"): "extra" in line for line in said.splitlines()}
    assert listed.items() >= {"httptools": False, "ryu": True, "os-ken": True, "pytest": True}.items()
    assert {"layer-lab", "lab-proxy"} <= {path.name for path in (venv / "bin").iterdir()}


@pytest.mark.live
def test_a_script_of_the_users_own_imports_the_topologies(venv: Path, tmp_path: Path) -> None:
    (script,) = re.findall(r"^```python\n(.+?)```", (ROOT / "docs/ways-in.md").read_text(), re.DOTALL | re.MULTILINE)
    (tmp_path / "my_lab.py").write_text(script)
    assert "0% dropped (12/12 received)" in python_of(venv, tmp_path / "my_lab.py")
