"""Plots: matplotlib figures that become a part of the page.

    figure ──► SVG ──► ids of its own, colours by name, text as text ──► inline in the page

Rules kept here:

1. Only matplotlib's SVG backend, never pyplot: no display, no global state, nobody's matplotlibrc.
2. The same rows give the same bytes: fixed salt, no date.
3. Every colour comes from the palette, so that the plot is right in light and in dark.
4. Drawn as wide as a telephone, so that its letters can be read there.
5. Text stays text: it can be searched, copied and read out, and nothing in it is taken for mathematics.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from experiments.report.palette import NAMES, colour

WIDTH = 390  # points, which are the page's pixels at full size
SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
FONT = re.compile(r"'DejaVu Sans'[^;]*")
HEX = re.compile(r"#[0-9a-f]{6}\b")
REFERENCE = re.compile(r"url\(#")
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

STYLE: Any = {  # matplotlib's own type lists every setting that this release has
    "figure.dpi": 72, "savefig.dpi": 72, "figure.facecolor": "none", "savefig.facecolor": "none",
    "svg.fonttype": "none", "svg.hashsalt": "layer-lab", "text.parse_math": False,
    "font.family": ["sans-serif"], "font.sans-serif": ["DejaVu Sans"], "text.color": colour("ink"),
}  # fmt: skip


@contextlib.contextmanager
def style() -> Iterator[None]:
    """How lines and letters look, whatever this user's own settings are. Draw and save within it."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def canvas(height: float) -> tuple[Figure, Axes]:
    """An empty picture, measured in points from its top left corner."""
    figure = Figure(figsize=(WIDTH / 72, height / 72))
    axes = figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    return figure, axes


def write(axes: Axes, x: float, y: float, words: object, *, ink: str = "ink", size: float = 11, align: str = "left",
          bold: bool = False) -> None:
    """Text, centred at height `y`. ink: a name of the palette."""
    axes.text(x, y + 0.36 * size, str(words), color=colour(ink), fontsize=size, ha=align, va="baseline",
              fontweight="bold" if bold else "normal")


def box(axes: Axes, x: float, y: float, width: float, height: float, *, fill: str = "none", edge: str = "none",
        radius: float = 3) -> None:
    """A rectangle with round corners. fill, edge: a colour, or "none"."""
    radius = min(radius, width / 2, height / 2)
    axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=f"round,pad=0,rounding_size={radius}",
                                  facecolor=fill, edgecolor=edge, linewidth=1.5))


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an SVG element for a page in which no other has this name."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata=NO_METADATA)
    root = ElementTree.fromstring(stream.getvalue())
    _slim(root)
    for element in root.iter():
        _adopt(element, name)
    _announce(root, name, title, description)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ElementTree.tostring(root, encoding="unicode")


def _slim(root: ElementTree.Element) -> None:
    """Leave out the size in points, and a style that would apply to the whole page."""
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}style", f"{{{SVG}}}metadata"):
                parent.remove(child)


def _adopt(element: ElementTree.Element, name: str) -> None:
    """Make an element's ids the figure's own, and its colours and fonts the page's."""
    for attribute, value in element.attrib.items():
        if attribute == "id":
            element.set("id", f"{name}-{value}")
        elif attribute == XLINK:
            element.set(XLINK, f"#{name}-{value[1:]}")
        elif attribute == "style":
            element.set("style", HEX.sub(_variable, FONT.sub("var(--sans)", value)))
        elif REFERENCE.match(value):
            element.set(attribute, REFERENCE.sub(f"url(#{name}-", value))


def _variable(found: re.Match[str]) -> str:
    return f"var(--{NAMES[found[0]]})"


def _announce(root: ElementTree.Element, name: str, title: str, description: str) -> None:
    """Say what it is to those who can't see it (SVG accessibility: role, title, desc)."""
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    for position, (kind, words) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{SVG}}}{kind}", {"id": f"{name}-{kind}"})
        element.text = words
        root.insert(position, element)
