"""`python -m controller`: the balancer under Ryu, without Ryu's command line."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from layerlab import LabError


@click.command()
@click.option("--services", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="JSON file with a list of services; those of L7 are left to the proxy.")
@click.option("--events", type=click.Path(dir_okay=False, path_type=Path),
              help="Append events to this file, as NDJSON.")
@click.option("--api", type=click.Path(dir_okay=False, path_type=Path),
              help="Answer operators on this Unix socket (balancing/api.py).")
@click.option("--listen", default="127.0.0.1:6653", show_default=True, help="ADDRESS:PORT for switches to connect to.")
@click.option("--app", default="controller.app", show_default=True, help="Module of the app, such as controller.l3.")
def main(services: Path, events: Path | None, api: Path | None, listen: str, app: str) -> None:
    """Run the balancer.

    Example: python -m controller --services services.json --events events.ndjson
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.environ["LAYER_LAB_SERVICES"] = str(services)
    if events:
        os.environ["LAYER_LAB_EVENTS"] = str(events)
    if api:
        os.environ["LAYER_LAB_API"] = str(api)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise LabError(f"--listen is {listen!r}", "ADDRESS:PORT", "--listen 127.0.0.1:6653")
    from controller import framework  # a second's work: not before the options are known to be right

    framework.run(app, host, int(port))


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
