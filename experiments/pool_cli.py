"""`./lab pool`: look at the pools of a lab that runs, and change them.

    words ──► concerned(...) (pools.py): which pools ──► a request to each ──► what changed, and the pools as they are

Rules kept here:

1. An order is for every service of the lab that has the server; --service NAME is for one. It says what it did to each.
2. What may be asked, the API decides (balancing/api.py): here a name becomes an address, and nothing is checked twice.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

from balancing import ALGORITHMS
from balancing.algorithms import RoundRobin, full_name
from experiments import pool_seeing, pool_view
from experiments.pool_view import units
from experiments.pools import Form, RunningLab, RunningPool, concerned, labs, the_lab
from experiments.services import place
from experiments.tables import print_table
from experiments.words import HELP, Commands
from layerlab import LabError

Words = Callable[[RunningPool, RunningPool], str]  # what became of a pool, from what it was and what it is


class Whole(click.ParamType):
    """A whole number, if it is one: what it may be, and that it must be one, says the API."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> int | str:
        return int(value) if re.fullmatch(r"-?\d+", str(value)) else value


class Signed(click.Command):
    """A command whose argument may be -1, which is then no option."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        negative = [word for word in args if re.fullmatch(r"-\d+", word)]
        rest = [word for word in args if word not in negative]
        return super().parse_args(context, [*rest, "--", *negative] if negative else args)


def whose(command: Callable[..., None]) -> Callable[..., None]:
    """--lab and --service."""
    for option in (
        click.option("--service", metavar="NAME", help="Only this service.  [default: every one that it fits]"),
        click.option("--lab", type=int, metavar="ID", help="Which lab, if several run (`./lab pool labs`)."),
    ):
        command = option(command)
    return command


@click.group(cls=Commands, **HELP)
def pool() -> None:
    """Look at the pools of a lab that runs, and change them: who serves, with what weight, by which algorithm.

    From another terminal, as the user who started the lab; or at its own prompt, as `sh ./lab pool show`.

    \b
    Examples:
      ./lab pool show --watch
      ./lab pool weight srv1 3
      ./lab pool drain srv2 --wait
      ./lab pool algorithm least-connections
    """


@pool.command(**HELP)
@click.option("--json", "as_json", is_flag=True, help="What the API says, for machines.")
@click.option("--watch", type=click.FloatRange(0.1, 3600), is_flag=False, flag_value=1.0, metavar="[SECONDS]",
              help="Again and again, every second or as often as said, until Ctrl-C.")
@whose
def show(lab: int | None, service: str | None, as_json: bool, watch: float | None) -> None:
    """Who serves, how it is, and how busy.

    \b
    Examples:
      ./lab pool show
      ./lab pool show --service l4 --watch 0.5
      ./lab pool show --json
    """
    found = the_lab(lab)
    if watch is not None:
        pool_view.watch(lambda: concerned(found, service), watch, as_json)
    elif as_json:
        pool_view.print_json(concerned(found, service))
    else:
        pool_view.print_pools(concerned(found, service))


@pool.command(cls=Signed, **HELP)
@click.argument("server")
@click.argument("weight", type=Whole())
@whose
def weight(lab: int | None, service: str | None, server: str, weight: int | str) -> None:
    """Give a server another share of what comes new; 0 drains it.

    \b
    Examples:
      ./lab pool weight srv1 3
      ./lab pool weight srv1 0 --service l4
    """
    def words(before: RunningPool, after: RunningPool) -> str:
        then, now = before.server(server), after.server(server)
        what = f"weight of {server} is {now['weight']}, and was {then['weight']}"
        if not now["weight"]:
            return f"{what}: {_drains(now)}"
        blind = after.form["algorithm"] == RoundRobin.name
        return what + (f" ({RoundRobin.name} doesn't look at it)" if blind else "")

    _patch(the_lab(lab), service, server, {"weight": weight}, words)


@pool.command(**HELP)
@click.argument("server")
@click.option("--wait", is_flag=True, help="Return when its last unit is gone. Ctrl-C: it goes on draining.")
@whose
def drain(lab: int | None, service: str | None, server: str, wait: bool) -> None:
    """Give a server no new units. Those that it has stay until they end.

    \b
    Examples:
      ./lab pool drain srv1
      ./lab pool drain srv1 --wait && ./lab pool remove srv1
    """
    found = the_lab(lab)
    _patch(found, service, server, {"draining": True}, lambda before, after: _drains(after.server(server)))
    if not wait:
        return
    told: list[int] = []  # a KeyboardInterrupt could land in a destructor, where Python passes over it
    before = signal.signal(signal.SIGINT, lambda number, frame: told.append(number))
    try:
        drained = pool_view.wait_until_drained(lambda: concerned(found, service), server, lambda: not told)
    finally:
        signal.signal(signal.SIGINT, before)
    if not drained:
        click.echo(f"lab: {server} goes on draining (./lab pool undrain {server} takes that back)", err=True)
        sys.exit(130)
    click.echo(f"{server} is drained: no unit is left on it")


@pool.command(**HELP)
@click.argument("server")
@whose
def undrain(lab: int | None, service: str | None, server: str) -> None:
    """Give a server new units again.

    \b
    Example:
      ./lab pool undrain srv1
    """
    _patch(the_lab(lab), service, server, {"draining": False}, lambda before, after: _returns(after.server(server)))


@pool.command(**HELP)
@click.argument("server")
@click.option("--ip", metavar="ADDRESS", help="Its service address.")
@click.option("--mac", metavar="MAC", help="Where frames for it go; not needed at L7.")
@click.option("--port", type=Whole(), help="The port that it serves on.  [default: that of the others]")
@click.option("--weight", type=Whole(), help="Its share; 0 for none yet.  [default: 1]")
@whose
def add(lab: int | None, service: str | None, server: str, **given: Any) -> None:
    """Take one more server into the pool.

    Where srvN of the lab is, the address plan knows. Of another server say --ip, and below L7 --mac.

    \b
    Examples:
      ./lab pool add srv3 --weight 2
      ./lab pool add web9 --service l4 --ip 10.0.10.9 --mac 02:00:0a:00:02:09 --port 8001
    """
    found = the_lab(lab)
    fields = {name: value for name, value in given.items() if value is not None}

    def ask(pool: RunningPool) -> RunningPool:
        return pool.ask("POST", "backends", form={"name": server, **planned(pool, server, found.hosts, fields)})

    def words(before: RunningPool, after: RunningPool) -> str:
        (row,) = (row for row in pool_view.rows(after.form) if row["server"] == server)
        return f"{server} was added, {row['address']}, weight {row['weight']}"

    _each(concerned(found, service), ask, words)


@pool.command(**HELP)
@click.argument("server")
@click.option("--now", is_flag=True, help="Also if it has units left: they are let go.")
@whose
def remove(lab: int | None, service: str | None, server: str, now: bool) -> None:
    """Take a server out of the pool, once it has no unit left.

    \b
    Examples:
      ./lab pool remove srv3
      ./lab pool remove srv3 --now
    """
    def words(before: RunningPool, after: RunningPool) -> str:
        let_go = before.server(server)["active"]
        return f"{server} was removed" + (f", and {units(let_go)} let go" if let_go else "")

    _each(concerned(the_lab(lab), service, server),
          lambda pool: pool.ask("DELETE", "backends", server, query="?now=true" if now else ""), words)


@pool.command(epilog=f"Algorithms: {', '.join(ALGORITHMS)}, or FILE.py:CLASS of your own.", **HELP)
@click.argument("word", metavar="ALGORITHM")
@whose
def algorithm(lab: int | None, service: str | None, word: str) -> None:
    """Decide by another algorithm from now on. Who has a server keeps it.

    \b
    Examples:
      ./lab pool algorithm least-connections
      ./lab pool algorithm examples/last_byte.py:LastByte --service l4
    """
    _each(concerned(the_lab(lab), service), lambda pool: pool.ask("PATCH", form={"algorithm": full_name(word)}),
          lambda before, after: f"algorithm is {after.form['algorithm']}, and was {before.form['algorithm']}")


@pool.command(**HELP)
@click.option("--json", "as_json", is_flag=True, help="What the API says, for machines.")
@whose
def counters(lab: int | None, service: str | None, as_json: bool) -> None:
    """What the lab's proxy has counted: requests, answers, failures, octets, connections, rows.

    \b
    Examples:
      ./lab pool counters
      ./lab pool counters --json
    """
    pool_seeing.counters(the_lab(lab), service, as_json)


@pool.command(**HELP)
@click.argument("number", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="What the API says, for machines.")
@click.option("--lab", type=int, metavar="ID", help="Which lab, if several run (`./lab pool labs`).")
def explain(lab: int | None, number: int | None, as_json: bool) -> None:
    """Why the lab's proxy chose as it did, for a request with the field Layer-Lab-Explain: 1.

    NUMBER stands in the answer's field Layer-Lab-Explanation; without it, the last one is shown.

    \b
    Examples:
      ./lab pool explain
      ./lab pool explain 7
    """
    pool_seeing.explanation(the_lab(lab), number, as_json)


@pool.command(name="labs", **HELP)
def labs_() -> None:
    """The labs that run. Their ids, and the folders in which their sockets are.

    \b
    Example:
      ./lab pool labs
    """
    print_table("labs", [{"lab": lab.id, "topology": lab.topology, "services": lab.summary, "folder": str(lab.folder)}
                         for lab in labs()])


def _each(pools: list[RunningPool], ask: Callable[[RunningPool], RunningPool], words: Words) -> None:
    """Ask each, say in words what came of it, and show them all as they are now. The first that refuses ends it."""
    now = []
    for before in pools:
        now.append(after := ask(before))
        click.echo(f"{before.name}: {words(before, after)}")
    click.echo()
    pool_view.print_pools(now)


def _patch(lab: RunningLab, service: str | None, server: str, form: Form, words: Words) -> None:
    """Change a server wherever it is."""
    _each(concerned(lab, service, server), lambda pool: pool.ask("PATCH", "backends", server, form=form), words)


def _drains(server: Form) -> str:
    left = server["active"]
    return f"{server['name']} gets no new units, and has {units(left)}" + (" left" if left else ": it is drained")


def _returns(server: Form) -> str:
    name = server["name"]
    if not server["weight"]:
        return f"{name} has weight 0 and still gets no units: ./lab pool weight {name} 1"
    return f"{name} gets new units again" + (", once it is up" if server["state"] == "down" else "")


def planned(pool: RunningPool, name: str, hosts: list[str], given: Form) -> Form:
    """The fields of a new server: those `given`, and of one of the lab's `hosts` the others by the address plan.

    Raises LabError for a srvN that is not in the lab, unless its address is given.
    """
    number = re.fullmatch(r"srv([1-9]\d*)", name)
    if "ip" in given or number is None:
        return given
    if name not in hosts:
        raise LabError(f"this lab has no host {name}", f"one of {', '.join(hosts)}, or --ip and --mac",
                       f"./lab shell --servers {number[1]}", field="name")
    plan: Form = dict(place(pool.form["vip"], int(number[1])) or {})
    if pool_view.by_port(pool.form) and len(ports := {server["port"] for server in pool.form["servers"]}) == 1:
        plan["port"] = ports.pop()
    return plan | given
