"""`lab-proxy`, or `python -m l7proxy`: the command line. It parses, calls, and turns a LabError into exit code 2.

     lab-proxy reverse --config FILE.toml         one file says all (docs/proxy.md)
     lab-proxy reverse --listen ... --backend ... the simple case, in flags
     lab-proxy reverse --services FILE.json       the lab's own way; there the word `reverse` may be left out
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import layerlab
from balancing import ALGORITHMS
from l7proxy import config_words, loop
from l7proxy.config import Config
from l7proxy.config_file import of_flags, read_file
from l7proxy.config_services import of_services
from l7proxy.server import serve
from layerlab import LabError

HELP: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100}}
SOURCES = ("config", "services", "backends")  # where the configuration can come from: one of these


class Faces(click.Group):
    """The proxy's commands. Options without a command are for the reverse proxy: the lab starts it so."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        own = ("-h", "--help", "--version")
        if arguments and arguments[0].startswith("-") and arguments[0] not in own:
            arguments.insert(0, "reverse")
        return super().parse_args(context, arguments)

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except LabError as error:
            print(error, file=sys.stderr)
            sys.exit(2)


@click.group(cls=Faces, **HELP)
@click.version_option(layerlab.__version__, prog_name="lab-proxy")
def main() -> None:
    """Layer Lab's proxy."""


@main.command(epilog="Algorithms: " + ", ".join(ALGORITHMS) + ", or FILE.py:CLASS. Every key of FILE.toml is in "
              "docs/proxy.md.", **HELP)
@click.option("--config", metavar="FILE.toml", type=click.Path(path_type=Path), help="Everything, in one file.")
@click.option("--check", is_flag=True, help="Check it, say how it was understood, and leave: 0, or 2 if it is wrong.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Listen here.")
@click.option("--backend", "backends", multiple=True, metavar="ADDRESS:PORT[=WEIGHT]",
              help="A server that answers; once for each.")
@click.option("--algorithm", default="round-robin", show_default=True, metavar="WORD", help="Who is next.")
@click.option("--cache", metavar="SIZE", help="Keep answers in so much memory: 64MiB.")
@click.option("--tls-cert", metavar="FILE.pem", help="Speak TLS, and show this certificate.")
@click.option("--tls-key", metavar="FILE.pem", help="Its key.")
@click.option("--access-log", metavar="FILE|-", help="A line for each request; - for standard output.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--events", metavar="FILE.ndjson", help="Append what happens to this file.")
@click.option("--api", metavar="SOCKET", help="A Unix socket, at which this user can see and change the pools.")
@click.option("--services", metavar="FILE.json", type=click.Path(path_type=Path),
              help="The lab's services; those of layer l7 are served on their VIPs, or at --listen.")
@click.pass_context
def reverse(context: click.Context, check: bool, **given: Any) -> None:
    """The reverse proxy: balances HTTP/1.1 requests, one by one, over servers.

    \b
    Examples:
      lab-proxy reverse --listen 127.0.0.1:8080 --backend 127.0.0.1:8001 --backend 127.0.0.1:8002=2
      lab-proxy reverse --config proxy.toml --check
      lab-proxy reverse --config proxy.toml      kill -HUP its pid to read the file anew, -TERM to stop
    """
    set_by_hand = {name for name in given
                   if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE}
    config = configuration(given, set_by_hand)
    if check:
        print(config_words.understood(config))
        return
    loop.run(serve(config, lambda: configuration(given, set_by_hand)))


def configuration(given: Mapping[str, Any], set_by_hand: set[str]) -> Config:
    """The Config that these options say. Raises LabError, also if they don't go together."""
    found = [source for source in SOURCES if given[source]]
    if len(found) != 1:
        raise LabError(f"there is {' and '.join(f'--{name}'.rstrip('s') for name in found) or 'nothing to serve'}",
                       "one of --config FILE.toml, --backend ADDRESS:PORT, --services FILE.json",
                       "lab-proxy reverse --listen 127.0.0.1:8080 --backend 127.0.0.1:8001")
    source = found[0]
    others = set_by_hand - {"config": {"config"}, "services": {"services", "listen", "events", "api"},
                            "backends": set(given) - {"config", "services"}}[source]
    if others:
        raise LabError(f"--{min(others).replace('_', '-')} is given beside --{source}",
                       "the same in the file: it says all" if source == "config" else "none beside it")
    if source == "config":
        return read_file(given["config"])
    if source == "services":
        events, api = (given[name] and Path(given[name]) for name in ("events", "api"))
        return of_services(given["services"], given["listen"], events, api)
    if given["listen"] is None:
        raise LabError("there is no --listen", "ADDRESS:PORT", "--listen 127.0.0.1:8080")
    return of_flags(**{name: value for name, value in given.items() if name not in ("config", "services")})


if __name__ == "__main__":
    main(prog_name="python -m l7proxy")
