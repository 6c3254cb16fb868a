"""What every room of the lab shares: how it says no.

Rules kept here:

1. Every error of ours says what was seen, what was expected and what to type next.
2. They share one base class, so the command line turns any of them into exit code 2 and no traceback.
3. This file imports nothing of ours; the rooms' walls (tests/test_house.py) don't count it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__version__ = "0.1.0"


class LabError(Exception):
    """Something the user can put right.

    saw: what was found, as a whole sentence without its full stop.
    expected: what would have been right.
    hint: a command or an edit that leads on.
    field: the name of what is wrong, where it is a field of a form.
    """

    def __init__(self, saw: str, expected: str = "", hint: str = "", *, field: str = "") -> None:
        super().__init__(saw)
        self.saw, self.expected, self.hint, self.field = saw, expected, hint, field

    def __str__(self) -> str:
        lines = [self.saw]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"  try:      {self.hint}")
        return "\n".join(lines)


def choice(kind: str, word: str, words: Iterable[str], *, field: str = "") -> str:
    """Return `word` if it is one of `words`; else raise a LabError that names the nearest. field: if it is not `kind`.

    >>> choice("layer", "l3", ["l2", "l3"])
    'l3'
    """
    known = list(words)
    if word in known:
        return word
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.4)
    raise LabError(
        f"there is no {kind} {word!r}",
        "one of " + ", ".join(known),
        f"{near[0]} (did you mean that?)" if near else "",
        field=field or kind,
    )
