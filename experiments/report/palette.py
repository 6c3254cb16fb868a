"""The colours of a report, each in light and in dark.

A plot is drawn once, in the light colours. Then each colour in its SVG is replaced by the CSS variable
of the same name (plot.py), and the browser chooses light or dark, also long after the report was made.

Rules kept here (tests/experiments/report/test_palette.py computes them):

1. No two names share a light colour, or the way back to the name would be lost.
2. Text keeps a contrast of 4.5 to what it stands on, a bar 3 to the paper (WCAG 2.1, 1.4.3 and 1.4.11).
3. Neighbouring servers, and the first three, are told apart by eyes without red or without green cones.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[str, str]] = {  # name: on light paper, on dark paper
    "paper": ("#ffffff", "#12161c"),
    "panel": ("#f5f6f8", "#1a2029"),
    "ink": ("#1a2230", "#e8ecf2"),
    "faint": ("#566070", "#a3aebd"),
    "line": ("#d5dae1", "#39424f"),
    "tint": ("#e6eef7", "#1f2d3f"),
    "accent": ("#0b57a4", "#7db8f5"),
    "good": ("#00704e", "#4fd1a5"),
    "bad": ("#b3261e", "#ff8f85"),
    "on": ("#fefefe", "#10141a"),  # text on a bar
    "s1": ("#0a67ad", "#5cb3f0"),
    "s2": ("#b84a00", "#f59a55"),
    "s3": ("#067a62", "#43cfae"),
    "s4": ("#8e3b86", "#dd9bd6"),
    "s5": ("#7d6200", "#e2c044"),
    "s6": ("#44546a", "#b7c3d3"),
}
SERVER_COLOURS = 6

NAMES = {light: name for name, (light, _) in COLOURS.items()}  # the way back


def colour(name: str) -> str:
    """The light colour: what a plot is drawn with."""
    return COLOURS[name][0]


def server_colour(number: int) -> str:
    """The colour of server `number`, from 0; they come round again after six."""
    return colour(f"s{number % SERVER_COLOURS + 1}")


def variables(dark: bool = False) -> str:
    """The CSS that gives every name its colour."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in COLOURS.items())
