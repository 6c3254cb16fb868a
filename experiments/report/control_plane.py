"""The tables `control_plane` and `without_controller`: what the controller does for a new connection, and without it.

What is predicted is said in experiments/control_plane.py, and only there.
"""

from __future__ import annotations

from experiments import stranded
from experiments.control_plane import contradictions
from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, listed, milliseconds, number


def realisations(rows: Rows) -> list[str]:
    """The realisations, in the table's order."""
    return list(dict.fromkeys(str(row["realisation"]) for row in rows))


def of(rows: Rows, realisation: str) -> list[Row]:
    """The rows of one, as the load grows."""
    return [row for row in rows if row["realisation"] == realisation]


def read(rows: Rows) -> Reading:
    """Who asked; then each realisation at the lowest and the highest rate."""
    wrong = contradictions(rows)
    points = [(capital(name), growth(of(rows, name))) for name in realisations(rows)]
    return Reading(verdict(rows, wrong), (kept_up(rows),), not wrong, tuple(points))


def verdict(rows: Rows, wrong: list[str]) -> str:
    """Who asked the controller how often."""
    if wrong:
        return f"Otherwise than predicted: {'; '.join(wrong)}."
    asks = {name: sum(number(row, "packet_ins") for row in of(rows, name)) for name in realisations(rows)}
    opened = {name: sum(number(row, "connections") for row in of(rows, name)) for name in asks}
    return "To the controller went " + listed(
        f"{counted(asked, 'packet')} of {name}, for {counted(opened[name], 'connection')}"
        for name, asked in asks.items()) + "."


def growth(rows: Rows) -> str:
    """One realisation's ends."""
    low, high = rows[0], rows[-1]
    return "; ".join(f"at {amount(number(row, 'offered_per_s'))} new connections/s half had their answer within "
                     f"{milliseconds(number(row, 'first_answer_p50_ms'))}, the controller used "
                     f"{amount(number(row, 'controller_cpu_pct'))} and the switch "
                     f"{amount(number(row, 'switch_cpu_pct'))} percent of a core, and there were "
                     f"{counted(number(row, 'flow_entries'), 'flow entry')}" for row in (low, high)) + "."


def kept_up(rows: Rows) -> str:
    """Where connections were left without an answer, and how late the driver was."""
    behind = [f"{row['realisation']} at {amount(number(row, 'offered_per_s'))}/s "
              f"({amount(number(row, 'answered'))} of {amount(number(row, 'connections'))})"
              for row in rows if number(row, "answered") < number(row, "connections")]
    late = max(rows, key=lambda row: number(row, "late_p99_ms"))
    left = f"Not all were answered by {listed(behind)}." if behind else "Every connection was answered."
    return (f"{left} The driver itself was at most {milliseconds(number(late, 'late_p99_ms'))} late with 99 of 100, "
            f"for {late['realisation']} at {amount(number(late, 'offered_per_s'))}/s.")


def read_stranded(rows: Rows) -> Reading:
    """Who was answered in which stage."""
    wrong = stranded.contradictions(rows)
    killed = [row for row in rows if row["stage"] == "controller killed"]
    served = [str(row["realisation"]) for row in killed if number(row, "new_answered") == number(row, "new")]
    open_on = sum(number(row, "kept") for row in killed) / (sum(number(row, "open") for row in killed) or 1)
    found = (f"Without a controller new connections were all answered by {listed(served)}, and "
             f"{100 * open_on:.0f}\N{NO-BREAK SPACE}% of the open ones went on.")
    points = [(capital(stage), in_stage([row for row in rows if row["stage"] == stage]))
              for stage in dict.fromkeys(str(row["stage"]) for row in rows)]
    return Reading(f"Otherwise than predicted: {'; '.join(wrong)}." if wrong else found, (), not wrong, tuple(points))


def in_stage(rows: Rows) -> str:
    """Every realisation in one stage."""
    return listed(f"{row['realisation']} answered {amount(number(row, 'new_answered'))} of "
                  f"{amount(number(row, 'new'))} new connections and kept {amount(number(row, 'kept'))} of "
                  f"{amount(number(row, 'open'))} whose server was there" for row in rows) + "."
