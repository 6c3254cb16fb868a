"""Peers are installed when the benchmark is run, beside the lab's venv, and nothing else of the machine is touched.

    .../layer-lab/venv              the lab's
    .../layer-lab/peers/aiohttp     a venv of its own for each that comes from PyPI; with a stamp, once it is whole
    .../layer-lab/peers/debian      Debian's packages, unpacked: installed, nginx would begin to serve on port 80

A program of Debian's that the machine has already is used as it is. What can't be had is no error: whoever asks gets
the reason, in words.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import Peer

PATIENCE_S = 600


@dataclass(frozen=True)
class Found:
    """A peer as it is here.

    command: what starts it, with no arguments yet. why_not: why it can't be measured; "" if it can.
    """

    peer: Peer
    command: tuple[str, ...] = ()
    version: str = ""
    why_not: str = ""


class _Refused(Exception):
    """Why a peer can't be had."""


def folder() -> Path:
    """Where the peers are: beside the lab's venv, or at home if that place is somebody else's."""
    beside = Path(sys.prefix).parent
    if sys.prefix != sys.base_prefix and os.access(beside, os.W_OK):
        return beside / "peers"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "layer-lab/peers"


def is_here(peer: Peer) -> bool:
    """Whether it could be had without installing anything."""
    place = folder()
    if peer.pypi:
        return (place / (peer.place or peer.name) / "stamp").exists()
    return bool(shutil.which(peer.program) or unpacked(peer.program, place / "debian"))


def install(peers: Iterable[Peer], say: Callable[[str], object] = lambda words: None) -> dict[str, Found]:
    """Find each peer here, or install it. By name; one at a time, whoever else installs."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return {peer.name: _install(peer, place, say) for peer in peers}


def _install(peer: Peer, place: Path, say: Callable[[str], object]) -> Found:
    try:
        command = _from_pypi(peer, place, say) if peer.pypi else _from_debian(peer, place, say)
        return Found(peer, command, _version(peer, command))
    except (_Refused, OSError) as error:
        return Found(peer, why_not=f"not installed: {error}")


def _from_pypi(peer: Peer, place: Path, say: Callable[[str], object]) -> tuple[str, ...]:
    """In a venv of its own, so that what one needs is in nobody's way."""
    venv, wanted = place / (peer.place or peer.name), f"{sys.version_info[:2]} {peer.pypi}"
    stamp = venv / "stamp"
    if not stamp.exists() or stamp.read_text() != wanted:
        say(f"installing {peer.name} in {venv}")
        shutil.rmtree(venv, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(venv))
        _run(str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.pypi)
        stamp.write_text(wanted)
    return (str(venv / "bin" / peer.program),)


def _from_debian(peer: Peer, place: Path, say: Callable[[str], object]) -> tuple[str, ...]:
    """As the machine has it, or else unpacked with all that it needs and the machine lacks."""
    if here := shutil.which(peer.program):
        return (here,)
    root = place / "debian"
    if not (command := unpacked(peer.program, root)):
        say(f"unpacking {' '.join(peer.debian)} in {root}")
        _unpack(peer.debian, root)
        command = unpacked(peer.program, root)
    if not command:
        raise _Refused(f"{' '.join(peer.debian)} has no program {peer.program}")
    return command


def unpacked(program: str, root: Path) -> tuple[str, ...]:
    """What starts a program of packages that were unpacked at `root`; () if it isn't there."""
    libraries = sorted({str(file.parent) for place in ("lib", "usr/lib") for file in (root / place).rglob("lib*.so*")})
    found = (("env", f"LD_LIBRARY_PATH={':'.join(libraries)}", str(root / place / program))
             for place in ("usr/sbin", "usr/bin") if (root / place / program).exists())
    return next(found, ())


def _unpack(packages: Sequence[str], root: Path) -> None:
    if not shutil.which("apt-get"):
        raise _Refused("there is no apt here, so this is neither Debian nor Ubuntu")
    archives = root / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    apt = ("apt-get", "-q", "-o", f"Dir::Cache::archives={archives}", "-o", "Debug::NoLocking=1")
    download = (*apt, "--download-only", "--yes", "--no-install-recommends", "install", *packages)
    try:
        _run(*download)
    except _Refused:  # its lists may be old, or not there; only root may renew them
        _run(*(("sudo", "-n") if os.geteuid() else ()), "apt-get", "-q", "update")
        _run(*download)
    for archive in archives.glob("*.deb"):
        _run("dpkg-deb", "-x", str(archive), str(root))


def _version(peer: Peer, command: Sequence[str]) -> str:
    """The first that looks like a version in what it says, whatever its exit code: wrk's is 1."""
    done = subprocess.run((*command, *peer.asks), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    if not found:
        raise _Refused(f"{peer.name} does not start: {_last_line(done.stderr) or f'exit code {done.returncode}'}")
    return found[0]


def _run(*command: str) -> None:
    """Raises _Refused with the last words of a command that fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PIP_USER": "0", "DEBIAN_FRONTEND": "noninteractive"}, check=False)
    except subprocess.TimeoutExpired:
        raise _Refused(f"{command[0]} took more than {PATIENCE_S} s") from None
    if done.returncode:
        raise _Refused(_last_line(done.stderr) or f"{command[0]} ended with exit code {done.returncode}")


def _last_line(words: str) -> str:
    lines = words.strip().splitlines()
    return lines[-1].strip() if lines else ""
