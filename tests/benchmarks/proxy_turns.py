"""TEST DATA: the table `proxy` as it comes out of numbers that are given, measured by nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peers import OURS, PEERS, Peer
from benchmarks.peers_install import Found
from benchmarks.proxy import Turn, rows
from benchmarks.proxy_figures import FIGURES

HERE = {name: Found(peer, ("true",), "1.0") for name, peer in {**PEERS, OURS: Peer(OURS, "python")}.items()}
SLOW = (1.0, 0.5, 0.9)  # how fast the machine is in each round


def given(found: Mapping[str, Found] = HERE, **ratios: tuple[float, ...]) -> list[dict[str, Any]]:
    """The table of a run in which ours is twice any peer; ratios: ours in each round, by what."""
    whats = {figure.what for figure in FIGURES}
    turns = [Turn(what, OURS, 1000 * fast * ratio, 1.0) for what in whats
             for ratio, fast in zip(ratios.get(what.replace("-", "_"), (2.0,) * 3), SLOW, strict=True)]
    turns += [Turn(figure.what, figure.against, 1000 * fast, 0.8) for figure in FIGURES if figure.against != OURS
              for fast in SLOW if not found[figure.against].why_not]
    return rows(turns, found)
