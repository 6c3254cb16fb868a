"""The tables of `mobile`: who keeps a session whose client moves, and a canary's share.

What is predicted is said in experiments/mobile.py, and only there.
"""

from __future__ import annotations

from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, counted, listed, number, percent

KEEPS = 0.9  # as the claims of mobile.py have it


def kept(row: Row, who: str) -> float:
    """Which part of sessions was kept. who: stayed or moved."""
    return number(row, f"{who}_kept") / (number(row, who) or 1)


def wrong(row: Row) -> bool:
    """Whether it is otherwise than predicted: only what is expected to come along keeps sessions of who moved."""
    return kept(row, "stayed") < KEEPS or (kept(row, "moved") >= KEEPS) is not (number(row, "moved_expected") >= KEEPS)


def read(rows: Rows) -> Reading:
    """Who keeps sessions; what chance has to do with the rest."""
    bad = [str(row["affinity"]) for row in rows if wrong(row)]
    keeps = [str(row["affinity"]) for row in rows if kept(row, "moved") >= KEEPS]
    loses = [str(row["affinity"]) for row in rows if kept(row, "moved") < KEEPS]
    says = (f"Otherwise than predicted: {listed(bad)}." if bad else
            f"If clients move, sessions are kept at {listed(keeps)}, and lost at {listed(loses)}.")
    points = tuple((str(row["affinity"]), f"of clients that moved {percent(kept(row, 'moved'))} of sessions were kept, "
                    f"where {percent(number(row, 'moved_expected'))} are expected; of those that stayed "
                    f"{percent(kept(row, 'stayed'))}.") for row in rows)
    return Reading(says, ("Whatever a switch goes by is in the packet’s header, and a client that moves has other "
                          "headers. A cookie is in the request: it comes along.",), not bad, points)


def read_canary(rows: Rows) -> Reading:
    """The canary's share of new sessions, and whether they stay."""
    sessions, here, stayed = (sum(number(row, name) for row in rows) for name in ("sessions", "at_canary", "kept_side"))
    strays = sessions - stayed
    says = (f"{amount(here)} of {counted(sessions, 'new session')} went to the canary, {percent(here / sessions)}; "
            f"stated were {percent(number(rows[0], 'stated'))}. ")
    says += "All of them stayed on their side." if not strays else f"{counted(strays, 'session')} changed sides."
    return Reading(says, ("That share is the server’s weight: it is what was asked for. That who is there stays there "
                          "is the cookie’s work.",), not strays)
