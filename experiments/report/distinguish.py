"""The table `distinguish`: by what can a layer send a request where it is wished to go?"""

from __future__ import annotations

from balancing import LAYERS
from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import counted, layer_name, listed, number, percent

# What tells requests apart, the lowest layer that is predicted to see it, and why no lower one can.
PREDICTED: dict[str, tuple[str, str]] = {
    "port, same server": ("l4", "The port is in the TCP header; below L4 a service is its address as a whole, and one "
                                "address of one server can’t be split."),
    "port, different servers": ("l4", "Below L4 both ports of a VIP are the same unit, so they go to the same server."),
    "URL category": ("l7", "The path comes after the connection is made: whoever only rewrites packets has chosen by "
                           "then."),
    "header": ("l7", "A header is inside the request, and only a proxy that ends the connection reads it."),
    "cookie": ("l7", "A cookie is a header, and it holds where addresses change."),
}  # fmt: skip


def able(row: Row) -> bool:
    """Whether every request went where it was wished to go."""
    return bool(row["distinguished"])


def expected(row: Row) -> bool | None:
    """What is predicted; None for something that nothing is predicted of."""
    by, order = str(row["by"]), list(LAYERS)
    if by not in PREDICTED or row["layer"] not in order:
        return None
    return order.index(str(row["layer"])) >= order.index(PREDICTED[by][0])


def as_predicted(row: Row) -> bool:
    """Whether the answer is the predicted one, or none was."""
    return expected(row) in (None, able(row))


def layers_of(rows: Rows) -> list[str]:
    """The layers, in the table's order."""
    return list(dict.fromkeys(str(row["layer"]) for row in rows))


def criteria_of(rows: Rows) -> list[str]:
    """What requests were told apart by, in the table's order."""
    return list(dict.fromkeys(str(row["by"]) for row in rows))


def read(rows: Rows) -> Reading:
    """How much each layer could tell apart; then criterion by criterion, and what a “no” is."""
    wrong = [row for row in rows if not as_predicted(row)]
    points = [(f"By {by}", by_criterion(rows, by)) for by in criteria_of(rows)]
    predicted = any(expected(row) is not None for row in rows)
    return Reading(verdict(rows, wrong), (what_no_means(rows),), not wrong if predicted else None, tuple(points))


def verdict(rows: Rows, wrong: list[Row]) -> str:
    """One sentence: what each layer could, or what came out otherwise than predicted."""
    if wrong:
        cases = "; ".join(f"{layer_name(row['layer'])} {'could' if able(row) else 'could not'} by {row['by']}"
                          for row in wrong)
        return f"Otherwise than predicted in {len(wrong)} of {len(rows)} cells: {cases}."
    tally = {layer_name(layer): sum(able(row) for row in rows if row["layer"] == layer) for layer in layers_of(rows)}
    parts = listed(f"{layer} {count or 'none'}" for layer, count in tally.items())
    return f"Of {counted(len(criteria_of(rows)), 'way')} to tell requests apart the layers can use: {parts}."


def by_criterion(rows: Rows, by: str) -> str:
    """Who could, and why not the others, if it came out so."""
    here = [row for row in rows if row["by"] == by]
    could = [layer_name(row["layer"]) for row in here if able(row)]
    only = "only " if len(could) == 1 and len(here) > 1 else ""
    sentence = f"{only}{listed(could) if could else 'no layer'}."
    as_said = by in PREDICTED and all(map(as_predicted, here))
    return f"{sentence} {PREDICTED[by][1]}" if as_said else sentence


def what_no_means(rows: Rows) -> str:
    """A “no” is measured like a “yes”: how many requests went right nevertheless."""
    refused = [row for row in rows if not able(row)]
    if not refused:
        return "There was no “no” in this run: every layer could everything that was asked of it."
    parts = sorted(number(row, "as_wished") / (number(row, "requests") or 1) for row in refused)
    span = percent(parts[0]) if parts[0] == parts[-1] else f"{percent(parts[0])} to {percent(parts[-1])}"
    return (f"A “no” is a measurement, not a refusal: the same requests were sent, and {span} of them reached the "
            "right place all the same, where it happened to be the layer’s choice.")
