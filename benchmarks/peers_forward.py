"""How each forward proxy is set up and started, ours among them: as one would run it, and none worse than it could be.

What all have alike: one origin, found by its name in /etc/hosts; connections that are kept wherever it keeps any; a
worker of one thread where it has workers. What each is:

    ours        five rules, the guard, an access log; level transparent, so it says for whom it asks
    Squid       as many rules, native access log, buffered (off by default); -N: one process, which is its only worker
    tinyproxy   its log, at the level that has requests; it closes both connections after each request
    proxy.py, mitmproxy   no access log at all

Squid refuses to be root, so it is nobody in a user namespace of its own, which needs no right to change user. What it
wants to have read (icons, MIME types, pages of errors) is not needed here, and is given to it empty.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.peers import OURS
from benchmarks.peers_install import Found
from benchmarks.peers_setup import ADDRESS, BACKEND_PORT, PORT, Setting, most_open

ORIGIN = "origin.test"

OURS_FILE = """
[[listener]]
address = "{listen}"

[log]
access = "{folder}/access.log"

[forward]
reachable = ["{origin}/32"]
connect_ports = [443, {port}]

[[forward.rule]]
name = "ads"
action = "deny"
hosts = [".ads.test", "tracker.test"]

[[forward.rule]]
name = "metadata"
action = "deny"
networks = ["169.254.0.0/16"]

[[forward.rule]]
name = "mail"
action = "deny"
ports = [25, 465, 587]

[[forward.rule]]
name = "guests"
action = "deny"
clients = ["192.0.2.0/24"]

[[forward.rule]]
name = "class"
action = "allow"
clients = ["127.0.0.0/8"]
methods = ["GET", "HEAD", "POST", "CONNECT"]
{cache}
"""
OURS_CACHE = """
[cache]
size = "64MiB"
"""

SQUID = """
http_port {listen}
acl ads dstdomain .ads.test tracker.test
acl metadata dst 169.254.0.0/16
acl mail port 25 465 587
acl guests src 192.0.2.0/24
acl class src 127.0.0.0/8
acl tunnel method CONNECT
acl tunnels port 443 {port}
http_access deny tunnel !tunnels
http_access deny ads
http_access deny metadata
http_access deny mail
http_access deny guests
http_access allow class
http_access deny all
{cache}
access_log stdio:{folder}/access.log squid
buffered_logs on
cache_log {folder}/cache.log
max_filedescriptors {most}
digest_generation off
pinger_enable off
pid_filename none
coredump_dir {folder}
visible_hostname bench.test
mime_table {folder}/mime.conf
icon_directory {folder}
error_directory {folder}
unlinkd_program /bin/true
logfile_daemon /bin/true
shutdown_lifetime 0 seconds
"""
SQUID_CACHE = {True: "cache_mem 64 MB", False: "cache deny all"}

TINYPROXY = """
Listen {address}
Port {port}
Allow 127.0.0.0/8
ConnectPort 443
ConnectPort {origin_port}
MaxClients 1000
Timeout 60
LogFile "{folder}/tinyproxy.log"
LogLevel Connect
ViaProxyName "bench.test"
"""


def _ours(found: Found, setting: Setting) -> list[str]:
    file = setting.folder / "forward.toml"
    file.write_text(OURS_FILE.format(folder=setting.folder, listen=f"{ADDRESS}:{PORT}", origin=ADDRESS,
                                     port=BACKEND_PORT, cache=OURS_CACHE * setting.cache))
    return [sys.executable, "-P", "-m", "l7proxy", "forward", "--config", str(file)]


def _squid(found: Found, setting: Setting) -> list[str]:
    folder = setting.folder
    (folder / "mime.conf").write_text("")
    (folder / "squid.conf").write_text(SQUID.format(
        folder=folder, listen=f"{ADDRESS}:{PORT}", port=BACKEND_PORT, most=most_open(),
        cache=SQUID_CACHE[setting.cache]))
    return ["unshare", "--user", *found.command, "-N", "-f", str(folder / "squid.conf")]


def _tinyproxy(found: Found, setting: Setting) -> list[str]:
    file = setting.folder / "tinyproxy.conf"
    file.write_text(TINYPROXY.format(folder=setting.folder, address=ADDRESS, port=PORT, origin_port=BACKEND_PORT))
    return [*found.command, "-d", "-c", str(file)]


def _proxypy(found: Found, setting: Setting) -> list[str]:
    return ["env", f"HOME={setting.folder}", *found.command, "-m", "proxy", "--hostname", ADDRESS, "--port", str(PORT),
            "--num-workers", "1", "--num-acceptors", "1", "--log-level", "ERROR", "--data-dir", str(setting.folder)]


def _mitmproxy(found: Found, setting: Setting) -> list[str]:
    return [*found.command, "--quiet", "--mode", "regular", "--listen-host", ADDRESS, "--listen-port", str(PORT),
            "--set", "flow_detail=0", "--set", f"confdir={setting.folder}"]


SETUPS: dict[str, Callable[[Found, Setting], list[str]]] = {
    OURS: _ours, "Squid": _squid, "tinyproxy": _tinyproxy, "proxy.py": _proxypy, "mitmproxy": _mitmproxy}
