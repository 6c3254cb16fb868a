"""`python -m l7proxy`: the command line. It parses, calls, and turns a LabError into exit code 2."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from l7proxy import loop
from l7proxy.accesslog import FORMATS
from l7proxy.config import doors, read_services
from l7proxy.limits import Limits
from l7proxy.server import serve
from layerlab import LabError


@click.command(epilog="Example: python -m l7proxy --services services.json --listen 127.0.0.1:8080")
@click.option("--services", required=True, metavar="FILE.json", type=click.Path(path_type=Path),
              help="A JSON list of services; those of layer l7 are served, the rest is left alone.")
@click.option("--events", metavar="FILE.ndjson", type=click.Path(path_type=Path),
              help="Append what happens to this file: Ready, Assigned, Released, Up, Down, ...")
@click.option("--listen", metavar="ADDRESS[:PORT]",
              help="Listen here instead of on the VIP: for use outside the lab, with one VIP and port.")
@click.option("--api", metavar="SOCKET", type=click.Path(path_type=Path),
              help="Make a Unix socket here, at which this user can see and change the pools (balancing/api.py).")
@click.option("--access-log", metavar="FILE", help="A line for each answer; - for standard output.")
@click.option("--log-format", type=click.Choice(FORMATS), default="text", help="How they are written.")
def main(services: Path, events: Path | None, listen: str | None, api: Path | None, access_log: str | None,
         log_format: str) -> None:
    """Layer Lab's reverse proxy: balances HTTP/1.1 requests, one by one, over the backends of its services."""
    try:
        loop.run(serve(doors(read_services(services), listen), services, events, Limits(), api, access_log,
                       log_format))
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main(prog_name="python -m l7proxy")
