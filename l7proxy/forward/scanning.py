"""Words found in a text that comes in pieces, wherever it is cut.

     word      piece       out         kept
     secret    "a sec"     "a "        "sec"      a word may have begun
               "ret, s"    "***, "     "s"
               "o."        "so."       ""

Rules kept here:

1. Kept back is only what a word may have begun with: so whatever the pieces, the same comes out, what is kept is
   shorter than the longest word, and an event that ends in none goes on at once.
2. At one octet the first word in the list wins, then it goes on behind it: what was put in is not searched again.
3. Words are literal, letters of ASCII in any case if so wished: nothing is tried twice, however a text is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """What is looked for, and which rule's it is."""

    octets: bytes
    any_case: bool
    rule: int


class Words:
    """A list of words, compiled."""

    def __init__(self, words: Sequence[Word]) -> None:
        self.rules = [word.rule for word in words]
        self._longest = max(len(word.octets) for word in words)
        self._begun = frozenset(word.octets[:end] for word in words for end in range(1, len(word.octets))
                                if not word.any_case)
        self._begun_lower = frozenset(word.octets.lower()[:end] for word in words for end in range(1, len(word.octets))
                                      if word.any_case)
        self.pattern = re.compile(b"|".join(
            (b"((?i:%b))" if word.any_case else b"(%b)") % re.escape(word.octets) for word in words))

    def begin(self, text: bytes) -> int:
        """Where in `text` a word may begin that isn't whole yet; its length if nowhere."""
        end = len(text)
        for at in range(max(0, end - self._longest + 1), end):
            if text[at:] in self._begun or text[at:].lower() in self._begun_lower:
                return at
        return end


class Scanner:
    """One text. found: is told the rule of each word that is found, and returns what stands in its place."""

    def __init__(self, words: Words, found: Callable[[int], bytes]) -> None:
        self.words, self.found = words, found
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """What of the text is decided."""
        self._kept += data
        return self._scan(self.words.begin(self._kept))

    def end(self) -> bytes:
        """The rest."""
        return self._scan(len(self._kept))

    def _scan(self, decided: int) -> bytes:
        """Everything up to `decided`, and a word that begins before it."""
        text, at, out = self._kept, 0, []
        for match in self.words.pattern.finditer(text):
            if match.start() >= decided:
                break
            out += [text[at:match.start()], self.found(self.words.rules[(match.lastindex or 1) - 1])]
            at = match.end()
        cut = max(at, decided)
        out.append(text[at:cut])
        self._kept = text[cut:]
        return b"".join(out)
