"""Question: a server dies. Who notices, how soon, what is lost until then, and is anybody else disturbed?

Prediction: a layer notices what its own test packets can't get past, within fall x interval + timeout; and it never
touches who is on another server.

              L2: ARP      L3: ping     L4: handshake    L7: request
    killed    -            -            noticed          noticed       the program is dead, the kernel isn't
    link-cut  noticed      noticed      noticed          noticed       nothing gets through
    frozen    -            -            -                noticed       the kernel still shakes hands

Method: one lab with three groups of three servers, a service a layer on each group, so that a fault at one server hits
all four layers at once, and the three faults happen side by side, each in a group drawn anew in every round. Steady
traffic to each service: six hosts that keep a connection and ask four times a second, and newcomers, eight a second,
from other hosts. After a second the fault comes, three seconds later it is put right, and three seconds more are
watched. Rounds follow each other after so long a silence that all units have ended.

    noticed_s       from the fault to the event Down; none where it was not noticed before it was put right
    requests_lost   requests that failed, or had no answer a second after they were meant to begin
    units_moved_needlessly
                    units that were with another server and were given a new one all the same: at L2 and L3 hosts that
                    asked all the while, at L4 connections, at L7 requests
    back_s          from the repair (if `killed`, from when the program is started) to the first unit there again

No client tries a request again; one that keeps a connection opens another when it breaks. Only the proxy may ask a
second server.

The claims are the prediction, and every fault at every layer in every round is a case: of a single round seven that
should be noticed, five that should not, twelve in which nobody else should be moved. So the bounds are far from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from balancing import LAYERS
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.faults import FAULTS
from experiments.outages import CHECK, FULL, QUICK, Outcome, lab_for, measure
from experiments.verdicts import Claim, Rule, Verdict, of_part

SEEN_BY = {"killed": ("l4", "l7"), "link-cut": tuple(LAYERS), "frozen": ("l7",)}  # the prediction
LATE_S = 0.1  # how late a busy machine's timers may be, on top of what is promised

NOTICED = Claim(0, "a layer notices a fault that its own test can't get past", Rule(
    "the part of such faults that is noticed before it is put right", ">", 0.5))
UNSEEN = Claim(0, "a fault that a layer's test can't tell from health goes unnoticed", Rule(
    "the part of such faults that is never noticed", ">", 0.5))
UNDISTURBED = Claim(0, "a fault at one server moves nobody who is on another", Rule(
    "the part of faults at which no such unit was moved", ">", 0.7))
CLAIMS = (NOTICED, UNSEEN, UNDISTURBED)

Rows = Sequence[Mapping[str, Any]]


def rows(found: Sequence[Outcome]) -> list[dict[str, object]]:
    """The table `failover`: fault by fault, layer by layer. Times are medians of the rounds, beside the longest."""
    return [_row(layer, fault, [one for one in found if (one.layer, one.fault) == (layer, fault)])
            for fault in FAULTS for layer in LAYERS]


def _row(layer: str, fault: str, own: Sequence[Outcome]) -> dict[str, object]:
    noticed = [one.noticed_s for one in own if one.noticed_s is not None]
    back = [one.back_s for one in own if one.back_s is not None]
    return {
        "layer": layer, "fault": fault, "rounds": len(own), "noticed": len(noticed),
        **_times("noticed_s", noticed), "promised_s": CHECK.notice_s,
        "requests": sum(one.requests for one in own), "requests_lost": sum(one.requests_lost for one in own),
        "units_moved_needlessly": sum(one.units_moved for one in own),
        **_times("back_s", back if len(back) == len(own) else []),
    }


def _times(name: str, found: Sequence[float]) -> dict[str, float | None]:
    """Median and longest; None where there is nothing."""
    return {name: round(median(found), 3) if found else None,
            f"{name}_most": round(max(found), 3) if found else None}


def verdicts(found: Sequence[Outcome]) -> list[Verdict]:
    """What came of CLAIMS."""
    plain = [one for one in found if one.layer in SEEN_BY[one.fault]]
    hidden = [one for one in found if one.layer not in SEEN_BY[one.fault]]
    return [NOTICED.judge(of_part(sum(one.noticed_s is not None for one in plain), len(plain))),
            UNSEEN.judge(of_part(sum(one.noticed_s is None for one in hidden), len(hidden))),
            UNDISTURBED.judge(of_part(sum(not one.units_moved for one in found), len(found)))]


def contradictions(rows: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    return [f"{row['layer'].upper()}, {row['fault']}: {words}" for row in rows
            for holds, words in _expectations(row) if not holds]


def _expectations(row: Mapping[str, Any]) -> list[tuple[bool, str]]:
    """What is predicted of a row, and what to say if it is otherwise."""
    wish = row["rounds"] if row["layer"] in SEEN_BY.get(row["fault"], ()) else 0
    late_s = row["noticed_s_most"] or 0.0
    return [
        (row["noticed"] == wish, f"noticed in {row['noticed']} of {row['rounds']} rounds, not in {wish or 'none'}"),
        (late_s <= row["promised_s"] + LATE_S, f"noticed after {late_s:.2f} s, not {row['promised_s']:g} at most"),
        (not row["units_moved_needlessly"], f"{row['units_moved_needlessly']} units on other servers were moved"),
        (row["back_s"] is not None, "no unit came back to the server"),
    ]


def moral(rows: Rows) -> str:
    """What is to be seen, in the run's own figures."""
    wrong = f"Otherwise than predicted: {'; '.join(contradictions(rows))}. " if contradictions(rows) else ""
    faults = "; ".join(f"{fault}: {_seen([row for row in rows if row['fault'] == fault])}"
                       for fault in dict.fromkeys(row["fault"] for row in rows))
    slowest = max((row["noticed_s_most"] for row in rows if row["noticed_s_most"]), default=None)
    kept = f"; the slowest took {slowest:.2f} s, and fall x interval + timeout is {rows[0]['promised_s']:g} s" \
        if slowest else ""
    return f"{wrong}Noticed after: {faults}{kept}. A fault that a layer's test can't tell from health goes unnoticed."


def _seen(rows: Rows) -> str:
    return ", ".join(f"{row['layer'].upper()} {_seconds(row['noticed_s'])} ({row['requests_lost']} lost)"
                     for row in rows)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def for_people(rows: Rows) -> list[dict[str, object]]:
    """The table with fewer columns, narrow enough for a terminal."""
    return [{"fault": row["fault"], "layer": row["layer"], "noticed after": _seconds(row["noticed_s"]),
             "lost": row["requests_lost"], "of": row["requests"], "moved needlessly": row["units_moved_needlessly"],
             "back after": _seconds(row["back_s"])} for row in rows]


def part(options: Options, display: Display) -> Part:
    """Measure it, in a lab of its own."""
    with lab_for(display.say) as lab:
        found = list(measure(lab, QUICK if options.quick else FULL, options.seed, display.say))
    table = rows(found)
    return Part("failover", table, moral(table), not contradictions(table), shown=for_people(table),
                verdicts=verdicts(found))
