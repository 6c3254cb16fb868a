"""Walker's alias method: a draw in proportion to weights, in O(1).

    weights 5 1 1, and a column of the mean, 7/3, for each       one draw says which column, and how high in it

    s1 █████████████████████████     s1 ████████████ s1
    s2 █████                         s2 ████████████ s1          what a light one leaves of its column
    s3 █████                         s3 ████████████ s1          is filled up by a heavy one

A. J. Walker, "An efficient method for generating discrete random variables with general distributions", ACM
Transactions on Mathematical Software 3, 1977; filled in O(n) as by M. D. Vose, "A linear algorithm for generating
random numbers with a given distribution", IEEE Transactions on Software Engineering 17, 1991.
"""

from __future__ import annotations

from collections.abc import Sequence

Column = tuple[float, int]  # up to which part of it it is its own, and whose the rest is


def columns(weights: Sequence[float]) -> list[Column]:
    """The columns for these weights, one each. weights: at least one, all above 0."""
    mean = sum(weights) / len(weights)
    parts = [weight / mean for weight in weights]
    light = [place for place, part in enumerate(parts) if part < 1]
    heavy = [place for place, part in enumerate(parts) if part >= 1]
    found: list[Column] = [(1.0, place) for place in range(len(parts))]
    while light and heavy:
        small, large = light.pop(), heavy[-1]
        found[small] = parts[small], large
        parts[large] -= 1 - parts[small]
        if parts[large] < 1:
            light.append(heavy.pop())
    return found  # who is left has 1, but for rounding


def draw(found: Sequence[Column], chance: float) -> int:
    """The place that `chance`, from 0 to below 1, falls on."""
    at = chance * len(found)
    place = int(at)
    part, other = found[place]
    return place if at - place < part else other
