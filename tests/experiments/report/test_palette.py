"""The colours: contrast, and servers told apart by every kind of eye, computed."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

from experiments.report.palette import COLOURS, NAMES, SERVER_COLOURS, variables

LIGHT, DARK = 0, 1
SERVERS = [f"s{number}" for number in range(1, SERVER_COLOURS + 1)]
# Machado, Oliveira and Fernandes 2009, severity 1: what eyes without red or without green cones see (linear RGB).
BLINDNESS = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
}  # fmt: skip


def linear(colour: str) -> tuple[float, ...]:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, relative luminance and contrast ratio."""
    low, high = sorted(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))
                       for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, eyes: str) -> tuple[float, ...]:
    return tuple(sum(weight * c for weight, c in zip(row, linear(colour), strict=True)) for row in BLINDNESS[eyes])


def lab(rgb: tuple[float, ...]) -> tuple[float, float, float]:
    """CIELAB of linear sRGB, D65."""
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    xyz = (sum(w * max(c, 0) for w, c in zip(row, rgb, strict=True)) for row in matrix)
    x, y, z = ((v / white) ** (1 / 3) if v / white > 0.008856 else 7.787 * v / white + 16 / 116
               for v, white in zip(xyz, (0.9505, 1, 1.089), strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: str, other: str, eyes: str) -> float:
    first, second = lab(seen(one, eyes)), lab(seen(other, eyes))
    return sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5


def test_a_colour_leads_back_to_its_name() -> None:
    assert len(NAMES) == len(COLOURS)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize(("text", "ground"), [
    *((text, ground) for text in ("ink", "faint", "accent", "good", "bad") for ground in ("paper", "panel")),
    ("ink", "tint"), ("faint", "tint"), ("bad", "tint"), ("paper", "ink"),
    *(("on", bar) for bar in (*SERVERS, "good", "bad")),
])
def test_text_can_be_read(text: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("server", SERVERS)
def test_a_bar_stands_out(server: str, theme: int) -> None:
    assert contrast(COLOURS[server][theme], COLOURS["paper"][theme]) >= 3
    assert contrast(COLOURS[server][theme], COLOURS["tint"][theme]) >= 3


@pytest.mark.parametrize("eyes", BLINDNESS)
@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_neighbours_are_told_apart_by_every_eye(theme: int, eyes: str) -> None:
    colours = [COLOURS[server][theme] for server in SERVERS]
    assert min(difference(one, other, eyes) for one, other in pairwise([*colours, colours[0]])) > 18
    assert min(difference(one, other, eyes) for one, other in combinations(colours[:3], 2)) > 18


def test_both_themes_name_every_colour() -> None:
    for css in (variables(), variables(dark=True)):
        assert all(f"--{name}: #" in css for name in COLOURS)
