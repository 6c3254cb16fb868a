"""The table `disruption`: whose connections broke when a server changed, and who was moved without need.

What is predicted is said in experiments/disruption.py, and only there.
"""

from __future__ import annotations

from collections.abc import Sequence

from experiments.disruption import contradictions
from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, listed, number, verb


def of_column(rows: Rows, column: str) -> list[str]:
    """What there is in a column of words, in the table's order."""
    return list(dict.fromkeys(str(row[column]) for row in rows))


def moved(row: Row) -> float:
    """Of the connections whose server was still there, the part that was taken from it, in percent."""
    return number(row, "moved_needlessly_pct")


def as_predicted(row: Row) -> bool:
    """Whether everything about this row is."""
    return not contradictions([row])


def read(rows: Rows) -> Reading:
    """Who moved nobody, if it came out so; then event by event, the shares, and what it took to remember."""
    wrong = contradictions(rows)
    points = [(capital(event), by_event([row for row in rows if row["event"] == event]))
              for event in of_column(rows, "event")]
    return Reading(verdict(rows, wrong), (tables(rows), shares(rows), price(rows)), not wrong, tuple(points))


def verdict(rows: Rows, wrong: Sequence[str]) -> str:
    """Who moved nobody in any event, and who moved most."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    still = [scheme for scheme in of_column(rows, "scheme")
             if not any(moved(row) for row in rows if row["scheme"] == scheme)]
    most = max(rows, key=moved)
    quiet = f"{capital(listed(still))} moved nobody" if still else "No scheme moved nobody"
    return (f"{quiet}, whatever happened; {most['scheme']} moved most, {percent(moved(most))} of the connections whose "
            f"server was there, when it was “{most['event']}”.")


def by_event(rows: Rows) -> str:
    """What part each scheme moved in one event."""
    still = [str(row["scheme"]) for row in rows if not moved(row)]
    others = [f"{row['scheme']} {percent(moved(row))}" for row in sorted(rows, key=moved) if moved(row)]
    died = max((number(row, "with_their_server") for row in rows), default=0)
    dead = f" Up to {counted(died, 'connection')} a scheme ended with the server itself." if died else ""
    nobody = f"nobody was moved by {listed(still)}" if still else ""
    return "; ".join(filter(None, (nobody, f"moved were by {listed(others)}" if others else ""))) + "." + dead


def tables(rows: Rows) -> str:
    """Which tables move 5-tuples beyond what has to be moved."""
    worst = {scheme: max(number(row, "reopened_elsewhere_pct") for row in rows if row["scheme"] == scheme)
             for scheme in of_column(rows, "scheme")}
    least = min(worst, key=worst.__getitem__)
    return ("Of 5-tuples that were opened again, so many went elsewhere beyond the fewest that the same shares ask "
            f"for, at the most: {listed(f'{scheme} {percent(part)}' for scheme, part in worst.items())}. The least by "
            f"{least}. A scheme that remembers connections may send a new one anywhere, and nobody is hurt.")


def shares(rows: Rows) -> str:
    """How far new connections were from the weights."""
    least, most = (end(rows, key=lambda row: number(row, "weight_error_pct")) for end in (min, max))
    return (f"New connections were shared out {amount(number(least, 'weight_error_pct'))} ({least['scheme']}, "
            f"{least['event']}) to {amount(number(most, 'weight_error_pct'))} ({most['scheme']}, {most['event']}) "
            f"percent points away from the weights; of {counted(number(most, 'tuples'), 'connection')}, chance alone "
            "has its part in that.")


def price(rows: Rows) -> str:
    """What each scheme holds, and whom it asks."""
    asking = [scheme for scheme in of_column(rows, "scheme")
              if any(number(row, "packet_ins") for row in rows if row["scheme"] == scheme)]
    full = max(rows, key=lambda row: number(row, "rules"))
    tracks = [scheme for scheme in of_column(rows, "scheme")
              if any(number(row, "tracked") for row in rows if row["scheme"] == scheme)]
    return (f"Most rules and buckets were held by {full['scheme']}, {amount(number(full, 'rules'))}; conntrack was "
            f"used by {listed(tracks)}; the controller was asked by {listed(asking)}"
            f"{' ' + verb(asking, 'alone', 'only') if asking else ''}.")


def percent(value: float) -> str:
    """A part that is in percent already; the space doesn’t break."""
    return f"{amount(value)}\N{NO-BREAK SPACE}%"
