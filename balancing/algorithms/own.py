"""An algorithm of your own: a class in a file of yours, by the word FILE.py:CLASS (examples/last_byte.py is one).

    examples/last_byte.py:LastByte ──load──► the class ──trial on three servers──► it fits, or says why not

It is tried before anything is built, on a pool of three, because later its mistakes would end a controller. What
counts is what the file says now: changed, it is loaded anew.
"""

from __future__ import annotations

import inspect
import math
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from balancing.algorithms.base import Algorithm
from layerlab import LabError, choice

if TYPE_CHECKING:
    from balancing.pool import Pool

EXAMPLE = "examples/last_byte.py:LastByte"


def is_own(word: str) -> bool:
    """Whether `word` has the form FILE.py:CLASS."""
    return isinstance(word, str) and (".py:" in word or word.endswith(".py"))


def full_name(word: str) -> str:
    """`word` with its file's path from the root, so that it means the same everywhere; other words as they are."""
    if not is_own(word):
        return word
    path, _, name = word.rpartition(":") if ".py:" in word else (word, "", "")
    try:
        return f"{Path(path).resolve()}:{name}"
    except (OSError, RuntimeError, ValueError):
        return f"{path}:{name}"  # no path at all: `load` says so


def load(word: str) -> type[Algorithm]:
    """The class that `word`, FILE.py:CLASS, names. Raises LabError, in a student's terms, where it doesn't fit."""
    text, _, name = word.rpartition(":")
    try:
        source = Path(text).read_bytes()
    except (OSError, ValueError) as error:
        raise LabError(f"the algorithm's file {text} can't be read: {getattr(error, 'strerror', None) or error}",
                       "FILE.py:CLASS", EXAMPLE, field="algorithm") from None
    return _load(Path(text), name, source)


def begin(word: str, pool: Pool) -> Algorithm:
    """The class that `word` names, bound to `pool`. Raises LabError where it doesn't fit, or can't begin with it."""
    kind = load(word)
    try:
        return kind(pool)
    except (Exception, SystemExit) as error:  # whatever a student's class does
        raise _failed(Path(word.rpartition(":")[0]), f"{kind.__name__} can't begin with {pool!r}", error) from None


@lru_cache(maxsize=32)
def _load(path: Path, name: str, source: bytes) -> type[Algorithm]:
    module = _run(path, source)
    classes = [key for key, value in vars(module).items()
               if inspect.isclass(value) and value.__module__ == module.__name__]
    if not classes:
        raise LabError(f"{path} defines no class", "one that is an Algorithm", EXAMPLE, field="algorithm")
    choice(f"class in {path}:", name, classes, field="algorithm")
    kind: type[Algorithm] = getattr(module, name)
    if not issubclass(kind, Algorithm):
        raise LabError(f"{name} in {path} is not an Algorithm", f"class {name}(Algorithm)",
                       "from balancing import Algorithm", field="algorithm")
    if missing := sorted(kind.__abstractmethods__):
        raise LabError(f"{name} has no {' and no '.join(missing)}", "choose(self, unit) and scores(self, unit)",
                       "balancing/algorithms/base.py says what they return; Stateless brings a scores of its own",
                       field="algorithm")
    _trial(path, kind)
    return kind


def _run(path: Path, source: bytes) -> ModuleType:
    """The module in the file. Raises LabError with the line in it that went wrong.

    Compiled here: Python's import would keep a compiled file and, within a second, take it for the changed one.
    """
    module = ModuleType(f"own_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look there
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))
    except (Exception, SystemExit) as error:  # whatever a student's file does
        raise _failed(path, f"{path} can't be loaded", error) from None
    return module


def _trial(path: Path, kind: type[Algorithm]) -> None:
    """Let it choose a few times. Raises LabError for what it does that no algorithm may."""
    from balancing.pool import Pool  # they need this file
    from balancing.service import Backend, Service
    from balancing.unit import Unit

    backends = tuple(Backend(n, f"s{n}", f"192.0.2.{n}") for n in (1, 2, 3))  # type: ignore[arg-type]
    pool = Pool(Service(1, "trial", "192.0.2.100", "l7", backends, port=80))  # type: ignore[arg-type]
    try:
        pool.algorithm = algorithm = kind(pool)
        for number in range(6):
            unit = Unit((f"198.51.100.{number}", number), bytes((198, 51, 100, number)))
            scores, chosen = algorithm.scores(unit), algorithm.choose(unit)
            _check_choice(kind, chosen, pool.candidates)
            _check_scores(kind, scores, {server.name for server in pool.candidates})
            pool.take(chosen)
            if number % 2:
                pool.release(unit, chosen)
            pool.set_up(pool.servers[3], number % 2 == 0)
    except LabError:
        raise
    except (Exception, SystemExit) as error:  # whatever a student's class does
        raise _failed(path, f"{kind.__name__} failed when it was tried on three servers", error) from None


def _check_choice(kind: type[Algorithm], chosen: object, candidates: tuple[object, ...]) -> None:
    if any(chosen is server for server in candidates):
        return
    hint = ("the server itself, not its name" if isinstance(chosen, str)
            else "a return in every branch" if chosen is None
            else "look at self.pool.candidates in every choose: who is down is not among them")
    raise LabError(f"{kind.__name__}.choose returned {chosen!r}", "one of self.pool.candidates", hint,
                   field="algorithm")


def _check_scores(kind: type[Algorithm], scores: object, names: set[str]) -> None:
    if isinstance(scores, dict) and set(scores) == names and all(map(_is_score, scores.values())):
        return
    raise LabError(f"{kind.__name__}.scores returned {scores!r}",
                   f"a dict with a number for each of {', '.join(sorted(names))}",
                   "{server.name: 1.0 for server in self.pool.candidates}, the highest for whoever is next",
                   field="algorithm")


def _is_score(value: object) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _failed(path: Path, what: str, error: BaseException) -> LabError:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        line = error.lineno
    else:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = lines[-1] if lines else None
    where = f", line {line}" if line else ""
    why = error.msg if isinstance(error, SyntaxError) else error
    return LabError(f"{what}{where}: {type(error).__name__}: {why}", "a class that chooses among its candidates",
                    EXAMPLE, field="algorithm")
