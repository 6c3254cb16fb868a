"""Reads a table of values by a table of keys, and goes on after an error: who mends a file wants to hear of all.

     {"name": "web", "algoritm": ...}  ──SECTIONS["pool"]──►  Form(fields=..., path=("pool", 0))
                                             └──► faults: "proxy.toml:7: there is no key of [[pool]] 'algoritm'"

Rules kept here:

1. Every fault says where it stands, what was seen, what was expected, and what to type where that can be known.
2. What a table with a fault would have become is not built: what follows from a fault is not told as one more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from l7proxy.config_keys import REQUIRED, SECTIONS, Inner, Key
from l7proxy.config_kinds import Kind, backend
from l7proxy.config_lines import KeyPath
from layerlab import LabError, choice

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Place:
    """Where something is said: the words for it, and its rank among the others."""

    words: str
    rank: int = 0


class Faults(LabError):
    """All that is wrong with a configuration: each error a LabError, in the order of their places."""

    def __init__(self, errors: Sequence[LabError]) -> None:
        super().__init__(errors[0].saw, errors[0].expected, errors[0].hint, field=errors[0].field)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))


@dataclass(frozen=True)
class Form:
    """A table that was read. whole: without a fault in it, or in any table inside."""

    path: KeyPath
    fields: Mapping[str, Any]
    whole: bool

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


class Reader:
    """Reads one configuration. place: where something stands, by its key path."""

    def __init__(self, place: Callable[[KeyPath], Place]) -> None:
        self.place = place
        self._faults: list[tuple[int, LabError]] = []

    def fault(self, path: KeyPath, saw: str, expected: str = "", hint: str = "") -> None:
        """Note an error at `path`."""
        place = self.place(path)
        self._faults.append((place.rank, LabError(f"{place.words}: {saw}", expected, hint)))

    def attempt(self, path: KeyPath, make: Callable[[], Thing], keys: Mapping[str, str] | None = None) -> Thing | None:
        """What `make` makes; None, and a fault, if it raises a LabError. keys: by what its fields are called there."""
        try:
            return make()
        except LabError as error:
            key = (keys or {}).get(error.field, error.field)
            self.fault((*path, key) if key else path, error.saw, error.expected, error.hint)
            return None

    def made(self, form: Form | None, make: Callable[[Mapping[str, Any]], Thing],
             keys: Mapping[str, str] | None = None) -> Thing | None:
        """What `make` makes of a form's fields; None without one, or if there is, or comes, a fault."""
        return self.attempt(form.path, lambda: make(form.fields), keys) if form and form.whole else None

    def each(self, path: KeyPath, kind: Callable[..., Thing], fields: Mapping[str, Any]) -> Thing | None:
        """A `kind` of these fields; None after a fault. Each is tried by itself first: a faulty one hides no other."""
        tried = [self.attempt(path, lambda: kind(**{name: value})) for name, value in fields.items()]  # noqa: B023
        return self.attempt(path, lambda: kind(**fields)) if None not in tried else None

    def named(self, path: KeyPath, name: str, known: Iterable[str], what: str) -> bool:
        """Whether `name` is one of `known`; if not, it is a fault at `path`."""
        return self.attempt(path, lambda: choice(what, name, known)) is not None

    def unique(self, path: KeyPath, what: str, value: object, seen: dict[object, KeyPath]) -> bool:
        """Whether `value` has not been seen before, elsewhere; if it has, it is a fault."""
        if (before := seen.setdefault(value, path)) != path:
            self.fault(path, f"there are two {what} {value}: the other is at {self.place(before).words}", "each once")
        return before == path

    @property
    def faulty(self) -> int:
        """How many faults there are so far."""
        return len(self._faults)

    def check(self) -> None:
        """Raise Faults if there are any."""
        if self._faults:
            raise Faults([error for _, error in sorted(self._faults, key=lambda fault: fault[0])])

    # Reading.

    def table(self, value: object, section: str, path: KeyPath = ()) -> Form:
        """The table of `section` that stands at `path`."""
        before = self.faulty
        if not isinstance(value, dict):
            self.fault(path, f"{path[-1]} is {value!r}", f"a table: {title(section)}")
            return Form(path, {}, False)
        keys = {key.name: key for key in SECTIONS[section]}
        for name in value:
            if name not in keys:
                self.named((*path, name), name, keys, f"key of {title(section)}")
        fields = {name: self._value(value, key, path, section) for name, key in keys.items()}
        return Form(path, fields, self.faulty == before)

    def _value(self, table: dict[str, Any], key: Key, path: KeyPath, section: str) -> Any:
        """The value of `key` in `table`, or its default."""
        at = (*path, key.name)
        if key.name not in table:
            if key.default is REQUIRED:
                words = key.kind.words if isinstance(key.kind, Kind) else title(key.kind.section)
                self.fault(path, f"{title(section)} has no {key.name}", words)
            return None if key.default is REQUIRED else key.default
        value = table[key.name]
        if isinstance(key.kind, Inner):
            return self._tables(value, key.kind, at) if key.kind.many else self.table(value, key.kind.section, at)
        try:
            return key.kind.read(value)
        except LabError as error:
            saw = f"{key.name}: {error.saw}" if error.saw else f"{key.name} is {value!r}"
            self.fault(at, saw, error.expected, error.hint)
            return None

    def _tables(self, value: object, kind: Inner, path: KeyPath) -> tuple[Form, ...]:
        if not isinstance(value, list) or not value:
            self.fault(path, f"{path[-1]} is {value!r}", f"a list of {title(kind.section)}")
            return ()
        return tuple(self._one(one, kind, (*path, place)) for place, one in enumerate(value))

    def _one(self, value: object, kind: Inner, path: KeyPath) -> Form:
        if kind.brief and isinstance(value, str):
            fields = self.attempt(path, lambda: backend(value))
            return self.table(fields, kind.section, path) if fields else Form(path, {}, False)
        return self.table(value, kind.section, path)


def title(section: str) -> str:
    """What a section is called: [[pool]], [pool.health]."""
    many = section in ("listener", "certificate", "pool", "route", "pool.backends", "forward.rule", "forward.filter")
    return f"[[{section}]]" if many else f"[{section}]" if section else "the file"
