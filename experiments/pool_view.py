"""What `./lab pool` shows: a table for each pool, once, again and again, or until a server is drained."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from balancing import LAYERS
from experiments.endpoint import endpoint
from experiments.envelope import Row
from experiments.pools import Form, RunningPool
from experiments.tables import print_table, table
from layerlab import LabError

COLOURS = {"up": "green", "draining": "yellow", "drained": "yellow", "down": "bold red"}
STEP_S = 0.2  # from one look at a server that drains to the next
Look = Callable[[], Sequence[RunningPool]]


def by_port(form: Form) -> bool:
    """Whether a pool's layer knows ports: below L4 every port of the VIP is balanced."""
    layer = LAYERS[form["layer"]]
    return layer.by_port or not layer.in_switch


def heading(form: Form) -> str:
    """A pool in a line.

    >>> heading({"service": "l3", "layer": "l3", "vip": "10.0.0.100", "port": 80, "protocol": "tcp",
    ...          "algorithm": "round-robin", "realisation": "reactive", "servers": []})
    'l3: vip 10.0.0.100, l3 round-robin (reactive)'
    """
    vip = f"{endpoint(form['vip'], form['port'])}/{form['protocol']}" if by_port(form) else form["vip"]
    algorithm = form["algorithm"].rpartition("/")[2]  # of one's own, the file's name will do
    return f"{form['service']}: vip {vip}, {form['layer']} {algorithm} ({form['realisation']})"


def rows(form: Form) -> list[Row]:
    """A pool's servers as the table has them; `effective` only while one of them starts slowly."""
    slow = any(server["effective_weight"] != server["weight"] for server in form["servers"])
    return [{
        "server": server["name"],
        "address": endpoint(server["ip"], server["port"]) if by_port(form) else server["ip"],
        "state": state(server),
        "weight": server["weight"],
        **({"effective": server["effective_weight"]} if slow else {}),
        "active": server["active"],
        "response ms": server["response_ms"],
    } for server in form["servers"]]


def state(server: Form) -> str:
    """A server's state in a word: up, down, draining, or, with no unit left, drained."""
    return "drained" if server["state"] == "draining" and not server["active"] else str(server["state"])


def units(number: int) -> str:
    """A number of units in words.

    >>> [units(0), units(1), units(12)]
    ['no unit', '1 unit', '12 units']
    """
    return f"{number or 'no'} unit{'s' if number > 1 else ''}"


def print_pools(pools: Iterable[RunningPool]) -> None:
    """A table for each of them."""
    for pool in pools:
        print_table(heading(pool.form), rows(pool.form), style=_style)


def print_json(pools: Iterable[RunningPool], indent: int | None = 2) -> None:
    """What the API said of them, as a list."""
    click.echo(json.dumps([pool.form for pool in pools], indent=indent))


def watch(look: Look, every_s: float, as_json: bool = False) -> None:
    """Show what `look` returns again and again: in place on a terminal, one after another elsewhere. Until Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt), _screen(as_json) as show:
        while True:
            show(look())
            sys.stdout.flush()
            time.sleep(every_s)


@contextlib.contextmanager
def _screen(as_json: bool) -> Iterator[Callable[[Sequence[RunningPool]], object]]:
    console = Console(highlight=False, markup=False, emoji=False)
    if as_json:
        yield lambda pools: print_json(pools, indent=None)
    elif not console.is_terminal:
        yield print_pools
    else:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda pools: live.update(Group(*map(_table, pools)), refresh=True)


def _table(pool: RunningPool) -> Table:
    return table(heading(pool.form), rows(pool.form), _style)


def _style(row: Row, column: str) -> str:
    return COLOURS.get(str(row[column]), "") if column == "state" else ""


def wait_until_drained(look: Look, server: str, go_on: Callable[[], bool]) -> bool:
    """Return True once `server` has no unit left in any pool that `look` returns, or is gone from it; say how many it
    has. Return False when it is not to `go_on`.

    Raises LabError if it is given new units again.
    """
    console, said = Console(stderr=True, highlight=False), ""
    with console.status("") as status:
        while left := _left(look(), server):
            if not go_on():
                return False
            words = f"{server}: {', '.join(f'{units(number)} left in {pool}' for pool, number in left.items())}"
            status.update(Text(words))
            if words != said and not console.is_terminal:
                click.echo(words, err=True)
            said = words
            time.sleep(STEP_S)
    return True


def _left(pools: Iterable[RunningPool], server: str) -> Mapping[str, int]:
    """Units of `server` by the pools where it still has some."""
    found = {}
    for pool in pools:
        if (form := pool.server(server)) and form["active"]:
            if form["state"] == "up":
                raise LabError(f"{pool.name}: {server} takes units again, so it will not be drained",
                               "nobody to undrain it", f"./lab pool drain {server} --wait")
            found[pool.name] = form["active"]
    return found
