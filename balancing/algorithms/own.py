"""An algorithm of your own: a class in a file of yours, by the word FILE.py:CLASS (examples/last_byte.py is one).

    examples/last_byte.py:LastByte ──load──► the class ──trial on three servers──► it fits, or says why not

It is tried before anything is built, on a pool of three, because later its mistakes would end a controller.
"""

from __future__ import annotations

import importlib.util
import inspect
import traceback
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from balancing.algorithms.base import Algorithm
from layerlab import LabError, choice

EXAMPLE = "examples/last_byte.py:LastByte"


def is_own(word: str) -> bool:
    """Whether `word` has the form FILE.py:CLASS."""
    return ".py:" in word or word.endswith(".py")


def full_name(word: str) -> str:
    """`word` with its file's path from the root, so that it means the same everywhere; other words as they are."""
    if not is_own(word):
        return word
    path, _, name = word.rpartition(":") if ".py:" in word else (word, "", "")
    return f"{Path(path).resolve()}:{name}"


def load(word: str) -> type[Algorithm]:
    """The class that `word`, FILE.py:CLASS, names. Raises LabError, in a student's terms, where it doesn't fit."""
    text, _, name = word.rpartition(":")
    path = Path(text)
    try:
        changed_ns = path.stat().st_mtime_ns
    except OSError as error:
        raise LabError(f"there is no algorithm's file {path}: {error.strerror}", "FILE.py:CLASS", EXAMPLE,
                       field="algorithm") from None
    return _load(path, name, changed_ns)


@lru_cache(maxsize=32)
def _load(path: Path, name: str, changed_ns: int) -> type[Algorithm]:
    module = _run(path)
    classes = [key for key, value in vars(module).items()
               if inspect.isclass(value) and value.__module__ == module.__name__]
    if not classes:
        raise LabError(f"{path} defines no class", "one that is an Algorithm", EXAMPLE, field="algorithm")
    choice(f"class in {path}:", name, classes)
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


def _run(path: Path) -> ModuleType:
    """The module in the file. Raises LabError with the line in it that went wrong."""
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a student's file does
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
        algorithm = kind(pool)
        for number in range(6):
            unit = Unit((f"198.51.100.{number}", number), bytes((198, 51, 100, number)))
            scores, chosen = algorithm.scores(unit), algorithm.choose(unit)
            _check(kind, scores, chosen, pool.candidates)
            pool.set_up(pool.servers[3], number % 2 == 0)
    except LabError:
        raise
    except Exception as error:  # whatever a student's class does
        raise _failed(path, f"{kind.__name__} failed when it was tried on three servers", error) from None


def _check(kind: type[Algorithm], scores: object, chosen: object, candidates: tuple[object, ...]) -> None:
    if chosen not in candidates:
        raise LabError(f"{kind.__name__}.choose returned {chosen!r}", "one of self.pool.candidates", field="algorithm")
    names = {str(getattr(server, "name", server)) for server in candidates}
    if not isinstance(scores, dict) or set(scores) != names:
        raise LabError(f"{kind.__name__}.scores returned {scores!r}",
                       f"a number for each of {', '.join(sorted(names))}", field="algorithm")


def _failed(path: Path, what: str, error: Exception) -> LabError:
    if isinstance(error, SyntaxError):
        line = error.lineno
    else:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = lines[-1] if lines else None
    where = f", line {line}" if line else ""
    return LabError(f"{what}{where}: {type(error).__name__}: {error}", "a class that chooses among its candidates",
                    EXAMPLE, field="algorithm")
