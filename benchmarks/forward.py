"""Question: how near to Squid does a forward proxy in Python come, for the same CPU, and how far is it from its likes?

Prediction: every figure of forward_figures.py is reached.

Method: that of the reverse proxy's benchmark (proxy.py): one proxy at a time, alone on a core, started anew for each
turn, warmed up, and then asked through; rounds in an order shuffled anew, ratios within a round, the median and range
of the rounds. An origin is found by its name, in /etc/hosts, and connections are kept wherever a proxy keeps any:

    fetch            GET of 1 KiB that nobody may cache, in 32 connections      requests for a second of CPU
    fetch, cached    the same, cacheable: 99 of 100 must not reach the origin   requests for a second of CPU
    tunnel           answers of 1 MiB through 4 tunnels (proxy_tunnel.py)       megabytes for a second of CPU

CPU is that of all of a proxy's processes. How each is set up is in peers_forward.py. All write an access log, but those
in Python, which is in their favour. tinyproxy ends a client's connection after each request, so its turns have the cost
of a new one each time, on both sides: that is what it is, and no fault of the load.

Limits: the origin answers at once and from the same machine; a tunnel's bytes come in pieces as large as the proxy
will read, which on a slow network they wouldn't. Both make a proxy's own work the larger part of what is seen.
"""

from __future__ import annotations

from functools import cache

from benchmarks.forward_figures import FIGURES
from benchmarks.forward_stage import ForwardStage
from benchmarks.peers import BACKEND, FORWARD_PEERS, LOAD
from benchmarks.peers_install import Found
from benchmarks.proxy import installed, played
from experiments.display import Display
from experiments.experiment import Options, Part

NOTE = " tinyproxy keeps no connection, so each of its requests has a new one; all others keep theirs."


@cache
def everybody() -> dict[str, Found]:
    """The peers, the origin and the load, found or installed; first called where there is a network."""
    return installed((*FORWARD_PEERS.values(), BACKEND, LOAD))


def part(options: Options, display: Display) -> Part:
    """Measure it."""
    return played("forward", ForwardStage, everybody(), FIGURES, options, display, NOTE)


PARTS = (part,)
