"""Latency as a distribution: percentiles of what was measured and of what theory says, as rows for a plot. Pure.

    samples ──► rows(series, percent, ms) ──► report/latency_plot.py

Rules kept here:

1. Exact, from all samples: an experiment has thousands, not billions, so no histogram has to stand in for them.
2. A percentile is said only where samples carry it: p99.9 needs 1,000 of them, or it would be the largest by another
   name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from experiments.margins import percentile_ms

PERCENTS = (25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0, 99.5, 99.9, 99.99)
MEASURED, THEORY = "measured", "theory"


def carried(number: int) -> tuple[float, ...]:
    """The percentiles that so many samples carry: one sample or more lies beyond.

    >>> carried(100)
    (25.0, 50.0, 75.0, 90.0, 95.0, 97.5, 99.0)
    """
    return tuple(percent for percent in PERCENTS if round(number * (100 - percent) / 100, 6) >= 1)


def rows(series: Mapping[str, Sequence[float]], panel: str = "") -> list[dict[str, object]]:
    """Rows for each series of response times, in seconds. panel: the plot of several that they are in."""
    return [_row(panel, name, MEASURED, percent, percentile_ms(took_s, percent))
            for name, took_s in series.items() for percent in carried(len(took_s))]


def theory_rows(name: str, percentile_s: Callable[[float], float], number: int,
                panel: str = "") -> Iterator[dict[str, object]]:
    """Rows for what theory says, as far as `number` samples would carry it. percentile_s: from percent to seconds."""
    for percent in carried(number):
        yield _row(panel, name, THEORY, percent, 1000 * percentile_s(percent))


def _row(panel: str, series: str, kind: str, percent: float, ms: float) -> dict[str, object]:
    return {"panel": panel, "series": series, "kind": kind, "percent": percent, "ms": round(ms, 2)}
