"""What there is: every experiment, and the lists that `./lab list` prints."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from balancing import ALGORITHMS, LAYERS, REALISATIONS, Layer
from balancing.service import why_not
from benchmarks.catalog import BENCHMARKS
from experiments.experiment import Experiment, Part
from topologies import TOPOLOGIES


def _later(module: str, name: str) -> Callable[..., Any]:
    """`experiments.module.name`, imported when it is called: `./lab list` needs no Scapy."""
    return lambda *arguments: getattr(importlib.import_module(f"experiments.{module}"), name)(*arguments)


def _alone(module: str) -> Callable[[], Sequence[Callable[..., Part]]]:
    return lambda: (_later(module, "part"),)


EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment("compare", "what can each layer spread, what can it tell apart, and what does that cost?",
                   _later("compare", "parts"), _later("ladder", "size_of"), lecture=(4, 5, 6)),
        Experiment("ladder", "what can each layer tell apart, and so spread over the servers?", _alone("ladder"),
                   _later("ladder", "size_of"), lecture=(4,), within="compare"),
        Experiment("distinguish", "by what can each layer send a request: port, URL, header, cookie?",
                   _alone("distinguish"), lecture=(5, 6), within="compare"),
        Experiment("cost", "what does each layer cost, beside plain switching?", _alone("cost"),
                   lecture=(4,), within="compare"),
        Experiment("algorithms", "which algorithm answers soonest, when servers and sessions are not all alike?",
                   _later("algorithms", "parts"), lecture=(7, 8, 10, 11)),
        Experiment("hot-spots", "does a server become a hot spot: how much more than its share has the fullest?",
                   _alone("hot_spots"), lecture=(3,)),
        Experiment("failover", "a server dies: who notices, how soon, what is lost, is anybody else disturbed?",
                   _alone("failover")),
        Experiment("steering", "least connections inside the switch: does it settle, and how near to exact?",
                   _later("steering", "parts")),
        Experiment("disruption", "a pool changes: whose connections break, who is moved needlessly, what does it cost?",
                   _later("disruption", "parts"), lecture=(9,)),
        Experiment("control-plane", "what does the controller do for a new connection, and what if it is gone?",
                   _later("control_plane", "parts")),
        Experiment("reverse-proxy", "what does a reverse proxy do for its servers, and what do clients see of them?",
                   _later("reverse_proxy", "parts"), lecture=(12,)),
        Experiment("forward-proxy", "what does a forward proxy do for its clients, and what do origins learn of them?",
                   _later("forward_proxy", "parts"), lecture=(12,)),
        Experiment("mobile", "a client moves and has another address: who keeps its session at its server?",
                   _later("mobile", "parts"), lecture=(6,)),
        Experiment("packets", "what is on each wire: what is rewritten, and what if packets are wrong, or too many?",
                   _later("packets", "parts")),
        Experiment("scale", "one server with k workers, or k servers with one: what, how soon, and where does it end?",
                   _later("scale", "parts"), lecture=(1,)),
        Experiment("feedback", "judge servers by tests, or by a fixed ratio: which is better when, and if tests lag?",
                   _later("feedback", "parts"), lecture=(2, 11)),
        Experiment("placement", "a proxy beside the client, beside the servers, or behind another tier: what differs?",
                   _alone("placement"), lecture=(13,)),
        Experiment("crowd", "1,000 clients at once: who gets them, and what must a switch remember?", _alone("crowd"),
                   within="compare"),
    )
}


def lists() -> dict[str, list[dict[str, str]]]:
    """Everything that has a name on the command line, by kind, as rows."""
    return {
        "topologies": [{"name": name, "what it is for": topology.summary, "plan": _drawing(topology)}
                       for name, topology in TOPOLOGIES.items()],
        "layers": [{"name": row.name, "moves as one": row.unit_name, "rewrites": _words(row.rewritten),
                    "and back": _words(row.restored), "only visible from here up": row.sees}
                   for row in LAYERS.values()],
        "algorithms": [{"name": name, "what it is for": algorithm.summary, "a choice among n": algorithm.bound}
                       for name, algorithm in ALGORITHMS.items()],
        "realisations": [{"name": name, "who does the work": words} for name, words in REALISATIONS.items()],
        "cells": [{"algorithm": name, **{layer: _realisations(row, name) for layer, row in LAYERS.items()}}
                  for name in ALGORITHMS],
        "experiments": [{"name": one.name, "question": one.question, "claims": " ".join(map(str, one.lecture))}
                        for one in EXPERIMENTS.values()],
        "benchmarks": [{"name": one.name, "question": one.question} for one in BENCHMARKS.values()],
    }


def _realisations(row: Layer, algorithm: str) -> str:
    """Those that an algorithm has at a layer."""
    return " ".join(name for name in REALISATIONS if not why_not(row, algorithm, name))


def _words(fields: tuple[str, ...]) -> str:
    return " ".join(fields) or "-"


def _drawing(topology: type) -> str:
    """The picture in a topology's own file: all of its docstring after the first line."""
    text = inspect.getdoc(sys.modules[topology.__module__]) or ""
    return inspect.cleandoc("\n".join(text.splitlines()[1:])).strip("\n")
