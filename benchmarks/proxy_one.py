"""One figure, or a few, by themselves: for whoever makes the proxy faster. `./lab bench proxy` and `./lab bench
forward` have them all.

    PYTHONPATH=. python -P -m benchmarks.proxy_one keep-alive nginx --rounds 3 --seconds 2
    PYTHONPATH=. python -P -m benchmarks.proxy_one fetch Squid
"""

from __future__ import annotations

import sys

import click

from benchmarks import forward, forward_figures, proxy
from benchmarks.forward_stage import ForwardStage
from benchmarks.proxy_figures import FIGURES
from benchmarks.proxy_stage import Stage
from experiments.tables import print_table
from layerlab import LabError
from topologies import capsule


@click.command()
@click.argument("what", type=click.Choice(sorted(proxy.TURNS)))
@click.argument("peers", nargs=-1)
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=2, show_default=True, help="Of each turn, after a second to warm up.")
@click.option("--seed", default=1, show_default=True)
def main(what: str, peers: tuple[str, ...], rounds: int, seconds: int, seed: int) -> None:
    """Measure WHAT of ours beside these PEERS (all that it is a figure of, if none is named)."""
    figures = [figure for figure in (*FIGURES, *forward_figures.FIGURES)
               if figure.what == what and (not peers or figure.against in peers)]
    faced = what in {figure.what for figure in forward_figures.FIGURES}
    try:
        found = forward.everybody() if faced else proxy.everybody()
        capsule.enter()
        with (ForwardStage if faced else Stage)(capsule.LAB / "proxy", found) as stage:
            turns = proxy.measure(stage, proxy.Size(rounds, seconds), seed, figures, say)
            table = proxy.rows(turns, stage.found, figures)
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    for turn in sorted(turns, key=lambda turn: turn.name):
        print(turn.error or f"{turn.name:14} {turn.value:12,.1f} {turn.busy or 0:5.0%} busy, "
                            f"{turn.waited or 0:.0%} waiting for its core")
    shown = ("figure", "median", "low", "high", "must", "aim", "own", "peer", "unit", "busy", "peer_busy")
    print_table(what, [{column: row[column] for column in shown} for row in table])


def say(words: str) -> None:
    """On stderr: the table is what stdout is for."""
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.proxy_one")
