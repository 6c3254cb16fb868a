"""The tables of `packets`: what is on each wire, what becomes of packets that are wrong, and what a flood leaves.

What is predicted is said in the experiment's own files (experiments/packets.py), and only there.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, counted, layer_name, listed, milliseconds, number, percent

FIELDS = ("eth_src", "eth_dst", "ip_src", "ip_dst", "tp_src", "tp_dst", "ttl", "seq")
HELD = {"flows": "flows in the switch", "conntrack": "entries in conntrack", "decided": "the controller’s decisions",
        "half_open": "half open at servers"}
SERVED = 0.95  # as flood.py's claim has it


def layers_of(rows: Rows) -> list[str]:
    """The layers, in the table's order."""
    return list(dict.fromkeys(str(row["layer"]) for row in rows))


def who_rewrites(rows: Rows) -> list[str]:
    """Gateways first, as on a packet's way, then the layers."""
    return [*dict.fromkeys(str(row["hop"]) for row in rows if row["hop"] != "s1"), *layers_of(rows)]


def name_of(who: str) -> str:
    """A layer's name, or a gateway's."""
    return layer_name(who) if who.startswith("l") else who


def passage(rows: Rows, layer: str, packet: str) -> Row | None:
    """A row of one packet, if it was seen: at the switch, or the gateway that `layer` may name instead."""
    return next((row for row in rows if layer in (row["layer"], row["hop"]) and row["packet"] == packet
                 and (row["hop"] == "s1") is (row["layer"] == layer)), None)


# -- packets -----------------------------------------------------------------------------------


def read(rows: Rows) -> Reading:
    """What is rewritten on the way there and back, a sentence a layer."""
    wrong = [row for row in rows if not row["as_predicted"]]
    points = tuple((name_of(who), by_layer(rows, who)) for who in who_rewrites(rows))
    sums = "Every checksum was right on both links." if all(row["checksums"] for row in rows) else \
        "Not every checksum was right."
    return Reading(verdict(rows, wrong), (sums,), not wrong, points)


def verdict(rows: Rows, wrong: Sequence[Row]) -> str:
    """One sentence: whether each packet was rewritten as its layer's row of the table says."""
    packets = {(row["layer"], row["packet"], row["hop"]) for row in rows}
    if wrong:
        cases = listed(dict.fromkeys(f"{layer_name(row['layer'])} {row['packet']} ({row['rewritten']}, predicted: "
                                     f"{row['predicted']})" for row in wrong))
        return f"Otherwise than predicted: {cases}."
    return f"In all {counted(len(packets), 'packet')} just those fields were rewritten that were predicted."


def by_layer(rows: Rows, layer: str) -> str:
    """What is rewritten of a request and of its answer, and who says where the VIP is."""
    ways = [(words, row) for packet, words in (("request", "on the way there"), ("answer", "on the way back"))
            if (row := passage(rows, layer, packet))]
    told = "; ".join(f"{words} {listed(str(row['rewritten']).split())}" for words, row in ways)
    arp = passage(rows, layer, "ARP reply")
    return f"{told or 'nothing was seen'}." + (f" ARP is answered {str(arp['rewritten']).partition(',')[0]}."
                                               if arp else "")


# -- malformed ---------------------------------------------------------------------------------


def fate(row: Row) -> str:
    """What the switch did with a wrong packet, in a word."""
    passed = number(row, "passed")
    return "dropped" if not passed else "flooded" if number(row, "hosts") > 1 else "passed"


def kinds_of(rows: Rows) -> list[str]:
    """The kinds, in the table's order."""
    return list(dict.fromkeys(str(row["wrong"]) for row in rows))


def read_malformed(rows: Rows) -> Reading:
    """Whether anybody met an exception; then what the switch did, and what was answered."""
    met = [row for row in rows if number(row, "exceptions")]
    fates = {word: sum(fate(row) == word for row in rows) for word in ("passed", "flooded", "dropped")}
    cases = listed(f"{layer_name(row['layer'])} by “{row['wrong']}”" for row in met)
    says = (f"Otherwise than predicted: an exception at {cases}." if met else
            f"No exception in {counted(len(rows), 'case')}: {counted(len(kinds_of(rows)), 'kind')} of wrong packets, "
            "to each layer’s VIP.")
    answered = [kind for kind in kinds_of(rows) if all(number(row, "answers") for row in rows if row["wrong"] == kind)]
    return Reading(says, (
        f"The switch passed {fates['passed']} on to one host, flooded {fates['flooded']} to all, because it could not "
        f"read them as a VIP’s or the VIP’s MAC is nobody’s, and dropped {fates['dropped']}. To check a packet is the "
        "work of whoever reads it.", f"Answered at every layer: {listed(answered)}.", differing(rows)), not met)


def differing(rows: Rows) -> str:
    """Kinds that some layers answer and others don’t."""
    found = []
    for kind in kinds_of(rows):
        own = [row for row in rows if row["wrong"] == kind]
        told = [layer_name(row["layer"]) for row in own if number(row, "answers")]
        if 0 < len(told) < len(own):
            found.append(f"“{kind}” by {listed(told)}")
    return f"Answered only at some: {'; '.join(found)}." if found else "No kind was answered at some layers only."


# -- flood -------------------------------------------------------------------------------------


def served(row: Row) -> float:
    """Which part of people's requests was answered during the flood."""
    return number(row, "answered_meanwhile") / (number(row, "asked_meanwhile") or 1)


def read_flood(rows: Rows) -> Reading:
    """Who remembers a flood, and what people notice of it."""
    left_out = [row for row in rows if served(row) < SERVED]
    names = listed(str(row["realisation"]) for row in left_out)
    says = (f"Otherwise than predicted: people were not served by {names}." if left_out else
            f"{counted(number(rows[0], 'syns'), 'SYN')} for each realisation, {amount(number(rows[0], 'per_s'))} a "
            "second, and people were served all the same.")
    points = tuple((str(row["realisation"]), of_flood(row)) for row in rows)
    return Reading(says, ("What is remembered is what bears an address of the flood. A server that has answered a SYN "
                          "holds its connection half open, whoever chose it.",), not left_out, points)


def of_flood(row: Row) -> str:
    """One realisation."""
    held = [f"{amount(number(row, column))} {words}" for column, words in HELD.items() if number(row, column)]
    return (f"{listed(held)}. Of people’s requests {percent(served(row))} were answered; half of them within "
            f"{milliseconds(number(row, 'p50_meanwhile_ms'))}, and within {milliseconds(number(row, 'p50_before_ms'))} "
            "before.")


# -- closer ------------------------------------------------------------------------------------


def read_closer(rows: Rows) -> Reading:
    """How many rules it took, a layer."""
    rules = {layer_name(layer): sum(str(row["where"]).startswith("rule") for row in rows if row["layer"] == layer)
             for layer in layers_of(rows)}
    words = listed(f"{layer} {count or 'none'}" for layer, count in rules.items())
    return Reading(f"Rules of the switch that one exchange met: {words}.",
                   ("Each says in its cookie what it is for. Below them the same packets, on the client’s link and on "
                    "the server’s.",))
