"""What is to be seen in the table `growth`, in words and from its own rows: for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Rows = Sequence[Row]


def series(table: Rows, realisation: str, grows: str) -> list[Row]:
    """The rows of one line: one realisation as one thing grows, the fewest first."""
    found = [row for row in table if (row["realisation"], row["grows"]) == (realisation, grows)]
    return sorted(found, key=lambda row: row["number"])


def lines(table: Rows) -> list[list[Row]]:
    """Every line there is."""
    keys = dict.fromkeys((row["realisation"], row["grows"]) for row in table)
    return [series(table, *key) for key in keys]


def contradictions(table: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    asked = [f"{row['realisation']} with {row['number']:,} {row['grows']} sent {row['packet_ins']:,} packets to the "
             "controller" for row in table if row["packet_ins"]]
    return asked + [f"{line[0]['realisation']} had {line[0]['rules']} rules with {line[0]['number']:,} connections and "
                    f"{line[-1]['rules']} with {line[-1]['number']:,}"
                    for line in lines(table) if line[0]["grows"] == "connections"
                    and line[0]["rules"] != line[-1]["rules"]]


def grown(line: Sequence[Row]) -> str:
    """From the first row of a line to its last; of a single one, what it is."""
    ends = [line[0], line[-1]] if len(line) > 1 else [line[0]]

    def each(column: str, form: str = ",") -> str:
        return " and ".join(format(row[column], form) for row in ends)

    return (f"{line[0]['realisation']} with {each('number')} {line[0]['grows']}: {each('rules')} rules, installed in "
            f"{each('install_ms', '.0f')} ms, {each('ratio', '.2f')} of plain switching’s new connections, "
            f"{each('datapath_flows')} cached verdicts")


def verdict(table: Rows) -> str:
    """Whether it grew as predicted."""
    if wrong := contradictions(table):
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    return "Rules grew with servers and services, not with live connections; the controller was asked nothing."


def moral(table: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    return f"{verdict(table)} {'; '.join(map(grown, lines(table)))}."


def for_people(table: Rows) -> list[dict[str, Any]]:
    """The same table, narrow enough for a terminal."""
    return [{
        "": row["realisation"], "number": row["number"], "of": row["grows"], "installed in ms": row["install_ms"],
        "rules": row["rules"], "groups": row["groups"], "buckets": row["buckets"],
        "new conn beside plain": f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})",
        "by the switch’s CPU": row["by_cpu"], "datapath flows": row["datapath_flows"], "packet-ins": row["packet_ins"],
    } for row in table]
