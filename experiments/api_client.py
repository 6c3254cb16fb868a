"""The other end of the operator's API (balancing/api.py): one request over a Unix socket."""

from __future__ import annotations

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from layerlab import LabError

PATIENCE_S = 30.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over the Unix socket at `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__("lab", timeout=PATIENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        folder = os.open(self._path.parent, os.O_PATH)
        try:  # by way of its folder: a socket's own path may have 107 bytes (unix(7)), and this has fewer
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)


def request(path: Path, method: str, target: str, form: object = None) -> tuple[int, Any]:
    """Ask; return the status and the JSON form of the answer. Raises LabError if nobody answers at `path`."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target, None if form is None else json.dumps(form))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LabError(f"nobody answers at {path}: {error}", "a lab that runs, of the same user",
                       "./lab shell") from None
    finally:
        connection.close()
