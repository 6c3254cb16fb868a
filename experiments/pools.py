"""The pools of the labs that run: which lab is meant, which of its services, and what its API says of them.

    ./lab pool drain srv1 [--lab 4711] [--service l4]
                            │              └─► pools of l4, else every pool that has srv1
                            └─► that lab, else the only one that runs
    lab 4711, its newest folder, flat1 ──► controller.sock, proxy.sock ──► Api (balancing/api.py)

Rule: what it says no to is a LabError, in the API's own words where they are the API's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from experiments.api_client import request
from layerlab import LabError, choice
from topologies import running

Form = dict[str, Any]
FEW = 4  # services of a lab that are named where labs are listed; an experiment may have dozens


def ask(socket: Path, method: str, target: str, form: object = None) -> Any:
    """One request to the API at this socket; its answer. Raises LabError if it refuses, or nobody answers."""
    status, answer = request(socket, method, target, form)
    if status >= 400:
        raise LabError(answer["error"], answer.get("expected", ""), answer.get("hint", ""),
                       field=answer.get("field", ""))
    return answer


@dataclass(frozen=True)
class RunningPool:
    """A pool of a running lab. socket: where its API listens. form: what the API said of it when it was found."""

    socket: Path
    form: Form

    @property
    def name(self) -> str:
        """Its service's name."""
        return str(self.form["service"])

    def server(self, name: str) -> Form:
        """What the API said of the server of that name; empty if there is none."""
        return next((server for server in self.form["servers"] if server["name"] == name), {})

    def ask(self, method: str, *words: str, form: Form | None = None, query: str = "") -> RunningPool:
        """A request about this pool, at the path of these words below its own; the pool as it is then.

        Raises LabError if it is refused.
        """
        target = "/".join(("/services", quote(self.name, safe=""), *(quote(word, safe="") for word in words)))
        return RunningPool(self.socket, ask(self.socket, method, target + query, form))


@dataclass(frozen=True)
class RunningLab:
    """A lab that runs. id: the pid of the process that was started. folder: its own folder, as it is called here."""

    id: int
    folder: Path

    @property
    def topology(self) -> str:
        """The name of its topology."""
        return self.folder.name.rstrip("0123456789")

    @property
    def services(self) -> list[str]:
        """The names of its services, whether or not it answers."""
        try:
            return [str(form["name"]) for form in json.loads((self.folder / "services.json").read_text())]
        except (OSError, ValueError):
            return []  # it is just being started, or has ended

    @property
    def hosts(self) -> list[str]:
        """The names of the servers that were started in it."""
        names = [path.stem for path in self.folder.glob("srv*.out")]
        return sorted(names, key=lambda name: (len(name), name))

    def pools(self) -> list[RunningPool]:
        """Its pools, as they are now. Raises LabError if it does not answer."""
        if not self.folder.exists():
            raise LabError(f"lab {self.id} has ended", "one that runs", "./lab pool labs")
        sockets = sorted(self.folder.glob("*.sock"))
        if not sockets:
            raise LabError(f"lab {self.id} does not answer yet", "one that has started", "the same in a second")
        return [RunningPool(socket, form) for socket in sockets for form in ask(socket, "GET", "/services")]

    @property
    def summary(self) -> str:
        """Its services in a few words."""
        names = self.services
        more = [f"{len(names) - FEW} more"] if len(names) > FEW else []
        return ", ".join([*names[:FEW], *more]) or "starting"

    def __str__(self) -> str:
        return f"{self.id} ({self.topology}: {self.summary})"


def labs() -> list[RunningLab]:
    """The labs that we may operate: of each capsule the newest, because an experiment brings up one after another."""
    return [RunningLab(found.id, folder) for found in running.capsules() if (folder := newest(found.labs))]


def newest(folder: Path) -> Path | None:
    """The folder of the lab that was started last in a capsule; None if none was, or the capsule has just ended."""
    try:
        numbered = {int(found[0]): path for path in folder.iterdir() if (found := re.search(r"\d+$", path.name))}
    except OSError:
        return None
    return numbered[max(numbered)] if numbered else None


def the_lab(wanted: int | None = None) -> RunningLab:
    """The lab with the id that is wanted, or else the only one. Raises LabError if there is none such, or several."""
    found = labs()
    if not found:
        raise LabError("no lab of yours runs", "one that does", "./lab shell   (sudo ./lab pool ..., if it was sudo "
                       "that started it)")
    if wanted is None and len(found) > 1:
        raise LabError(f"{len(found)} labs run: {_listed(found)}", "one of them by its id", f"--lab {found[-1].id}",
                       field="lab")
    for lab in found:
        if wanted in (None, lab.id):
            return lab
    raise LabError(f"there is no lab {wanted}", f"one that runs: {_listed(found)}", f"--lab {found[-1].id}",
                   field="lab")


def _listed(found: Sequence[RunningLab]) -> str:
    return ", ".join(map(str, found))


def concerned(lab: RunningLab, service: str | None = None, server: str | None = None) -> list[RunningPool]:
    """Whom an order is for: the pool of `service`, else all; of those the ones that have `server`, if one is named.

    Raises LabError, with the nearest name, if there is nobody.
    """
    pools = lab.pools()
    if service is not None:
        choice("service", service, [pool.name for pool in pools])
        pools = [pool for pool in pools if pool.name == service]
    if server is not None:
        choice("server", server, dict.fromkeys(one["name"] for pool in pools for one in pool.form["servers"]))
        pools = [pool for pool in pools if pool.server(server)]
    return pools
