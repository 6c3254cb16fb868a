"""Why one request went where it went, told to whoever may ask for it: "Layer-Lab-Explain: 1" in the request.

     request ──asks, and may?──► Witness (witness.py) ──Record──► explain() ──► GET /explanations/7: all of it, JSON
                                                             └──► line()    ──► Layer-Lab-Explanation: 7; route=...
                                                                                what is known when the head goes

Rules kept here:

1. Off unless the configuration allows it: it is the one place where a client is told a server's name.
2. Whoever doesn't ask pays for one test of a flag. The request's field ends here (framing.py).
3. Pure: a Record is what happened, written down by the witness; what is said of it is made of it alone.
4. The last `MOST` are kept, those of requests that are under way as far as they are.
"""

from __future__ import annotations

import ipaddress
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from l7proxy.messages import Field, RequestHead, values
from l7proxy.routing import Routed
from layerlab import LabError

MOST = 100
MOST_SCORES = 16  # in the answer's field; the API tells them all
EVERYBODY: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_YES = frozenset((b"1", b"?1"))


@dataclass(slots=True)
class Try:
    """One decision, and what came of it. Times in seconds of one clock; None for what has not happened.

    scores:   of those who could be chosen, by the algorithm: the highest wins, and -0.0 is 0.0, which is nicer to
              read; what is infinite (not even drawn) is null. passed: why the others could not be.
    because:  why it was `server`. kept: whether its connection was open already.
    failure:  what went wrong, by its row in failures.py.
    """

    scores: dict[str, float]
    passed: dict[str, str]
    chosen_s: float
    server: str = ""
    because: str = ""
    dialled_s: float | None = None
    opened_s: float | None = None
    answered_s: float | None = None
    kept: bool = False
    failure: str = ""


@dataclass(slots=True)
class Record:
    """One request. request: its method, host and target. route: its name and conditions, "" if none took it.

    cache: what the cache did, "" without one.
    """

    id: int
    client: str
    request: str
    route: str
    began_s: float
    tries: list[Try] = field(default_factory=list)
    cache: str = ""
    status: int = 0
    ended_s: float | None = None


def explain(record: Record) -> dict[str, Any]:
    """What is known of `record`, as JSON says it; times in milliseconds, null for what has not happened."""
    last = record.tries[-1] if record.tries else None
    return {
        "id": record.id, "client": record.client, "request": record.request,
        "route": record.route or None, "server": last.server or None if last else None,
        "because": because(record), "tries": [_tried(one) for one in record.tries],
        "cache": record.cache or None, "status": record.status or None, "ms": times(record),
    }


def because(record: Record) -> str:
    """Why its answer came from where it came, in words."""
    if not record.tries:
        return record.cache or ("no server was needed" if record.route else "no route takes it")
    *before, last = record.tries
    if last.server:
        return last.because
    return f"{before[-1].failure} at {before[-1].server}, and nobody else was left" if before else "nobody can serve it"


def times(record: Record) -> dict[str, float | None]:
    """queue, connect and first byte: of the last try, each from the one before. total: of the request."""
    last = record.tries[-1] if record.tries else Try({}, {}, record.began_s)
    return {
        "queue": _ms(last.chosen_s, last.dialled_s), "connect": _ms(last.dialled_s, last.opened_s),
        "first_byte": _ms(last.opened_s, last.answered_s), "total": _ms(record.began_s, record.ended_s),
    }


def _ms(from_s: float | None, to_s: float | None) -> float | None:
    return None if from_s is None or to_s is None else round(1000 * (to_s - from_s), 3)


def _tried(one: Try) -> dict[str, Any]:
    connection = "kept" if one.kept else "new" if one.opened_s is not None else None
    return {
        "candidates": {name: score + 0.0 if math.isfinite(score) else None for name, score in one.scores.items()},
        "passed_over": one.passed, "server": one.server or None, "because": one.because or None,
        "connection": connection, "failure": one.failure or None,
    }


def line(record: Record) -> bytes:
    """The answer's field: an id with parameters (RFC 9651 3.3), as much as is known by now."""
    form, parts = explain(record), [f"Layer-Lab-Explanation: {record.id}"]
    scores = record.tries[-1].scores if record.tries else {}
    best = sorted(scores.items(), key=lambda pair: -pair[1])[:MOST_SCORES]
    shown = [f"{name} {score + 0.0:g}" for name, score in best]
    more = [f"{len(scores) - MOST_SCORES} more"] if len(scores) > MOST_SCORES else []
    texts = {"route": form["route"] or "none", "server": form["server"], "because": form["because"],
             "scores": ", ".join([*shown, *more]), "cache": form["cache"]}
    parts += [f"{name}={_string(text)}" for name, text in texts.items() if text]
    parts.append(f"tries={sum(bool(one.server) for one in record.tries)}")
    parts += [f"{name.replace('_', '-')}-ms={ms:.3f}" for name, ms in form["ms"].items() if ms is not None]
    return "; ".join(parts).encode("ascii") + b"\r\n"


def _string(text: str) -> str:
    """A String (RFC 9651 3.3.3): printable ASCII; what is not, is shown by its number."""
    plain = text.encode("ascii", "backslashreplace").decode().replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def route(taken: Routed | None) -> str:
    """The row of the routing table that took it, in words."""
    return "" if taken is None else f"{taken.name}: {taken.match or 'every request'}"


class Explanations:
    """The last ones. networks: the clients that may ask."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network] = EVERYBODY) -> None:
        self.networks = tuple(networks)
        self._numbers = itertools.count(1)
        self._records: dict[int, Record] = {}

    def wanted(self, client: str, said: Sequence[Field]) -> bool:
        """Whether a request of `client` asks for one, and may. said: what is not forwarded of its fields."""
        if next(values(said, b"layer-lab-explain"), b"") not in _YES:
            return False
        address = ipaddress.ip_address(client)
        return any(address in network for network in self.networks)

    def begin(self, head: RequestHead, client: str, taken: Routed | None, began_s: float) -> Record:
        """The record of a request that `taken` takes; the oldest one makes room for it."""
        number, words = next(self._numbers), (head.method, head.host, head.target)
        self._records.pop(number - MOST, None)
        request = " ".join(word.decode("latin-1") for word in words)
        record = self._records[number] = Record(number, client, request, route(taken), began_s)
        return record

    def view(self, words: Sequence[str]) -> Any:
        """What the API shows at /explanations (all that are kept) and /explanations/ID. Raises LabError."""
        if not words:
            return [explain(record) for record in self._records.values()]
        word = "/".join(words)
        if not word.isdecimal() or int(word) not in self._records:
            there = f"{min(self._records)} to {max(self._records)}" if self._records else "none has been asked for yet"
            raise LabError(f"there is no explanation {word}", f"the number of one of the last {MOST}: {there}")
        return explain(self._records[int(word)])

    def __repr__(self) -> str:
        return f"<Explanations: {len(self._records)} kept>"
