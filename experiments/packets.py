"""Question: what is on each wire? What does each layer rewrite, what becomes of packets that are wrong, or too many?

    packets    each packet of an exchange on the client's link and on the server's   hops.py
    malformed  thirty kinds of wrong packets, to every layer's VIP                   malformed.py
    flood      SYNs from where nobody is, to each realisation of L4                  flood.py
    closer     the rules that served an exchange, and its packets, as text           closer.py

Prediction: in the files named. Method: one lab with a service of every kind, and one in which clients are behind a NAT
gateway, for what is rewritten there. Scapy makes what a stranger on h1's wire
says: ARP, handshakes, requests, datagrams, and what is wrong with some of them (frames.py). Every frame that counts is
captured by tcpdump at the interfaces of client, servers and proxy, and read back from the file.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from balancing import LAYERS
from experiments import flood, hops, malformed
from experiments.closer import closer, shortened
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.hops import Passage
from experiments.packets_lab import PacketLab
from experiments.verdicts import DOES_NOT, Verdict


@dataclass(frozen=True)
class Size:
    """How many exchanges with each layer, and how large the floods are."""

    exchanges: int
    flood: flood.Size


GATEWAY_EXCHANGES = 2  # with each layer, from behind the gateway
QUICK, FULL = Size(5, flood.QUICK), Size(40, flood.FULL)


def run(lab: PacketLab, behind: Sequence[Passage], size: Size, seed: int, say: Callable[[str], object],
        ) -> dict[str, Part]:
    """All tables, in a lab that is up: first what must find it untouched. behind: seen behind the gateway before."""
    dice = random.Random(seed)
    say("packets: an exchange with each layer")
    close, everything = [], list[Passage]()
    for layer in LAYERS:
        found = hops.exchange(lab, layer, dice)
        everything += found
        close += closer(lab.of_vip(layer), found)
    shown = len(everything)
    say(f"packets: {size.exchanges - 1} more")
    everything += exchanges(lab, size.exchanges - 1, dice)
    wrong, calls = malformed.measure(lab, say)
    lab.untap()
    turns = flood.measure(lab, size.flood, seed, say)
    parts = (of_hops(everything[:shown], everything[shown:], behind),
             of_malformed(wrong, list(malformed.verdicts(wrong, calls))),
             of_flood(turns, list(flood.verdicts(turns))), Part("closer", close, CLOSER, shown=shortened(close)))
    return {part.table: part for part in parts}


CLOSER = ("What the figures come from: the switch's own rules, told by their cookies, and one exchange's packets on "
          "both links.")


def exchanges(lab: PacketLab, number: int, dice: random.Random) -> list[Passage]:
    """So many with each layer."""
    return [one for _ in range(number) for layer in LAYERS for one in hops.exchange(lab, layer, dice)]


def of_hops(first: Sequence[Passage], more: Sequence[Passage], behind: Sequence[Passage]) -> Part:
    """The first exchange packet by packet, and the first from behind the gateway; how all of them came out."""
    gateway = behind[:len(behind) // GATEWAY_EXCHANGES]
    short = [*first, *(one for one in gateway if one.packet in ("request", "answer"))]
    counted = hops.counts([*first, *more, *behind])
    verdicts = hops.verdicts(counted)
    words = ", ".join(f"{who.upper() if who in LAYERS else who} {right} of {whole}"
                      for who, (right, whole) in counted.items())
    return Part("packets", hops.rows([*first, *gateway]), "Packets in which just the predicted was rewritten, with "
                f"every checksum right: {words}.", none_refuted(verdicts), shown=hops.for_people(short),
                verdicts=verdicts)


def of_malformed(found: Sequence[malformed.Row], verdicts: Sequence[Verdict]) -> Part:
    """What became of each kind."""
    served, sound = verdicts
    told = {layer: sum(row.answers > 0 for row in found if row.layer == layer) for layer in LAYERS}
    words = ", ".join(f"{layer.upper()} {count}" for layer, count in told.items())
    return Part("malformed", malformed.rows(found),
                f"Meanwhile {served.found.figure:.0%} of people's requests were answered, and "
                f"{sum(row.exceptions for row in found)} exceptions met. Of {len(malformed.WRONG)} kinds, so many were "
                f"answered by somebody: {words}.", none_refuted([served, sound]), shown=malformed.for_people(found),
                verdicts=verdicts)


def of_flood(turns: Sequence[flood.Turn], verdicts: Sequence[Verdict]) -> Part:
    """What each realisation had to remember, and people's patience."""
    rows = flood.rows(turns)
    words = "; ".join(f"{row['realisation']} {row['flows']} flows, {row['conntrack']} entries in conntrack, "
                      f"{row['decided']} decisions, and people's p50 went from {row['p50_before_ms']} to "
                      f"{row['p50_meanwhile_ms']} ms" for row in rows)
    predicted = [one for one in verdicts if one.claim in flood.PREDICTED]
    return Part("flood", rows, f"{rows[0]['syns']} SYNs each: {words}. Servers held {rows[0]['half_open']} connections "
                "half open.", none_refuted(predicted), shown=flood.for_people(rows), verdicts=verdicts)


def none_refuted(verdicts: Sequence[Verdict]) -> bool:
    """Whether no claim came out as wrong."""
    return all(one.verdict != DOES_NOT for one in verdicts)


TABLES = ("packets", "malformed", "flood", "closer")


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Four tables of one run."""
    found: dict[str, Part] = {}

    def part(table: str) -> Callable[[Options, Display], Part]:
        def shown(options: Options, display: Display) -> Part:
            if not found:
                with PacketLab(display.say, "nat") as lab:
                    behind = exchanges(lab, GATEWAY_EXCHANGES, random.Random(options.seed))
                with PacketLab(display.say) as lab:
                    found.update(run(lab, behind, QUICK if options.quick else FULL, options.seed, display.say))
            return found[table]
        return shown

    return [part(table) for table in TABLES]
