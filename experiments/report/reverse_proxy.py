"""The tables of `reverse-proxy`: what a proxy does for its servers, and what clients see of them.

What is predicted is said in experiments/reverse_proxy.py, and only there.
"""

from __future__ import annotations

from collections.abc import Callable

from experiments.envelope import Row
from experiments.report.section import Reading, Rows
from experiments.report.wording import amount, capital, counted, listed, milliseconds, number
from experiments.reverse_proxy import WORDS, contradictions

# Why it came out so, where it came out as predicted.
WHY = {
    "wire": "The proxy ends TLS: what it has read it asks for again, in a connection of its own and in plain HTTP. So "
            "whoever listens between clients and proxy reads nothing, and whoever listens behind it reads everything: "
            "that network has to be one’s own. Packets carry the proxy’s address on either side of it.",
    "passing": "A name leads to the proxy, and so whoever knows only the name passes through it. That is no wall: who "
               "knows a server’s address and has a way there gets past, unless a filter is between. In packets a "
               "client’s address ends at the proxy, which tells it to servers in a field, unless it is told not to.",
    "hidden": "Nothing is passed on as it came. Fields that name software are dropped, a place at a server is put "
              "where the client asked, and what a client says of where it comes from is believed of trusted proxies "
              "only.",
    "by_content": "Kinds were mixed in one connection of each client: a proxy decides for each request, when it has "
                  "read it.",
    "caching": "The first request for a page goes to a server, and who asks for the same page meanwhile waits for that "
               "answer (coalescing): so pages are made once, even when all clients ask at the same time.",
    "connections": "Connections to servers belong to the proxy, which keeps them for whoever asks next. A session "
                   "ticket (RFC 8446 2.2) spares a handshake the certificate and its proof, a connection that is kept "
                   "spares all of it.",
    "certificates": "A handshake shows what the proxy has by then, and connections that stand go on with what they "
                    "began with. The servers have nothing that would have to be replaced.",
}


def reader(table: str) -> Callable[[Rows], Reading]:
    """What reads `table`."""
    def read(rows: Rows) -> Reading:
        wrong = contradictions(table, rows)
        verdict = f"Otherwise than predicted: {'; '.join(wrong)}." if wrong else capital(WORDS[table](rows))
        points = tuple(POINTS[table](row) for row in rows) if table in POINTS else ()
        return Reading(verdict, () if wrong else (WHY[table],), not wrong, points)
    return read


def of_hidden(row: Row) -> tuple[str, str]:
    """What became of a field."""
    told = f"“{row['told']}”" if row["told"] else "nothing"
    return str(row["field"]), f"the {row['said_by']} says “{row['said']}”, and the other side is told {told}."


def of_content(row: Row) -> tuple[str, str]:
    """Who answered one kind of request."""
    servers = row["servers"] if isinstance(row["servers"], list) else []
    return f"By {row['by']}", f"{counted(number(row, 'requests'), 'request')}, answered by {listed(servers)}."


def cache_name(row: Row) -> str:
    """What a row of `caching` is about."""
    return str(row["cache"]) if row["cache"] == "no proxy" else f"cache {row['cache']}"


def of_passing(row: Row) -> tuple[str, str]:
    """What came to the servers, by how it was asked."""
    through, packets, shown, whole = (amount(number(row, column))
                                      for column in ("through", "packets", "show_clients", "all_packets"))
    return capital(str(row["how"])), (f"{through} of {packets} packets with what is asked are the proxy’s; a client’s "
                                      f"address is in {shown} of {whole}.")


def of_caching(row: Row) -> tuple[str, str]:
    """What one state of the cache came to."""
    return capital(cache_name(row)), (
        f"{counted(number(row, 'origin_requests'), 'page')} made for {counted(number(row, 'requests'), 'request')}, "
        f"{amount(number(row, 'saved_pct'))} % saved; p50 {milliseconds(number(row, 'p50_ms'))}, p95 "
        f"{milliseconds(number(row, 'p95_ms'))}.")


POINTS: dict[str, Callable[[Row], tuple[str, str]]] = {
    "passing": of_passing, "hidden": of_hidden, "by_content": of_content, "caching": of_caching,
}
