"""The envelope: the one form in which every experiment and benchmark hands over what it found.

    {"name": "compare", "seed": 1,
     "environment": {"datapath": "system", "framework": "ryu 4.34", "cores": 2, …},
     "tables": {"ladder": [{"layer": "l2", "situation": "flat", …}, …]}}

Rules kept here:

1. A file is whole or not there: it is written beside its place and renamed.
2. Whether it can be written is found out before the experiment runs, not after.
3. Only what JSON can say: addresses and paths become strings; NaN and infinity are refused.
"""

from __future__ import annotations

import csv
import ipaddress
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from layerlab import LabError

Row = Mapping[str, object]


@dataclass(frozen=True)
class Envelope:
    """What one run found.

    environment: where it ran (environment.py).
    tables:      by name, each a list of rows; a row's keys are the table's columns.
    """

    name: str
    seed: int
    environment: Mapping[str, object]
    tables: Mapping[str, Sequence[Row]]

    def to_json(self) -> str:
        """The one JSON form, indented. Raises ValueError or TypeError for what JSON can't say."""
        form = {"name": self.name, "seed": self.seed, "environment": self.environment, "tables": self.tables}
        return json.dumps(form, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"

    def write(self, path: Path) -> None:
        """Write the JSON form to `path`. Raises LabError if that can't be done."""
        write_whole(path, self.to_json())

    def write_report(self, folder: Path) -> list[Path]:
        """Write NAME.json and a NAME.TABLE.csv for every table into `folder`, and return the paths.

        The folder is made if it isn't there. Raises LabError if that can't be done.
        """
        check_report(folder)
        texts = {f"{self.name}.json": self.to_json()}
        texts |= {f"{self.name}.{table}.csv": to_csv(rows) for table, rows in self.tables.items()}
        for name, text in texts.items():
            write_whole(folder / name, text)
        return [folder / name for name in texts]


def columns(rows: Iterable[Row]) -> list[str]:
    """The columns of a table: every key of its rows, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in rows for key in row))


def to_csv(rows: Sequence[Row]) -> str:
    """A table as CSV (RFC 4180: lines end in CRLF); a nested value is a cell of JSON."""
    lines: list[str] = []
    # A csv writer wants a file; all that it needs of one is `write`.
    writer = csv.writer(_Lines(lines))
    names = columns(rows)
    writer.writerow(names)
    writer.writerows([_csv_cell(row.get(name)) for name in names] for row in rows)
    return "".join(lines)


def check_writable(path: Path) -> None:
    """Raise LabError unless a file can be written at `path`. Call it before the experiment runs."""
    if path.exists() and not path.is_file():
        raise LabError(f"can't write {path}: it is not an ordinary file", "a file's name, such as result.json")
    if not path.parent.is_dir():
        raise LabError(f"can't write {path}: there is no folder {path.parent}", "a folder that exists",
                       f"mkdir -p {path.parent}")
    try:  # trying is the only honest test: modes alone don't know read-only mounts, full disks or root
        trial = _beside(path)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from None


def check_report(folder: Path) -> None:
    """Make `folder` if it isn't there; raise LabError unless files can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    check_writable(folder / "table.csv")


def write_whole(path: Path, text: str) -> None:
    """Write a file whole, or leave the old one. Raises LabError if that can't be done."""
    check_writable(path)
    new = _beside(path)
    try:
        new.write_text(text, encoding="utf-8", newline="")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def _csv_cell(value: object) -> object:
    nested = isinstance(value, Mapping | list | tuple)
    return json.dumps(value, ensure_ascii=False, default=_plain) if nested else value


def _plain(value: object) -> str:
    if isinstance(value, ipaddress.IPv4Address | ipaddress.IPv6Address | os.PathLike):
        return str(value)
    raise TypeError(f"a row has a {type(value).__name__}, {value!r}; expected what JSON can say")


def _beside(path: Path) -> Path:
    """Where a file waits until it is whole: the same folder, or renaming would not be atomic."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def _unwritable(path: Path, error: OSError) -> LabError:
    return LabError(f"can't write {path}: {os.strerror(error.errno or 0)}", "a place that you may write to")
