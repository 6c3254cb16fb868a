"""proxy.toml, and the few flags for the simple case: checked as a whole, and made a Config.

     text ──tomllib──► values ──reader──► Forms ──config_build.py──► Config
                                      └─── all faults, each with its line ───┴──► Faults, exit code 2

Rule: flags are written as the file would be, and then read as one: there is one way to make a Config.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l7proxy.config import Config
from l7proxy.config_build import build
from l7proxy.config_lines import KeyPath, key_lines, line_of
from l7proxy.config_reader import Place, Reader
from l7proxy.explain import EVERYBODY
from layerlab import LabError

_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_file(path: Path) -> Config:
    """The Config that the file says. Raises LabError: Faults, if it can be read and is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LabError(f"{path} can't be read: {error.strerror}", "a file in TOML",
                       "docs/proxy.md has examples") from None
    except UnicodeDecodeError as error:
        raise LabError(f"{path} is not UTF-8: {error.reason}", "a file in TOML (TOML 1.0: UTF-8)") from None
    return read_text(text, str(path), path.parent)


def read_text(text: str, name: str, folder: Path) -> Config:
    """The Config that `text` says. name: what errors call it. folder: where the paths in it begin."""
    try:
        form = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = found[1] if found and found[1] else text.count("\n") + 1
        raise LabError(f"{name}:{line}: not TOML: {_AT.sub('', str(error))}", "TOML 1.0",
                       'texts in quotes: algorithm = "round-robin"') from None
    lines = key_lines(text.replace("\r\n", "\n"))

    def place(path: KeyPath) -> Place:
        line = line_of(lines, path)
        return Place(f"{name}:{line}", line)
    return build(Reader(place), form, folder)


# Which flag says what: the beginning of a key path, and the flag.
_FLAGS: dict[KeyPath, str] = {
    ("listener",): "--listen", ("pool", 0, "backends"): "--backend", ("pool", 0, "algorithm"): "--algorithm",
    ("cache",): "--cache", ("log", "access"): "--access-log", ("log", "format"): "--log-format",
    ("log", "events"): "--events", ("api",): "--api",
    ("certificate", 0, "cert"): "--tls-cert", ("certificate", 0, "key"): "--tls-key", ("certificate",): "--tls-cert",
}


def of_flags(*, listen: str, backends: Sequence[str], algorithm: str, cache: str | None, access_log: str | None,
             log_format: str, tls_cert: str | None, tls_key: str | None, events: str | None,
             api: str | None, explain: bool = False) -> Config:
    """The Config that these flags say. Raises LabError."""
    if (tls_cert is None) is not (tls_key is None):
        raise LabError("--tls-cert and --tls-key: there is only one of them", "both, or none for plain HTTP")
    log = {"access": access_log, "format": log_format, "events": events}
    form: dict[str, Any] = {
        "listener": [{"name": "web", "address": listen, "tls": tls_cert is not None}],
        "pool": [{"name": "web", "algorithm": algorithm, "backends": list(backends)}],
        "log": {name: value for name, value in log.items() if value is not None},
    }
    if explain:
        form["log"]["explain"] = [str(network) for network in EVERYBODY]
    if tls_cert:
        form["certificate"] = [{"name": "web", "cert": tls_cert, "key": tls_key}]
    if cache:
        form["cache"] = {"size": cache}
    if api:
        form["api"] = {"socket": api}

    def place(path: KeyPath) -> Place:
        found = next((flag for begins, flag in _FLAGS.items() if path[:len(begins)] == begins), "lab-proxy reverse")
        return Place(found)
    return build(Reader(place), form, Path())


def of_forward_flags(listen: str, allow: Sequence[str], cache: str | None, access_log: str | None,
                     log_format: str) -> Config:
    """The Config of a forward proxy that these flags say. Raises LabError."""
    rule = {"name": "clients", "action": "allow", "clients": list(allow)}
    form: dict[str, Any] = {
        "listener": [{"name": "proxy", "address": listen}],
        "forward": {"rule": [rule]} if allow else {},
        "log": {"format": log_format} | ({"access": access_log} if access_log is not None else {}),
    }

    if cache:
        form["cache"] = {"size": cache}

    def place(path: KeyPath) -> Place:
        flags = _FLAGS | {("forward",): "--allow"}
        return Place(next((flag for begins, flag in flags.items() if path[:len(begins)] == begins),
                          "lab-proxy forward"))
    return build(Reader(place), form, Path())
