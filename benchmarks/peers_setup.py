"""How each proxy is set up and started, ours among them: as one would run it, and none worse than it could be.

What all have alike: one backend, kept connections on both sides without a bound on requests, a worker of one thread.
What is chosen in a peer's favour, so that no ratio flatters us:

    nginx                   writes its access log in pieces of 64 KiB (as a setting that is off by default allows)
    HAProxy                 option httplog, to a file
    the three in Python     write no access log at all
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import peers_files as files
from benchmarks.peers import OURS
from benchmarks.peers_install import Found

ADDRESS, PORT, BACKEND_PORT = "127.0.0.1", 8080, 8081
SMALL, LARGE = 1024, 1024 * 1024
WITHOUT_END = 1_000_000_000  # requests in one connection


@dataclass(frozen=True)
class Setting:
    """What a proxy is set up for. folder: for its files, on a tmpfs. tls, cache: whether it does these."""

    folder: Path
    tls: bool = False
    cache: bool = False


def most_open() -> int:
    """How many files a program may have open that is started from here."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def backend(found: Found, folder: Path, workers: int) -> list[str]:
    """The command that starts the backend: nginx, which answers from memory. Writes its files."""
    (folder / "large").write_bytes(os.urandom(LARGE))
    (folder / "backend.conf").write_text(files.BACKEND.format(
        folder=folder, workers=workers, most=most_open(), listen=f"{ADDRESS}:{BACKEND_PORT}", end=WITHOUT_END,
        small="layer lab " * (SMALL // 10) + "lab\\n"))
    return [*found.command, "-p", str(folder), "-e", str(folder / "backend.log"), "-c", str(folder / "backend.conf")]


def command(found: Found, setting: Setting) -> list[str]:
    """The command that starts a proxy at PORT. Writes its files."""
    return SETUPS[found.peer.name](found, setting)


def _ours(found: Found, setting: Setting) -> list[str]:
    folder = setting.folder
    (folder / "proxy.toml").write_text(files.OURS.format(
        folder=folder, listen=f"{ADDRESS}:{PORT}", backend=f"{ADDRESS}:{BACKEND_PORT}",
        tls=files.OURS_TLS.format(folder=folder) * setting.tls, cache=files.OURS_CACHE * setting.cache))
    return [sys.executable, "-P", "-m", "l7proxy", "reverse", "--config", str(folder / "proxy.toml")]


def _nginx(found: Found, setting: Setting) -> list[str]:
    folder = setting.folder
    (folder / "nginx.conf").write_text(files.NGINX.format(
        folder=folder, most=most_open(), backend=f"{ADDRESS}:{BACKEND_PORT}", end=WITHOUT_END,
        listen=f"{ADDRESS}:{PORT}" + " ssl" * setting.tls, tls=files.NGINX_TLS.format(folder=folder) * setting.tls,
        zone=files.NGINX_ZONE.format(folder=folder) * setting.cache, cache=files.NGINX_CACHE * setting.cache))
    return [*found.command, "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(folder / "nginx.conf")]


def _haproxy(found: Found, setting: Setting) -> list[str]:
    file = setting.folder / "haproxy.cfg"
    file.write_text(files.HAPROXY.format(
        most=most_open() // 2 - 100, backend=f"{ADDRESS}:{BACKEND_PORT}",
        listen=f"{ADDRESS}:{PORT}" + f" ssl crt {setting.folder}/both.pem" * setting.tls))
    return [*found.command, "-db", "-f", str(file)]


def _aiohttp(found: Found, setting: Setting) -> list[str]:
    return [*found.command, "-m", "benchmarks.peers_aiohttp", str(PORT), str(BACKEND_PORT)]


def _proxypy(found: Found, setting: Setting, plugin: str = "Everything", work: str = "--threaded") -> list[str]:
    return ["env", f"BACKEND_PORT={BACKEND_PORT}", f"HOME={setting.folder}", *found.command, "-m", "proxy",
            "--hostname", ADDRESS, "--port", str(PORT), "--num-workers", "1", "--num-acceptors", "1", work,
            "--log-level", "ERROR", "--data-dir", str(setting.folder), "--enable-reverse-proxy",
            "--disable-http-proxy", "--plugins", f"benchmarks.peers_proxypy.{plugin}"]


def _mitmproxy(found: Found, setting: Setting) -> list[str]:
    return [*found.command, "--quiet", "--mode", f"reverse:http://{ADDRESS}:{BACKEND_PORT}", "--listen-host", ADDRESS,
            "--listen-port", str(PORT), "--set", "flow_detail=0", "--set", f"confdir={setting.folder}"]


SETUPS: dict[str, Callable[[Found, Setting], list[str]]] = {
    OURS: _ours, "nginx": _nginx, "HAProxy": _haproxy, "aiohttp": _aiohttp, "proxy.py": _proxypy,
    "proxy.py, kept": partial(_proxypy, plugin="Kept", work="--threadless"), "mitmproxy": _mitmproxy}
