"""TEST DATA: the tables `dataplane` and `growth` as they come out of numbers that are given, measured by nobody."""

from __future__ import annotations

from typing import Any

from benchmarks.dataplane import Turn, rows
from benchmarks.figures import FIGURES, Figure
from benchmarks.growth import FULL, cases
from benchmarks.paths import Sample

SLOW = (1.0, 0.5, 0.9)  # how fast the machine is in each round


def turns(figure: Figure, *ratios: float) -> list[Turn]:
    """A turn a ratio, on a machine that is not as fast in each."""
    return [Turn(figure, Sample(1, 1000 * fast * ratio, {"switch": 300 * fast, "load": 300 * fast}),
                 Sample(2, 2000 * fast, {"switch": 400 * fast, "load": 600 * fast}))
            for ratio, fast in zip(ratios, SLOW * 9, strict=False)]


def dataplane(asked: int = 0, **others: tuple[float, ...]) -> list[dict[str, Any]]:
    """The table of a run in which every figure is what is aimed at; others: ratios by pipeline_what."""
    made = [turn for figure in FIGURES for turn in turns(
        figure, *others.get(f"{figure.pipeline}_{figure.what}", (figure.aim,) * 3))]
    return rows(made, {"hashed": asked, "tracked": 0, "reactive": 900})


def growth(**changed: Any) -> list[dict[str, Any]]:
    """The table of a run as predicted; changed: cells of its last row."""
    table = [{"realisation": realisation, "grows": grows, "number": number, "install_ms": 20.0 + number / 10,
              "rules": 10 if grows == "connections" else 4 + 2 * number, "groups": 1, "buckets": 256, "rounds": 3,
              "ratio": 0.9, "ratio_low": 0.8, "ratio_high": 1.0, "by_cpu": 0.9, "datapath_flows": 2600,
              "packet_ins": 0} for grows, number, realisation in cases(FULL)]
    return [*table[:-1], table[-1] | changed]
