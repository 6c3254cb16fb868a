"""Labs without a network, for tests of the command line: real pools behind the real API, on real sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from balancing import Pool, Service
from balancing.api import Api, View
from balancing.api_http import Desk, private
from topologies.running import Capsule


class DeskLab:
    """A lab's folder with `services` in it, their API listening. id: as that of a running lab.

    views: what else the API shows; none at first.
    """

    def __init__(self, id: int, place: Path, services: Sequence[Service], topology: str = "flat",
                 socket_name: str = "controller.sock") -> None:
        self.capsule = Capsule(id, place)
        self.folder = place / f"{topology}1"
        self.folder.mkdir(parents=True)
        (self.folder / "services.json").write_text(json.dumps([service.to_json() for service in services]))
        for backend in services[0].backends:
            (self.folder / f"{backend.name}.out").touch()
        self.pools = {service.name: Pool(service) for service in services}
        self.views: dict[str, View] = {}
        self._desk = Desk(Api(self.pools, views=self.views).answer)
        self._listener = socket.socket(socket.AF_UNIX)
        with contextlib.chdir(self.folder), private(Path(socket_name)) as path:  # a short name in a long folder
            self._listener.bind(path)
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._desk.serve(self._listener.accept()[0])

    def close(self) -> None:
        """Answer no longer."""
        with contextlib.suppress(OSError):  # it has been closed before
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


Start = Callable[..., DeskLab]  # what the fixture start_desk gives: DeskLab without its place
