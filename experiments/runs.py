"""What was measured, read back: a file with an envelope or a list of them, or the folder of a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from experiments.envelope import Envelope
from layerlab import LabError

RUN = "run.json"  # in the folder of a report: everything that was run


def read_run(path: Path) -> list[Envelope]:
    """The envelopes of a run, in its order; of a folder without RUN, all that is in it. Raises LabError for what is
    none."""
    if path.is_dir():
        single = [] if (path / RUN).exists() else sorted(path.glob("*.json"))
        if single:
            return [envelope for one in single for envelope in read_run(one)]
        path = path / RUN
    try:
        form = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"can't read {path}: {error.strerror}", "a run's JSON, or the folder of its report",
                       f"./lab run --all --quick --json {RUN}") from None
    except ValueError as error:
        raise LabError(f"{path} is no JSON: {error}", "what --json has written") from None
    found = [_envelope(path, one) for one in (form if isinstance(form, list) else [form])]
    if not found:
        raise LabError(f"{path} is an empty list", "an experiment's envelope, or several")
    return found


def _envelope(path: Path, form: Any) -> Envelope:
    """One of them, or LabError with what is missing."""
    kinds = {"name": str, "seed": int, "environment": dict, "tables": dict}
    wrong = list(kinds) if not isinstance(form, dict) else [
        key for key, kind in kinds.items() if not isinstance(form.get(key), kind)]
    if not wrong and not all(isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
                             for rows in form["tables"].values()):
        wrong = ["tables"]
    if wrong:
        raise LabError(f"{path} is no envelope: {', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not as written",
                       "what --json has written, with name, seed, environment and tables")
    return Envelope(**{key: form[key] for key in kinds})
