"""Where each key of a TOML document stands: from key path to line, for errors that name it (TOML 1.0).

     1  [[pool]]                            ("pool",) ("pool", 0)  1
     2  name = "web"                        ("pool", 0, "name")    2
     3  health.path = "/up"         ──►     ("pool", 0, "health") ("pool", 0, "health", "path")  3
     4  backends = ["127.0.0.1:8001",       ("pool", 0, "backends") ("pool", 0, "backends", 0)  4
     5      "127.0.0.1:8002"]               ("pool", 0, "backends", 1)  5

tomllib keeps no positions, tomlkit doesn't tell them, and the one parser on the index that does is nobody's any more.
So tomllib reads what the document says, and this only walks over it once more.

Rules kept here:

1. The document is valid: tomllib has read it. So nothing is checked here, only passed over.
2. What a string says is tomllib's to say, even in a quoted key.
3. What stands in several places (a table, by its keys) is where it is first named.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(r"\[\[?")
_KEY = re.compile(r"""[ \t]*([A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*')[ \t]*""")
_TEXT = re.compile(r'''(?sx) """(?:\\.|[^\\])*?"""  "{0,2} | \'\'\'.*?\'\'\' \'{0,2}
                           | "(?:\\.|[^"\\])*" | \'[^\']*\' ''')
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """The line of `path`; of something that isn't there, that of the nearest table around it; 1 for the document."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every key, table and array element in `text`, a document that tomllib accepts."""
    return _Walk(text).lines


class _Walk:
    """One pass over a document. `at`: how far it has come."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[KeyPath, int] = {}
        self._arrays: dict[KeyPath, int] = {}  # arrays of tables, and how many they have
        self._counted = 0, 1  # up to where lines have been counted, and which that is
        table: KeyPath = ()
        while begins := self._next():
            table = self._header() if begins == "[" else self._pair(table)

    def _next(self) -> str:
        """Go over what says nothing; return the character that comes then, or nothing at the end."""
        self._passed(_BLANK)
        return self.text[self.at:self.at + 1]

    def _passed(self, pattern: re.Pattern[str]) -> str:
        """Go over what `pattern` matches here, and return it."""
        found = pattern.match(self.text, self.at)
        assert found, f"not TOML at line {self._line()}"
        self.at = found.end()
        return found[0]

    def _line(self) -> int:
        before, line = self._counted
        line += self.text.count("\n", before, self.at)
        self._counted = self.at, line
        return line

    def _note(self, path: KeyPath, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _header(self) -> KeyPath:
        """[a.b] or [[a.b]]: which table its keys belong to. A name of an array of tables means its last one."""
        line, many = self._line(), self._passed(_HEADER) == "[["
        path: KeyPath = ()
        keys = list(self._keys())
        for place, key in enumerate(keys):
            path = (*path, key)
            if many and place == len(keys) - 1:
                self._arrays[path] = self._arrays.get(path, 0) + 1
            if path in self._arrays:
                path = (*path, self._arrays[path] - 1)
        self.at += 2 if many else 1
        self._note(path, line)
        return path

    def _keys(self) -> Iterator[str]:
        """The parts of a dotted key."""
        while True:
            found = _KEY.match(self.text, self.at)
            assert found, f"not a key at line {self._line()}"
            self.at = found.end()
            yield next(iter(tomllib.loads(f"{found[1]} = 0")))
            if not self.text.startswith(".", self.at):
                return
            self.at += 1

    def _pair(self, table: KeyPath) -> KeyPath:
        """key = value; return the table that it stands in, and the next one too."""
        line = self._line()
        path = (*table, *self._keys())
        self._note(path, line)
        self.at += 1  # the equals sign
        self._value(path)
        return table

    def _value(self, path: KeyPath) -> None:
        opening = self._next()
        if opening in ("[", "{"):
            self._several(path, "]" if opening == "[" else "}")
        else:
            self._passed(_TEXT if opening in "\"'" else _SCALAR)

    def _several(self, path: KeyPath, end: str) -> None:
        """An array, whose elements are numbered, or an inline table."""
        self.at += 1
        number = 0
        while (begins := self._next()) != end:
            if begins == ",":
                self.at += 1
            elif end == "}":
                self._pair(path)
            else:
                self._note((*path, number), self._line())
                self._value((*path, number))
                number += 1
        self.at += 1
