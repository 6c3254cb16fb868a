"""What a table of a report may bring with it: a reading in words, and pictures.

    rows ──► Reading   what is to be seen and why, in sentences
         └─► Figure    where people would rather look

Rules kept here:

1. Both are pure functions of the rows. A sentence never says what the rows don't, so a run that came
   out otherwise than predicted says so by itself.
2. No table needs a section: without one, plain.py reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from experiments.envelope import Row

Rows = Sequence[Row]


@dataclass(frozen=True)
class Reading:
    """A table in words.

    verdict:      one sentence, above the picture.
    words:        paragraphs, below the table: what is to be seen and why.
    points:       after them a list, each point with what it is about.
    as_predicted: None where nothing was predicted.
    """

    verdict: str
    words: tuple[str, ...] = ()
    as_predicted: bool | None = None
    points: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Picture:
    """A plot of a table.

    title:   what it shows, in a few words.
    caption: how to read it: what a bar, a colour and a mark mean.
    draw:    called within plot.style(), which says how lines and letters look.
    """

    title: str
    caption: str
    draw: Callable[[Rows], Figure]


@dataclass(frozen=True)
class Section:
    """Everything a report says about one table. question: the heading."""

    question: str
    read: Callable[[Rows], Reading]
    pictures: tuple[Picture, ...] = ()
