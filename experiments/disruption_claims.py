"""What the lecture claims of hashes ("IP hash keeps a client on its server"), and the table `clients`. Pure.

    of a connection   who answered before an event, and after it        (changes.py, Outcome)
    of a client       whom it met in one state, and whom in the next    (changes.py, Met)

A case is one connection, or one client, whose server was there before and after: it was moved, or it wasn't. FEW is
stated before anything is measured: one in ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from experiments.changes import STATES, VICTIM, Met, Outcome, State
from experiments.verdicts import Claim, Rule, Verdict, of_part

FEW = 0.1
LEAVES, RETURNS = "leaves", "comes back"
MODULO, MAGLEV = "source hash, modulo", "source hash, Maglev"

STEADY = Claim(9, "IP hash keeps a client on its server while no server changes",
               Rule("part of clients that met another server than before", "<", FEW))
CLIENT_LEAVES = Claim(9, "IP hash keeps a client on its server when another server leaves",
                      Rule("part of clients that met another one", "<", FEW),
                      only_if="the hash is consistent (Maglev), not with modulo")
CLIENT_RETURNS = Claim(9, "IP hash keeps a client on its server when a server comes back",
                       Rule("part of clients that met another one, with Maglev", "<", FEW))
HASH_LEAVES = Claim(9, "a hash of connections moves none whose server is there when another one leaves",
                    Rule("part of connections moved", "<", FEW),
                    only_if="the hash is consistent (Maglev), not with modulo")
HASH_RETURNS = Claim(9, "a server comes back, and no connection is moved", Rule("part of connections moved", "<", FEW),
                     only_if="connections are remembered (tracked), not just hashed (Maglev)")

Cases = tuple[int, int]  # how many were moved, of how many


def of_connections(found: Iterable[Outcome]) -> list[Verdict]:
    """The verdicts on connections. Raises KeyError if an outcome that they need is not there."""
    moved = {(one.scheme, one.state.event): _moved(one.state, one.before, one.after) for one in found}
    return [HASH_LEAVES.judge(of_part(*moved["Maglev slots", LEAVES]), beyond=of_part(*moved["modulo hash", LEAVES])),
            HASH_RETURNS.judge(of_part(*moved["tracked", RETURNS]), beyond=of_part(*moved["Maglev slots", RETURNS]))]


def of_clients(met: Met) -> list[Verdict]:
    """The verdicts on clients. While nothing changes: the state after `leaves` has passed is as the first one."""
    moved = {name: {state.event: cases for state, cases in _events(states)} for name, states in met.items()}
    steady = _moved(STATES[0], met[MODULO][0], met[MODULO][2])
    return [STEADY.judge(of_part(*steady)),
            CLIENT_LEAVES.judge(of_part(*moved[MAGLEV][LEAVES]), beyond=of_part(*moved[MODULO][LEAVES])),
            CLIENT_RETURNS.judge(of_part(*moved[MAGLEV][RETURNS]))]


def _moved(state: State, before: Sequence[str], after: Sequence[str]) -> Cases:
    """Of those whose server is there in this state, how many another one has, or nobody."""
    here = [(then, now) for then, now in zip(before, after, strict=True)
            if then and not (state.gone and then == VICTIM)]
    return sum(then != now for then, now in here), len(here)


def _events(states: Sequence[Sequence[str]]) -> Iterable[tuple[State, Cases]]:
    """Each event, and who was moved by it."""
    for number, state in enumerate(STATES[1:], start=1):
        if state.event:
            yield state, _moved(state, states[number - 1], states[number])


# -- the table ---------------------------------------------------------------------------------


def client_rows(met: Met) -> list[dict[str, object]]:
    """The table `clients`: whom the clients met, event by event."""
    return [{"scheme": name, "event": state.event, "clients": len(states[0]), "whose_server_is_there": whole,
             "moved": moved, "moved_pct": round(100 * moved / whole, 1),
             "share": dict(sorted(Counter(filter(None, states[STATES.index(state)])).items()))}
            for name, states in met.items() for state, (moved, whole) in _events(states)]


def moral_of_clients(rows: Sequence[dict[str, object]]) -> str:
    """What is to be seen, in the run's own figures."""
    by_scheme = {name: ", ".join(f"{row['event']} {row['moved_pct']:g} %" for row in rows if row["scheme"] == name)
                 for name in dict.fromkeys(str(row["scheme"]) for row in rows)}
    figures = "; ".join(f"{name}: {words}" for name, words in by_scheme.items())
    return f"Clients that met another server although theirs was there: {figures}."
