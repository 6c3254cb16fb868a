"""TEST DATA for and against the claims of `disruption`: who had whom before an event, and after it."""

from __future__ import annotations

from experiments.changes import KEYED, STATES, VICTIM, Outcome, State
from experiments.disruption_claims import LEAVES, RETURNS, of_clients, of_connections
from experiments.verdicts import Verdict

BEFORE = [f"srv{n}" for n in (1, 2, 3, 4) for _ in range(40)]
OTHER = {"srv1": "srv3", "srv2": "srv4", "srv3": "srv4", "srv4": "srv1"}
MODULO, MAGLEV = KEYED


def after(part_moved: float, before: list[str] = BEFORE) -> list[str]:
    """This part of each server's now has another one; whose server has left has another in any case."""
    stays = round(40 * (1 - part_moved))
    return [name if place % 40 < stays else OTHER[name] for place, name in enumerate(before)]


def outcome(scheme: str, event: str, part_moved: float) -> Outcome:
    state: State = next(state for state in STATES if state.event == event)
    now = ["" if state.gone and name == VICTIM else name for name in after(part_moved)]
    return Outcome(scheme, state, BEFORE, now, BEFORE, now, 0, 0, 12, 0)


def connections(consistent: float, remembered: float) -> list[Verdict]:
    """What part Maglev moves when a server leaves, and what part who remembers moves when it comes back."""
    return of_connections([outcome("modulo hash", LEAVES, 0.7), outcome("Maglev slots", LEAVES, consistent),
                           outcome("Maglev slots", RETURNS, 0.25), outcome("tracked", RETURNS, remembered)])


def clients(steady: float, leaves: float, returns: float) -> list[Verdict]:
    """What part of the clients meets another server with Maglev; with modulo many do, unless nothing changes."""
    gone = after(leaves)
    back = after(returns, gone)
    rest = [BEFORE] * (len(STATES) - 3)
    return of_clients({MODULO: [BEFORE, after(0.7), after(steady), *rest], MAGLEV: [BEFORE, gone, back, *rest]})


def refuting() -> list[Verdict]:
    """Everything moves, whatever is done against it."""
    return connections(0.6, 0.5) + clients(0.6, 0.7, 0.5)


def supporting() -> list[Verdict]:
    """Nothing moves but where modulo does it."""
    return connections(0.0, 0.0) + clients(0.0, 0.0, 0.0)
