"""The same stage for forward proxies: they are asked for whole URIs, of an origin that they find by its name.

    wrk ──"GET http://origin.test:8081/ HTTP/1.1"──► proxy ──/etc/hosts──► the backend
"""

from __future__ import annotations

from benchmarks import peers_forward
from benchmarks.peers_forward import ORIGIN
from benchmarks.peers_setup import ADDRESS, BACKEND_PORT, LARGE, PORT
from benchmarks.proxy_stage import Running, Stage
from benchmarks.proxy_tunnel import Flows, Goal
from topologies import capsule

_SCRIPT = """
wrk.path = "http://{host}:{port}{path}"
wrk.headers["Host"] = "{host}:{port}"
"""


class Asked(Running):
    """A forward proxy that runs."""

    def asks(self, path: str) -> list[str]:
        script = self.setting.folder / "asks.lua"
        script.write_text(_SCRIPT.format(host=ORIGIN, port=BACKEND_PORT, path=path))
        return ["-s", str(script), *super().asks("/")]

    def flows(self, path: str, number: int) -> Flows:
        """So many tunnels, for answers of LARGE bytes. Raises LabError."""
        return Flows((ADDRESS, PORT), Goal(ORIGIN, BACKEND_PORT, path, LARGE), number)


class ForwardStage(Stage):
    """Where a forward proxy is measured, inside a capsule, which then knows the origin by its name."""

    setups = peers_forward.SETUPS
    running = Asked

    def __enter__(self) -> ForwardStage:
        capsule.name_hosts(f"127.0.0.1\tlocalhost\n{ADDRESS}\t{ORIGIN}\n")
        super().__enter__()
        return self
