"""The command line. Words are checked here; what they do is elsewhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import layerlab
from balancing import LAYERS, REALISATIONS
from benchmarks.catalog import BENCHMARKS
from experiments import capture, doctor
from experiments.algorithm_word import AlgorithmWord
from experiments.catalog import EXPERIMENTS, lists
from experiments.envelope import check_report
from experiments.experiment import Experiment, Options
from experiments.pool_cli import pool
from experiments.services import pair
from experiments.words import HELP, Commands, Word
from layerlab import LabError
from topologies import TOPOLOGIES, addresses


class Weights(click.ParamType):
    """Whole numbers with commas between: 5,1,1."""

    name = "weights"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> tuple[int, ...]:
        try:
            return tuple(int(number) for number in value.split(","))
        except ValueError:
            raise LabError(f"--weights is {value!r}", "a whole number for each server",
                           "--weights 5,1,1") from None


def capture_option(command: Callable[..., None]) -> Callable[..., None]:
    """--capture, which every lab that is started then heeds."""

    def set_folder(context: click.Context, parameter: click.Parameter, folder: str | None) -> None:
        if folder:
            os.environ[capture.VARIABLE] = str(capture.folder(folder))

    return click.option("--capture", metavar="DIR", callback=set_folder, expose_value=False,
                        help="Write a pcap for each end of each link into this folder.")(command)


def experiment_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every experiment and benchmark."""
    path = click.Path(path_type=Path)
    for option in (
        capture_option,
        click.option("--report", type=path, metavar="DIR",
                     help="Write a page with plots, and its tables as CSV and JSON, into this folder."),
        click.option("--json", type=path, metavar="FILE", help="Write everything measured to this file."),
        click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same traffic."),
        click.option("--quick", is_flag=True, help="Less traffic: a minute or so."),
    ):
        command = option(command)
    return command


@click.group(cls=Commands, epilog="Start with: ./lab compare", **HELP)
@click.version_option(layerlab.__version__, prog_name="layer-lab")
def cli() -> None:
    """Load balancing at layers 2, 3, 4 and 7, on a network in your laptop.

    \b
    Examples:
      ./lab compare --quick          what each layer can tell apart, in half a minute
      ./lab shell --layer l3         the lab, up, with a prompt
      ./lab doctor                   what this machine offers
    """


@cli.command(**HELP)
@click.option("--clients", type=int, help="Clients in each situation.  [default: 12]")
@click.option("--servers", type=int, help="Servers behind each VIP.  [default: 3]")
@click.option("--requests", type=int, help="Requests of each client in a cell.  [default: 20, --quick 4]")
@experiment_options
def compare(clients: int | None, servers: int | None, requests: int | None, **options: Any) -> None:
    """The main job: what four layers can spread, tell apart, what they cost, and what a crowd does to them.

    The options --clients, --servers and --requests are the ladder's.

    \b
    Examples:
      ./lab compare
      ./lab compare --quick --json ladder.json
      ./lab compare --clients 24 --servers 6
    """
    size = {"clients": clients, "servers": servers, "requests": requests}
    given = {name: value for name, value in size.items() if value is not None}
    conduct(EXPERIMENTS["compare"], Options(**options, size=given))


@cli.command(**HELP)
@click.argument("experiment", type=Word("experiment", EXPERIMENTS), required=False)
@click.option("--all", "everything", is_flag=True, help="All of them, one after another; --json is a list then.")
@experiment_options
def run(experiment: str | None, everything: bool, **options: Any) -> None:
    """Run one experiment (`./lab list` names them), or all.

    \b
    Examples:
      ./lab run compare --quick --report results/
      ./lab run --all --quick --json run.json
    """
    if everything and experiment:
        raise LabError(f"both --all and {experiment!r}", "one of them", "./lab run --all")
    if everything:
        conduct_all(Options(**options))
    elif experiment:
        conduct(EXPERIMENTS[experiment], Options(**options))
    else:
        show("experiments")


@cli.command(**HELP)
@click.argument("run", type=click.Path(path_type=Path), metavar="[RUN", required=False)
@click.argument("other", type=click.Path(path_type=Path), metavar="[OTHER]]", required=False)
@click.option("--to", type=click.Path(path_type=Path), default=Path("report"), show_default=True, metavar="DIR",
              help="Where the page is written.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same traffic.")
@click.option("--quick", is_flag=True, help="Less traffic: five minutes for all.")
def report(run: Path | None, other: Path | None, to: Path, seed: int, quick: bool) -> None:
    """One page on every claim of the lecture: run everything, or take a RUN that is there; or lay two side by side.

    A RUN is what --json wrote, or the folder of a report.

    \b
    Examples:
      ./lab report --quick            run everything, and write report/report.html
      ./lab report run.json           the same of what is there
      ./lab report mine/ yours/       two runs: another machine, another algorithm, another student
    """
    if run is None:
        conduct_all(Options(seed=seed, quick=quick, report=to))
        return
    from experiments.everything import write_report
    from experiments.runs import read_run

    one = read_run(run)
    if other is None:
        write_report(to, one)
        return
    from experiments import report as room

    check_report(to)
    page = room.write_beside(one, read_run(other), to, names=(str(run), str(other)))
    click.echo(f"written: {page}", err=True)


@cli.command(**HELP)
@click.argument("benchmark", type=Word("benchmark", BENCHMARKS), required=False)
@experiment_options
def bench(benchmark: str | None, **options: Any) -> None:
    """Run a benchmark; without a word, say what there is.

    \b
    Example:
      ./lab bench algorithms --quick
    """
    if benchmark:
        conduct(BENCHMARKS[benchmark], Options(**options))
    else:
        show("benchmarks")


def conduct(experiment: Experiment, options: Options) -> None:
    """Run an experiment or a benchmark; exit code 1 if it came out otherwise than predicted."""
    if experiment.lab:
        doctor.check_system()
    if not experiment.conduct(options):
        sys.exit(1)


def conduct_all(options: Options) -> None:
    """Run everything; exit code 1 if something came out otherwise than predicted, 2 if something failed."""
    from experiments.everything import run_all

    doctor.check_system()
    sys.exit(run_all(options))


@cli.command(**HELP)
@click.option("--topology", type=Word("topology", TOPOLOGIES), default="flat", show_default=True)
@click.option("--layer", type=Word("layer", LAYERS), default="l4", show_default=True)
@click.option("--algorithm", type=AlgorithmWord(), default="round-robin", show_default=True)
@click.option("--realisation", type=Word("realisation", REALISATIONS), default=None,
              help="Who decides and remembers.  [default: reactive; proxy at l7]")
@click.option("--clients", type=int, default=4, show_default=True, help=f"1 to {addresses.MAX_HOSTS}.")
@click.option("--servers", type=int, default=3, show_default=True, help=f"1 to {addresses.MAX_HOSTS}.")
@click.option("--weights", type=Weights(), default=None, help="One a server, such as 5,1,1.")
@click.option("--workers", type=int, default=8, show_default=True, help="Requests a server serves at a time.")
@click.option("--service-time", type=float, default=0.0, show_default=True, help="Seconds that a request takes.")
@capture_option
def shell(topology: str, layer: str, algorithm: str, realisation: str | None, clients: int, servers: int,
          weights: tuple[int, ...] | None, workers: int, service_time: float) -> None:
    """The lab, up, in Mininet's own prompt.

    \b
    Examples:
      ./lab shell
      ./lab shell --topology nat --layer l3 --clients 6
      ./lab shell --algorithm weighted-round-robin --weights 5,1,1
      ./lab shell --algorithm maglev --realisation tracked
      ./lab shell --algorithm examples/last_byte.py:LastByte
      echo 'h1 curl -s http://vip/' | ./lab shell --layer l2
    """
    from experiments import shell as room
    from experiments.lab import Lab

    services = pair(layer, servers=servers, algorithm=algorithm, weights=weights or (), realisation=realisation or "")
    found = Lab(topology, services, clients=clients, servers=servers, workers=workers, service_time_s=service_time)
    doctor.check_system()
    room.run(found)


@cli.command(name="list", **HELP)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def list_(as_json: bool) -> None:
    """Topologies, layers, algorithms, realisations, experiments and benchmarks."""
    if as_json:
        click.echo(json.dumps(lists(), indent=2, ensure_ascii=False))
        return
    show(*lists())
    for row in lists()["topologies"]:
        click.echo(f"{row['name']}\n{row['plan']}\n")


def show(*kinds: str) -> None:
    """Print these of the lists, each as a table."""
    from experiments.tables import print_table

    for kind in kinds:
        print_table(kind, [{key: value for key, value in row.items() if key != "plan"} for row in lists()[kind]])


# `./lab` itself does these two (it must work before there is Python to do them); here they are for --help.


@cli.command(**HELP)
def setup() -> None:
    """Install what is missing, and nothing else."""


@cli.command(**HELP)
@click.argument("pytest_arguments", nargs=-1)
def test(pytest_arguments: tuple[str, ...]) -> None:
    """All tests: ruff, mypy, then pytest with the arguments given.

    \b
    Examples:
      ./lab test
      ./lab test tests/balancing -k round_robin
    """


cli.add_command(doctor.command)
cli.add_command(pool)


def main() -> None:
    """Run the command line: errors of ours, and of its words, are exit code 2 and no traceback."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # tc, ethtool and nft: not on an ordinary user's path
    try:
        cli(prog_name="./lab", standalone_mode=False)
    except LabError as error:
        click.echo(f"lab: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("lab: interrupted; nothing of it remains", err=True)
        sys.exit(130)
