"""`lab-proxy`, or `python -m l7proxy`: the command line. It parses, calls, and turns a LabError into exit code 2.

     lab-proxy reverse --config FILE.toml         one file says all (docs/proxy.md)
     lab-proxy reverse --listen ... --backend ... the simple case, in flags
     lab-proxy reverse --services FILE.json       the lab's own way; there the word `reverse` may be left out
     lab-proxy forward --config, or --listen ...  the forward proxy, the same two ways
     lab-proxy passwd USER                        a line for its file of users
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import layerlab
from balancing import ALGORITHMS
from l7proxy import compiled, config_words, loop
from l7proxy.accesslog import FORMATS
from l7proxy.certificates import read
from l7proxy.config import Config, Logs
from l7proxy.config_file import of_flags, of_forward_flags, read_file
from l7proxy.config_services import of_services
from l7proxy.explain import EVERYBODY
from l7proxy.forward.users import entry
from l7proxy.server import serve
from layerlab import LabError

HELP: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100}}
# Where the configuration can come from, and which options can stand beside it.
SOURCES = {
    "config": {"config"},
    "services": {"services", "listen", "events", "api", "access_log", "log_format", "explain"},
    "backends": {"backends", "listen", "algorithm", "cache", "tls_cert", "tls_key", "events", "api", "access_log",
                 "log_format", "explain"},
}


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
@click.option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--explain", is_flag=True, help="Tell clients that ask (Layer-Lab-Explain: 1) who served them, and why.")
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
        read(config.certificates)
        print(config_words.understood(config))
        return
    loop.run(serve(config, lambda: configuration(given, set_by_hand)))


@main.command(**HELP)
@click.option("--config", metavar="FILE.toml", type=click.Path(path_type=Path), help="Everything, in one file.")
@click.option("--check", is_flag=True, help="Check it, and leave: 0, or 2 if it is wrong.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Listen here.")
@click.option("--allow", multiple=True, metavar="NETWORK", help="Serve clients in this network; once for each.")
@click.option("--cache", metavar="SIZE", help="Keep answers in so much memory: 64MiB.")
@click.option("--access-log", metavar="FILE|-", help="A line for each request; - for standard output.")
@click.option("--log-format", type=click.Choice(FORMATS), default="text", show_default=True)
def forward(check: bool, config: Path | None, **given: Any) -> None:
    """The forward proxy: fetches for clients what they ask for, and decides what they may ask for.

    \b
    Examples:
      lab-proxy forward --listen 127.0.0.1:3128 --allow 127.0.0.0/8
      lab-proxy forward --config forward.toml    kill -HUP its pid to read the file anew, -TERM to stop
    """
    def read_again() -> Config:
        return forward_configuration(config, **given)
    found = read_again()
    if check:
        print(config_words.forward_understood(found))
        return
    loop.run(serve(found, read_again))


def forward_configuration(config: Path | None, listen: str | None, allow: tuple[str, ...], cache: str | None,
                          access_log: str | None, log_format: str) -> Config:
    """The Config of a forward proxy that these options say. Raises LabError, also if they don't go together."""
    if (config is None) is (listen is None):
        raise LabError("there is " + ("neither --config nor --listen" if config is None else "--config and --listen"),
                       "one of them", "lab-proxy forward --listen 127.0.0.1:3128 --allow 127.0.0.0/8")
    if config is None:
        return of_forward_flags(str(listen), allow, cache, access_log, log_format)
    if allow or cache or access_log:
        given = "allow" if allow else "cache" if cache else "access-log"
        raise LabError(f"--{given} is given beside --config", "the same in the file, which says all")
    found = read_file(config)
    if found.forward is None:
        raise LabError(f"{config} has no [forward]", "a forward proxy's file", "lab-proxy reverse --config ...")
    return found


@main.command(**HELP)
@click.argument("user")
@click.password_option(help="Asked for if it isn't given; who can list processes can read it here.")
def passwd(user: str, password: str) -> None:
    """A line for the file of users of a forward proxy: add it there."""
    print(entry(user, password))


@main.command("compile", **HELP)
def compile_modules() -> None:
    """Compile the inner modules, for about half the time a request; without it all works as well."""
    compiled.main()


def configuration(given: Mapping[str, Any], set_by_hand: set[str]) -> Config:
    """The Config that these options say. Raises LabError, also if they don't go together."""
    found = [source for source in SOURCES if given[source]]
    if len(found) != 1:
        saw = " and ".join(f"--{name.replace('backends', 'backend')}" for name in found)
        raise LabError(f"there is {saw or 'nothing to serve'}",
                       "one of --config FILE.toml, --backend ADDRESS:PORT, --services FILE.json",
                       "lab-proxy reverse --listen 127.0.0.1:8080 --backend 127.0.0.1:8001")
    source = found[0]
    if others := set_by_hand - SOURCES[source]:
        raise LabError(f"--{min(others).replace('_', '-')} is given beside --{source.replace('backends', 'backend')}",
                       "the same in the file, which says all" if source == "config" else "it by itself")
    if source == "config":
        return read_file(given["config"])
    if source == "services":
        events, api, access = (given[name] and Path(given[name]) for name in ("events", "api", "access_log"))
        logs = Logs(access, given["log_format"], events, EVERYBODY if given["explain"] else ())
        return of_services(given["services"], given["listen"], logs, api)
    if given["listen"] is None:
        raise LabError("there is no --listen", "ADDRESS:PORT", "--listen 127.0.0.1:8080")
    return of_flags(**{name: given[name] for name in SOURCES["backends"]})


if __name__ == "__main__":
    main(prog_name="python -m l7proxy")
