"""Balls in bins: how full the fullest of n servers gets, if units are thrown at them by some rule. Pure.

    rule                 the fullest of n servers has about              units m, their weights w, all of them W
    random               W/n + sqrt(2 ln n · Σw² / n)                    for units alike: m/n + sqrt(2 (m/n) ln n)
    hash of the client   the same, but a client is the unit              all that a client sends is one ball
    two choices          m/n + ln ln n / ln 2, and a constant            however many units there are
    taking turns         m/n, rounded up                                 and so where the least loaded one is taken

The first is what a sum of independent throws comes to when there are many of them: its variance on one server is at
most Σw²/n, and the largest of n normal numbers lies sqrt(2 ln n) deviations out (a little less when n is small).
Weights that the rule can't see spoil turns and choices as well: to a rule that counts connections, one that carries
much is as good as any, so it is thrown at random.

Sources: M. Raab, A. Steger, "Balls into Bins: A Simple and Tight Analysis", RANDOM 1998; Y. Azar, A. Broder, A. Karlin,
E. Upfal, "Balanced Allocations", SIAM J. Computing 29, 1999; M. Mitzenmacher, "The Power of Two Choices in Randomized
Load Balancing", IEEE TPDS 12, 2001; P. Berenbrink, A. Czumaj, A. Steger, B. Vöcking, "Balanced Allocations: The Heavily
Loaded Case", SIAM J. Computing 35, 2006.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Weights = Sequence[float]


def at_random(weights: Weights, servers: int) -> float:
    """What the fullest server has if each unit goes to a random one; never less than the heaviest unit.

    >>> round(at_random([1] * 96, 8), 1)
    19.1
    """
    fair, squares = sum(weights) / servers, sum(weight * weight for weight in weights)
    return max(fair + math.sqrt(2 * math.log(servers) * squares / servers), *weights)


def two_choices(units: int, servers: int) -> float:
    """What the fullest has if each unit goes to the less loaded of two random servers; but for a constant.

    >>> round(two_choices(96, 8), 2)
    13.06
    """
    return units / servers + math.log(math.log(servers)) / math.log(2)


def in_turn(units: int, servers: int) -> float:
    """What the fullest has if servers take turns.

    >>> in_turn(97, 8)
    13
    """
    return math.ceil(units / servers)


def unseen(counted: Callable[[int, int], float]) -> Callable[[Weights, int], float]:
    """The law of a rule that counts units, for units of different weights: what all have in common is `counted`, what
    some have beyond it is thrown at random.

    >>> unseen(in_turn)([1] * 96, 8)
    12.0
    """
    def law(weights: Weights, servers: int) -> float:
        least = min(weights)
        beyond = [weight - least for weight in weights if weight > least]
        return least * counted(len(weights), servers) + (at_random(beyond, servers) if beyond else 0.0)
    return law
