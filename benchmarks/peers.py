"""The proxies that ours is measured beside: where each comes from, and what it is asked for its version.

    nginx, HAProxy          Debian's packages          a program in C, with a worker of one thread
    aiohttp                 PyPI                       the usual thirty lines (peers_aiohttp.py), on uvloop
    proxy.py, mitmproxy     PyPI                       as they come, as a reverse proxy and as a forward proxy
    Squid, tinyproxy        Debian's packages          forward proxies in C++ and in C

None is a dependency of the lab: peers_install.py gets them when the benchmark is run, peers_setup.py sets them up, and
peers_forward.py as forward proxies.
"""

from __future__ import annotations

from dataclasses import dataclass

OURS = "lab-proxy"


@dataclass(frozen=True)
class Peer:
    """A program that is measured, or measures.

    program: what is started: a command, in a Python package's case the one that its installation makes.
    debian, pypi: the packages it comes in, of one of the two. asks: what makes the program say its version.
    place: whose venv it shares, if it is another one set up otherwise.
    """

    name: str
    program: str
    debian: tuple[str, ...] = ()
    pypi: tuple[str, ...] = ()
    asks: tuple[str, ...] = ("--version",)
    place: str = ""


PEERS: dict[str, Peer] = {peer.name: peer for peer in (
    Peer("nginx", "nginx", debian=("nginx",), asks=("-v",)),
    Peer("HAProxy", "haproxy", debian=("haproxy",), asks=("-v",)),
    Peer("aiohttp", "python", pypi=("aiohttp>=3.9,<4", "uvloop>=0.19,<0.24"),
         asks=("-c", "import aiohttp; print(aiohttp.__version__)")),
    Peer("proxy.py", "python", pypi=("proxy.py>=2.4,<3",), asks=("-m", "proxy", "--version")),
    Peer("proxy.py, kept", "python", pypi=("proxy.py>=2.4,<3",), asks=("-m", "proxy", "--version"), place="proxy.py"),
    Peer("mitmproxy", "mitmdump", pypi=("mitmproxy>=10,<13",)),
)}  # fmt: skip

FORWARD_PEERS: dict[str, Peer] = {
    "Squid": Peer("Squid", "squid", debian=("squid",), asks=("-v",)),
    "tinyproxy": Peer("tinyproxy", "tinyproxy", debian=("tinyproxy",), asks=("-v",)),
    **{name: PEERS[name] for name in ("proxy.py", "mitmproxy")},
}
LOAD = Peer("wrk", "wrk", debian=("wrk",), asks=("-v",))
BACKEND = PEERS["nginx"]
