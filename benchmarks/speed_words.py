"""What is to be seen in the table `algorithms_speed`, in words and from its own rows: for the terminal and the report.

A row is an algorithm, or a yardstick, with one kind of weights; its columns are made in algorithms.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from balancing import ALGORITHMS
from benchmarks.yardsticks import NoChoice, Scan

Row = Mapping[str, Any]
Rows = Sequence[Row]


def sizes(table: Rows) -> list[int]:
    """How many servers the pools had: what the columns ns_3, ns_30, ... are of."""
    return [int(column[3:]) for column in table[0] if re.fullmatch(r"ns_\d+", column)]


def limit(table: Rows) -> float:
    """How much the logarithm grows over these sizes: no algorithm is to grow by more."""
    return log(sizes(table)[-1]) / log(sizes(table)[0])


def of(table: Rows, *kinds: str) -> list[Row]:
    """The rows of these algorithms."""
    return [row for row in table if row["algorithm"] in kinds]


def contradictions(table: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    wrong = [f"{row['algorithm']} ({row['weights']}) took {row['growth']:.1f} times as long"
             for row in of(table, *ALGORITHMS) if row["growth"] > limit(table)]
    return wrong + [f"looking at every server ({row['weights']}) took only {row['growth']:.1f} times as long"
                    for row in of(table, Scan.name) if row["growth"] <= limit(table)]


def growth(table: Rows) -> str:
    """Who grew least and most, beside the logarithm and the scan."""
    first, last = sizes(table)[0], sizes(table)[-1]
    least, most = (ends(of(table, *ALGORITHMS), key=lambda row: row["growth"]) for ends in (min, max))
    scan = max(of(table, Scan.name), key=lambda row: row["growth"])
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(table))}. " if contradictions(table) else ""
    return (f"{wrong}From {first} to {last:,} servers a unit takes {least['growth']:.1f} ({least['algorithm']}) to "
            f"{most['growth']:.1f} ({most['algorithm']}, {most['growth_low']:.1f} to {most['growth_high']:.1f}) times "
            f"as long, where the logarithm grows {limit(table):.1f} times; looking at every server takes "
            f"{scan['growth']:.0f} times as long, exponent {scan['exponent']:.2f}.")


def beside_the_scan(table: Rows) -> str:
    """How the slowest compares to looking at every server, where there are most of them."""
    slowest = max(of(table, *ALGORITHMS), key=lambda row: row["beside_scan"])
    return (f"With {sizes(table)[-1]:,} servers the slowest of the {len(ALGORITHMS)}, {slowest['algorithm']}, takes "
            f"{part_of(slowest['beside_scan'])} of what looking at every server takes.")


def small_pools(table: Rows) -> str:
    """Whom looking at every server still beats where there are fewest; "" if it beats nobody."""
    column = f"ns_{sizes(table)[0]}"
    scan = {row["weights"]: row[column] for row in of(table, Scan.name)}
    slower = [row["algorithm"] for row in of(table, *ALGORITHMS) if row[column] > scan[row["weights"]]]
    if not slower:
        return ""
    return (f"With {sizes(table)[0]} servers there is little to look at: the scan takes {min(scan.values()):.0f} ns, "
            f"less than {', '.join(dict.fromkeys(slower))}.")


def own_part(table: Rows) -> str:
    """What of each figure is the pool's."""
    none = min(row[f"ns_{sizes(table)[0]}"] for row in of(table, NoChoice.name))
    return f"Without any choice a unit takes {none:.0f} ns: that is the pool's own part of each figure."


def part_of(ratio: float) -> str:
    """
    >>> part_of(0.04), part_of(1.3)
    ('1/25', '1.3 times')
    """
    return f"1/{1 / ratio:.0f}" if ratio < 0.67 else f"{ratio:.1f} times"
