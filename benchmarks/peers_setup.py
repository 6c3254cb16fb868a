"""How each proxy is set up and started, ours among them: as one would run it, and none worse than it could be.

What all have alike: one backend, kept connections on both sides without a bound on requests, a worker of one thread.
What is chosen in a peer's favour, so that no ratio flatters us:

    nginx                   writes its access log in pieces of 64 KiB (as a setting that is off by default allows)
    HAProxy                 option httplog, to a file
    the three in Python     write no access log at all
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from balancing import Backend, HealthCheck, Service
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
    (folder / "backend.conf").write_text(_BACKEND.format(
        folder=folder, workers=workers, most=most_open(), listen=f"{ADDRESS}:{BACKEND_PORT}", end=WITHOUT_END,
        small="layer lab " * (SMALL // 10) + "lab\\n"))
    return [*found.command, "-p", str(folder), "-e", str(folder / "backend.log"), "-c", str(folder / "backend.conf")]


def command(found: Found, setting: Setting) -> list[str]:
    """The command that starts a proxy at PORT. Writes its files."""
    return SETUPS[found.peer.name](found, setting)


def _ours(found: Found, setting: Setting) -> list[str]:
    file = setting.folder / "services.json"
    file.write_text(json.dumps([Service(
        id=1, name="bench", vip=ADDRESS, layer="l7", port=PORT, algorithm="round-robin", health=HealthCheck(),  # type: ignore[arg-type]
        backends=(Backend(1, "srv1", ADDRESS, port=BACKEND_PORT),)).to_json()]))  # type: ignore[arg-type]
    return [sys.executable, "-P", "-m", "l7proxy", "--services", str(file), "--listen", f"{ADDRESS}:{PORT}",
            "--access-log", str(setting.folder / "access.log")]


def _nginx(found: Found, setting: Setting) -> list[str]:
    folder = setting.folder
    (folder / "nginx.conf").write_text(_NGINX.format(
        folder=folder, most=most_open(), backend=f"{ADDRESS}:{BACKEND_PORT}", end=WITHOUT_END,
        listen=f"{ADDRESS}:{PORT}" + " ssl" * setting.tls, tls=_NGINX_TLS.format(folder=folder) * setting.tls,
        zone=_NGINX_ZONE.format(folder=folder) * setting.cache, cache=_NGINX_CACHE * setting.cache))
    return [*found.command, "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(folder / "nginx.conf")]


def _haproxy(found: Found, setting: Setting) -> list[str]:
    file = setting.folder / "haproxy.cfg"
    file.write_text(_HAPROXY.format(
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

_NGINX_MAIN = """
daemon off; user root; pid {folder}/nginx.pid; worker_rlimit_nofile {most};
events {{ worker_connections {most}; }}
"""

_BACKEND = _NGINX_MAIN.replace("nginx.pid", "backend.pid") + """
worker_processes {workers};
http {{
    access_log off; sendfile on; tcp_nopush on; default_type text/plain;
    keepalive_requests {end}; keepalive_timeout 3600s;
    client_body_temp_path {folder}/backend-body; proxy_temp_path {folder}/backend-proxy;
    server {{
        listen {listen} backlog=4096;
        location / {{ return 200 "{small}"; }}
        location = /large {{ alias {folder}/large; }}
        location = /cached {{ add_header Cache-Control "max-age=3600"; return 200 "{small}"; }}
    }}
}}
"""

_NGINX = _NGINX_MAIN + """
worker_processes 1;
http {{
    access_log {folder}/access.log combined buffer=64k flush=1s;
    sendfile on; tcp_nopush on;
    keepalive_requests {end}; keepalive_timeout 3600s;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    {zone}
    upstream backend {{ server {backend}; keepalive 128; keepalive_requests {end}; }}
    server {{
        listen {listen} backlog=4096;
        {tls}
        location / {{
            proxy_pass http://backend; proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            {cache}
        }}
    }}
}}
"""

_NGINX_TLS = "ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
_NGINX_ZONE = "proxy_cache_path {folder}/cache keys_zone=ram:10m;"  # the folder is on a tmpfs
_NGINX_CACHE = "proxy_cache ram;"

_HAPROXY = """
global
    nbthread 1
    maxconn {most}
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout http-keep-alive 1h
frontend front
    bind {listen} backlog 4096
    default_backend back
backend back
    server srv1 {backend} check pool-max-conn 128
"""
