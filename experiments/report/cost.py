"""The table `cost`: what each step up costs, against plain switching on the same bridge.

What is predicted is said in experiments/cost.py, and only there.
"""

from __future__ import annotations

from itertools import pairwise

from balancing import LAYERS
from experiments.cost import KINDS, contradictions
from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, layer_name, listed, milliseconds, number, percent, verb

PLAIN = "plain"
WORKERS = ("switch", "controller", "proxy")  # whose CPU is counted


def balanced(rows: Rows) -> list[Row]:
    """The rows of layers: all but plain switching."""
    return [row for row in rows if row["layer"] != PLAIN]


def cpu(row: Row) -> dict[str, float]:
    """Milliseconds of CPU for 1,000 requests, by who spent them."""
    return {worker: number(row, f"{worker}_cpu_ms") for worker in WORKERS}


def median_ms(row: Row) -> float:
    """The median latency."""
    return number(row, "latency_p50_ms")


def clearly_above(one: Row, other: Row, kind: str) -> bool:
    """Whether one's ratio is above the other's in every round."""
    return number(one, f"{kind}_ratio_low") > number(other, f"{kind}_ratio_high")


def read(rows: Rows) -> Reading:
    """What each layer keeps of plain switching; then the dearest step, kept connections, latency, CPU and state."""
    layers = balanced(rows)
    wrong = contradictions(rows)
    words = (dearest_step(layers), kept_against_new(layers), latency(rows), who_works(rows), state(rows))
    return Reading(verdict(layers, wrong), tuple(filter(None, words)), not wrong)


def span(row: Row, kind: str) -> str:
    """A ratio with its range."""
    low, middle, high = (number(row, f"{kind}_ratio{end}") for end in ("_low", "", "_high"))
    return f"{amount(middle)} ({amount(low)} to {amount(high)})"


def verdict(layers: list[Row], wrong: list[str]) -> str:
    """Every layer's ratios, or what came out otherwise."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    return f"Beside plain switching each layer carried {'; '.join(ratios(layers, kind) for kind in KINDS)}."


def ratios(layers: list[Row], kind: str) -> str:
    """Every layer's ratio to plain switching."""
    parts = (f"{layer_name(row['layer'])} {amount(number(row, f'{kind}_ratio'))}" for row in layers)
    return f"of {KINDS[kind]} {listed(parts)}"


def dearest_step(layers: list[Row]) -> str:
    """The largest factor between neighbours, and the neighbours that can’t be told apart."""
    def factor(step: tuple[Row, Row]) -> float:
        return number(step[0], "connections_ratio") / (number(step[1], "connections_ratio") or 1e-9)

    steps = list(pairwise(layers))
    if not steps:
        return ""
    below, above = max(steps, key=factor)
    level = [f"{layer_name(low['layer'])} and {layer_name(high['layer'])}" for low, high in steps
             if not clearly_above(low, high, "connections") and not clearly_above(high, low, "connections")]
    tied = f" Their ranges overlap, so this run can’t tell apart: {'; '.join(level)}." if level else ""
    if factor((below, above)) <= 1:
        return f"For new connections no step up was slower than the one below it.{tied}"
    return (f"For new connections the dearest step is from {layer_name(below['layer'])} to {layer_name(above['layer'])}"
            f": from {span(below, 'connections')} to {span(above, 'connections')} of plain switching, a factor of "
            f"{amount(factor((below, above)))}.{tied}")


def kept_against_new(layers: list[Row]) -> str:
    """Which layers lose less once a connection is made, and why."""
    better = [row for row in layers if clearly_new_is_dearer(row)]
    rest = [layer_name(row["layer"]) for row in layers if row not in better]
    switched = [layer_name(row["layer"]) for row in better if in_switch(row)]
    proxied = [layer_name(row["layer"]) for row in better if not in_switch(row)]
    return " ".join(filter(None, (
        f"{listed(switched)} {verb(switched, 'keeps', 'keep')} more of plain switching on kept connections than on "
        "new ones: the choice is made once, and after it packets only follow rules." if switched else "",
        f"{listed(proxied)} {verb(proxied, 'keeps', 'keep')} more on kept connections than on new ones: the proxy "
        "still handles each request, but is spared the handshakes." if proxied else "",
        f"For {listed(rest)} kept connections were no such relief." if rest else "",
    )))  # fmt: skip


def in_switch(row: Row) -> bool:
    """Whether flow rules do it, or a proxy."""
    return LAYERS[str(row["layer"])].in_switch


def clearly_new_is_dearer(row: Row) -> bool:
    """Whether kept connections were nearer to plain switching than new ones in every round."""
    return number(row, "requests_ratio_low") > number(row, "connections_ratio_high")


def latency(rows: Rows) -> str:
    """The quickest and the slowest median, and the slowest tail."""
    quick, slow = min(rows, key=median_ms), max(rows, key=median_ms)
    tail = max(rows, key=lambda row: number(row, "latency_p99_ms"))
    return (f"Half of all requests were answered within {milliseconds(median_ms(quick))} by "
            f"{layer_name(quick['layer'])} and within {milliseconds(median_ms(slow))} by "
            f"{layer_name(slow['layer'])}; the slowest in a hundred took "
            f"{milliseconds(number(tail, 'latency_p99_ms'))} or more by {layer_name(tail['layer'])}.")


def who_works(rows: Rows) -> str:
    """Who spent most CPU, on what, and how much more than the thriftiest."""
    totals = {layer_name(row["layer"]): sum(cpu(row).values()) for row in rows}
    most, least = max(totals, key=totals.__getitem__), min(totals, key=totals.__getitem__)
    spent = cpu(next(row for row in rows if layer_name(row["layer"]) == most))
    worker = max(spent, key=spent.__getitem__)
    if not totals[most]:
        return "No CPU time was counted in this run."
    factor = f", {amount(totals[most] / totals[least])} times that of {least}" if totals[least] else ""
    return (f"1,000 requests cost most CPU with {most}: {milliseconds(totals[most])}{factor}; "
            f"{percent(spent[worker] / totals[most])} of it was the {worker}’s.")


def state(rows: Rows) -> str:
    """What stayed in the switch, and what went to the controller."""
    full = max(rows, key=lambda row: number(row, "flow_entries"))
    asked = max(rows, key=lambda row: number(row, "packet_ins"))
    silent = [layer_name(row["layer"]) for row in rows if not number(row, "packet_ins")]
    quiet = f" {capital(listed(silent))} asked the controller nothing." if silent else ""
    loud = (f", most packets to the controller with {layer_name(asked['layer'])} "
            f"({amount(number(asked, 'packet_ins'))})" if number(asked, "packet_ins") else "")
    entries = counted(number(full, "flow_entries"), "flow entry")
    return f"The switch held most with {layer_name(full['layer'])} ({entries}){loud}.{quiet}"
