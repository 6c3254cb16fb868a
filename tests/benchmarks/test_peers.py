"""Peers: what can't be had says why; and all are set up so that they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import peers_install, peers_setup
from benchmarks.peers import LOAD, OURS, PEERS, Peer
from benchmarks.peers_install import Found, install, unpacked
from benchmarks.peers_setup import SETUPS, Setting


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is installed where peers are."""
    monkeypatch.setattr(peers_install, "folder", lambda: tmp_path / "peers")


def test_every_peer_comes_from_one_place_and_has_a_setup() -> None:
    assert set(SETUPS) == {OURS, *PEERS}
    for peer in (*PEERS.values(), LOAD):
        assert bool(peer.debian) != bool(peer.pypi)


def test_none_is_a_dependency_of_the_lab() -> None:
    lists = "".join(path.read_text() for path in Path(peers_install.__file__).parents[1].glob("requirements/*.txt"))
    for peer in PEERS.values():
        assert peer.name not in lists


def test_what_the_machine_has_is_used_as_it_is() -> None:
    found = install([Peer("python", "python3", debian=("python3",))])["python"]
    assert found.why_not == ""
    assert Path(found.command[0]).name == "python3"
    assert found.version[:2] == "3."


def test_without_apt_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = install([Peer("nobody", "no-such-program", debian=("no-such-package",))])["nobody"]
    assert found.command == ()
    assert found.why_not == "not installed: there is no apt here, so this is neither Debian nor Ubuntu"


def test_what_pip_can_not_install_says_why_and_leaves_no_stamp(tmp_path: Path) -> None:
    found = install([Peer("nobody", "python", pypi=(str(tmp_path / "nowhere"),))])["nobody"]
    assert found.command == ()
    assert "nowhere" in found.why_not
    assert not (tmp_path / "peers/nobody/stamp").exists()


def test_a_program_that_does_not_start_is_not_here() -> None:
    found = install([Peer("mute", "false", debian=("coreutils",), asks=())])["mute"]
    assert found.why_not == "not installed: mute does not start: exit code 1"


def test_a_venv_with_its_stamp_is_not_made_again(tmp_path: Path) -> None:
    peer = Peer("snake", "python", pypi=("snake>=1",))
    binaries = tmp_path / "peers/snake/bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    (tmp_path / "peers/snake/stamp").write_text(f"{sys.version_info[:2]} {peer.pypi}")
    assert install([peer])["snake"].command == (str(binaries / "python"),)


def test_an_unpacked_program_finds_its_libraries(tmp_path: Path) -> None:
    for name in ("usr/sbin/thing", "usr/lib/any-linux/libthing.so.1", "usr/lib/any-linux/deep/libmore.so"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    libraries = f"{tmp_path}/usr/lib/any-linux:{tmp_path}/usr/lib/any-linux/deep"
    assert unpacked("thing", tmp_path) == ("env", f"LD_LIBRARY_PATH={libraries}", f"{tmp_path}/usr/sbin/thing")
    assert unpacked("other", tmp_path) == ()


@pytest.mark.parametrize("cache", [False, True])
@pytest.mark.parametrize("name", ["nginx", "HAProxy"])
def test_its_own_check_finds_nothing_wrong(name: str, cache: bool, tmp_path: Path) -> None:
    peer = PEERS[name]
    if not peers_install.is_here(peer):
        pytest.skip(f"{name} is not here")
    command = peers_setup.command(install([peer])[name], Setting(tmp_path, cache=cache))
    done = subprocess.run([*command, "-t" if name == "nginx" else "-c"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ours_finds_nothing_wrong_in_its_own(tmp_path: Path) -> None:
    command = peers_setup.command(Found(Peer(OURS, "python")), Setting(tmp_path, cache=True))
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "group=beta" in done.stdout, "the table of routes is there"
