"""The table `crowd`: a thousand clients that Scapy makes, and what a layer does with them.

Predicted are two things: packets are conserved, and every server gets some of the crowd.
"""

from __future__ import annotations

from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, counted, fullest, layer_name, listed, number, percent, share_of, verb

MEMORY = {"flow_entries": "flow entries in the switch", "packet_ins": "packets to the controller"}
ALIKE = 0.95  # numbers of flow entries that are called about as much


def lost(row: Row) -> float:
    """Packets that were sent and didn’t arrive; below 0 if more arrived than were sent."""
    return number(row, "packets_sent") - number(row, "packets_delivered")


def entries(row: Row) -> float:
    """What the layer left in the switch."""
    return number(row, "flow_entries")


def idle(row: Row) -> list[str]:
    """The servers that got nothing."""
    return [server for server, count in share_of(row).items() if not count]


def read(rows: Rows) -> Reading:
    """Whether packets are conserved and everybody serves; then how evenly, and what had to be remembered."""
    wrong = [complaint for row in rows for complaint in complaints(row)]
    return Reading(verdict(rows, wrong), tuple(filter(None, (evenness(rows), memory(rows), asked(rows)))), not wrong)


def complaints(row: Row) -> list[str]:
    """What came out otherwise than predicted."""
    layer, missing, servers = layer_name(row["layer"]), lost(row), idle(row)
    found = []
    if missing:
        words = "lost" if missing > 0 else "delivered too often"
        found.append(f"{layer} {words} {amount(abs(missing))} of {counted(number(row, 'packets_sent'), 'packet')}")
    if servers:
        found.append(f"{layer} left {listed(servers)} idle")
    return found


def verdict(rows: Rows, wrong: list[str]) -> str:
    """One sentence on both predictions."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    sent = sum(number(row, "packets_sent") for row in rows)
    return (f"All {amount(sent)} packets arrived, and {listed(layer_name(row['layer']) for row in rows)} "
            f"{verb(rows, 'gave', 'each gave')} every server a part of the crowd.")


def evenness(rows: Rows) -> str:
    """The evenest and the least even layer."""
    parts = {layer_name(row["layer"]): fullest(share_of(row)) for row in rows}
    even, uneven = min(parts, key=parts.__getitem__), max(parts, key=parts.__getitem__)
    fair = 1 / max(len(share_of(row)) or 1 for row in rows)
    if percent(parts[even]) == percent(parts[uneven]):
        return (f"The fullest server had {percent(parts[even])} of the load with every layer; an even share is "
                f"{percent(fair)}.")
    return (f"The fullest server had {percent(parts[even])} of the load with {even} and {percent(parts[uneven])} with "
            f"{uneven}; an even share is {percent(fair)}.")


def memory(rows: Rows) -> str:
    """Flow entries against clients: who pays for a crowd in the switch's memory."""
    least, most = min(rows, key=entries), max(rows, key=entries)
    if entries(least) >= ALIKE * entries(most):
        return (f"Every layer left the switch with about as much to remember: {amount(entries(least))} to "
                f"{counted(entries(most), 'flow entry')} for {counted(number(most, 'clients'), 'client')}.")
    a_client = entries(most) / (number(most, "clients") or 1)
    why = (" An entry for each unit is the price of a choice that is remembered: it grows with the crowd."
           if entries(most) >= number(most, "units") > 1 else
           " That is fewer than units: here the switch doesn’t remember each of them.")
    return (f"{layer_name(most['layer'])} left most to remember, "
            f"{counted(entries(most), 'flow entry')} or {amount(a_client)} a client; "
            f"{layer_name(least['layer'])} least, {counted(entries(least), 'flow entry')}.{why}")


def asked(rows: Rows) -> str:
    """How often the controller had to be asked."""
    most = max(rows, key=lambda row: number(row, "packet_ins"))
    if not number(most, "packet_ins"):
        return "The controller was asked nothing: the switch chose by itself."
    a_unit = number(most, "packet_ins") / (number(most, "units") or 1)
    return (f"The controller was asked most by {layer_name(most['layer'])}: "
            f"{counted(number(most, 'packet_ins'), 'packet')} for {counted(number(most, 'units'), 'unit')}, "
            f"{amount(a_unit)} a unit.")
