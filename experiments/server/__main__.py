"""Start one server, say "ready", serve until SIGTERM or SIGINT.

    python -m experiments.server --name s1 --port 80 --port 8001 --udp 9000 --workers 2 --service-time 0.01

Prints one line when every port is bound: `ready http=80,8001 udp=9000`. Exit code 0 after a signal,
2 after bad input.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from experiments.server.asides import Asides
from experiments.server.connection import Connection
from experiments.server.counts import Counts
from experiments.server.listen import BACKLOG, bind_port
from experiments.server.queues import Queues
from experiments.server.settings import Settings
from experiments.server.udp import Echo
from layerlab import LabError

# argparse, not click: click's import alone would cost a quarter of the start.


class Words(argparse.ArgumentParser):
    """An ArgumentParser whose complaints are LabErrors like all others."""

    def error(self, message: str) -> NoReturn:
        raise LabError(message, "", f"{self.prog} --help")


def read_settings(words: Sequence[str]) -> Settings:
    """The settings that a command line asks for. Raises LabError."""
    parser = Words("python -m experiments.server", description="The lab's server: says who it is and whom it saw.",
                   epilog="GET /_stats says what it counted. PUT /_capacity?workers=N&slowness=F changes its capacity; "
                          "?bytes=N&sleep=SECONDS, one answer.")
    parser.add_argument("--name", default="server", help="what it calls itself (default: server)")
    parser.add_argument("--port", dest="ports", type=int, action="append", default=[], metavar="N",
                        help="HTTP port, may be repeated; 0 takes a free one")
    parser.add_argument("--udp", dest="udp_ports", type=int, action="append", default=[], metavar="N",
                        help="UDP echo port, may be repeated; 0 takes a free one")
    parser.add_argument("--address", dest="addresses", action="append", default=[], metavar="ADDR",
                        help="address to listen on, may be repeated (default: all)")
    parser.add_argument("--workers", type=int, metavar="N", help="requests served at a time (default: any number)")
    parser.add_argument("--apart", action="store_true", help="workers and a queue for each port, not one for all")
    parser.add_argument("--service-time", dest="service_time_s", type=float, default=0.0, metavar="SECONDS",
                        help="how long each request takes (default: 0)")
    parser.add_argument("--body", dest="body_bytes", type=int, default=0, metavar="BYTES",
                        help="least size of an answer (default: as it comes)")
    given = vars(parser.parse_args(words))
    fields: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}
    return Settings(**fields)


async def serve(settings: Settings) -> None:
    """Bind, print the ready line, serve until a signal. Raises LabError if a port can't be had."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    counts, queues = Counts(), Queues(settings.workers, settings.apart, loop)
    asides = Asides(settings.name, counts, queues)
    http = [bind_port(port, socket.SOCK_STREAM, settings.addresses) for port in settings.ports]
    udp = [bind_port(port, socket.SOCK_DGRAM, settings.addresses) for port in settings.udp_ports]
    for sockets in http:
        capacity = queues.of_port(sockets[0].getsockname()[1])
        connection = partial(Connection, settings, capacity, counts, asides)
        for sock in sockets:
            await loop.create_server(connection, sock=sock, backlog=BACKLOG)
    for sock in (sock for sockets in udp for sock in sockets):
        loop.add_reader(sock, Echo(sock, settings.name, counts).on_readable)
    print(ready_line(http, udp), flush=True)
    await stop.wait()


def ready_line(http: Sequence[Sequence[socket.socket]], udp: Sequence[Sequence[socket.socket]]) -> str:
    """`ready http=80,8001 udp=9000`: the ports in the order asked for, with those the kernel chose."""
    words = ["ready"]
    for name, ports in (("http", http), ("udp", udp)):
        if ports:
            words.append(f"{name}=" + ",".join(str(sockets[0].getsockname()[1]) for sockets in ports))
    return " ".join(words)


def main(words: Sequence[str]) -> int:
    """Run the server that `words` ask for; return the exit code."""
    try:
        asyncio.run(serve(read_settings(words)))
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
