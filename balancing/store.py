"""The services file: a JSON list of Service forms, read at the start; what an operator changes is written back.

So a controller or proxy that is started again knows of every server that was added, drained or given another weight.
Controller and proxy share one file, each with services of its own: a change replaces those, under a lock, and the file
is whole at every moment (written beside its place and renamed).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from balancing.service import Service
from layerlab import LabError


def load(path: Path) -> list[Service]:
    """All services in the file. Raises LabError if it can't be read, or holds anything else."""
    return [Service.from_json(form) for form in _forms(path)]


def save(path: Path, changed: Iterable[Service]) -> None:
    """Put the `changed` services in the place of those with their ids. Raises LabError if that can't be done."""
    now = {service.id: service.to_json() for service in changed}
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # the folder's, for the file itself is another after each change
            forms = [now.get(form.get("id"), form) for form in _forms(path)]
            new = path.with_name(f".{path.name}.{os.getpid()}")
            new.write_text(json.dumps(forms, indent=2) + "\n")
            new.replace(path)
        finally:
            os.close(folder)
    except OSError as error:
        raise LabError(f"{path} can't be written: {error.strerror}", "a file that may be changed") from None


def _forms(path: Path) -> list[Any]:
    try:
        forms = json.loads(path.read_text())
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}", "a file of services in JSON") from None
    except ValueError as error:
        raise LabError(f"{path} is not JSON: {error}", "a list of services in JSON") from None
    if not isinstance(forms, list):
        raise LabError(f"{path} holds a {type(forms).__name__}", "a list of services in JSON")
    return forms
