"""The VM's provisioning on a Debian that has nothing: debootstrap makes a root, the Vagrantfile's own lines run in it.

What is tried: that apt and pip get everything with nothing there before, that it can be run twice, and that
user vagrant logs in where `./lab compare` works without sudo (there is none). What isn't: a boot, a kernel of
its own with its modules, udev, Vagrant itself and the box. The root has /dev/net/tun as Debian's udev leaves it.

Rules kept here:

1. The machine's own configuration of apt and pip is used, copied into the root when the test runs.
2. The machine is left alone: own mount and PID namespaces, no service starts, the checkout read-only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.outside import outside

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 600  # a command that takes longer hangs, and is killed with all that it started
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
MISSING = [why for missing, why in ((os.geteuid() != 0, "not root"),
                                    (not shutil.which("debootstrap"), "no debootstrap"),
                                    ("LAYER_LAB_FRESH" not in os.environ, "LAYER_LAB_FRESH is not set"))
           if missing]  # fmt: skip
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"takes two minutes; {', '.join(MISSING)}")

# As pid 1 of its namespaces: sh -c ENTER sh ROOT CHECKOUT COMMAND... Not chroot: in one, nobody gets a user namespace.
ENTER = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --bind "$2" "$1/vagrant" && mount -o remount,bind,ro "$1/vagrant"
cd "$1" && shift 2
mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t devpts -o ptmxmode=0666 devpts dev/pts
pivot_root . mnt && umount -l mnt
exec "$@"
"""


@pytest.fixture(scope="module")
def debian() -> Iterator[Path]:
    """The root of a minimal Debian 12, with this machine's way to the packages, and a user vagrant."""
    with tempfile.TemporaryDirectory(prefix="fresh-debian-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        run("debootstrap", "--variant=minbase", "bookworm", folder, mirror())
        configure(root)
        inside(root, "useradd --create-home --shell /bin/bash vagrant")
        yield root


def mirror() -> str:
    """Where this machine's apt gets Debian 12's main component."""
    targets = run("apt-get", "indextargets", "--format", "$(CODENAME) $(COMPONENT) $(SITE)", "Created-By: Packages")
    found = re.search("^bookworm main (.+)$", targets, re.MULTILINE)
    return found[1] if found else pytest.skip("this machine's apt has no Debian 12")


def configure(root: Path) -> None:
    """Give the root what a VM has from its box and its host: the way to the packages, names, and a tun device."""
    shutil.copytree("/etc/apt", root / "etc/apt", dirs_exist_ok=True, ignore=shutil.ignore_patterns("apt.conf.d"))
    (root / "etc/apt/apt.conf.d/00machine").write_text(run("apt-config", "dump", "Acquire"))
    for file in ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf"):
        if Path(file).exists():
            shutil.copy(file, root / file[1:])
    if Path(CERTIFICATES).exists():
        shutil.copy(CERTIFICATES, root / "etc/ssl-of-the-machine.crt")
    script(root / "usr/sbin/policy-rc.d", "exit 101")  # invoke-rc.d(8): no service starts
    (root / "dev/net").mkdir()
    os.mknod(root / "dev/net/tun", 0o020666, os.makedev(10, 200))
    (root / "dev/net/tun").chmod(0o666)
    (root / "vagrant").mkdir()


def script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def run(*command: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, env=env)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def inside(root: Path, lines: str) -> str:
    """Run shell lines in the root as its root; what they said."""
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    if (root / "etc/ssl-of-the-machine.crt").exists():
        pip["PIP_CERT"] = "/etc/ssl-of-the-machine.crt"
    return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", str(root), str(ROOT),
               "sh", "-e", "-c", lines, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **pip})


def provisioning() -> str:
    """The lines that the Vagrantfile has run in the VM, in their order."""
    text = (ROOT / "Vagrantfile").read_text()
    found = re.findall(r'inline: (?:"(.+?)"|<<~SHELL\n(.+?)\n +SHELL)', text, re.DOTALL)
    assert len(found) == text.count("config.vm.provision ")
    return "\n".join(line or block for line, block in found).replace("#{checkout}", "/vagrant")


def test_vagrant_logs_in_where_the_lab_works_without_sudo(debian: Path) -> None:
    before = {name: value for name, value in outside().items() if name == "links" or name.startswith("/proc/sys")}
    first = inside(debian, provisioning())
    assert "lab: installed" in first
    assert "installed" not in inside(debian, provisioning()), "the second time there is nothing to do"
    words = inside(debian, "su --login vagrant --command 'pwd; id -un; type sudo || ./lab compare --quick'")
    assert words.startswith("/vagrant\nvagrant\n")
    assert before.items() <= outside().items()
