"""Question: what does a reverse proxy do for the servers behind it, and what do its clients see of them?

Prediction:

    wire           on the clients' side every byte of TCP is in a TLS record, and nothing can be read; on the servers'
                   side the same requests and answers are plain HTTP. No packet at a client shows a server's address
    passing        all that is asked of its name passes through it. Who knows a server's own address gets past it: no
                   filter is between. Servers see a client's address where the proxy tells them, and nowhere else
    hidden         what names a server or its software doesn't reach the client: Server and X-Powered-By are gone, a
                   redirect to the server's own address leads to the proxy's. And what a client says of itself doesn't
                   reach a server: it is told the address that the client really has
    by_content     a request goes where its path, its header or its cookie says, each time
    caching        servers make every page once, however many ask for it, and at the same time; half of the requests
                   are answered sooner than without the cache, and sooner than by the servers themselves
    connections    each server has at most one connection for each client that asks at a time, whatever clients do; a
                   client that keeps its connection shakes hands once, and so does one that resumes its session
    certificates   one host of all has a key; a new certificate is shown without a request lost

Method (reverse_proxy_rows.py): three shops that speak HTTP, a proxy that speaks TLS for them, clients behind a router,
one lab. Captures are taken at each client's and each server's own interface, and judged by their bytes (wiretap.py).
What servers did is by their own count, what the proxy saved by its counters. Clients verify the certificate against
the authority of this run; one that doesn't fit would end the experiment.

    readable           packets in which a word is found that is in every secret request and answer
    show_the_others    packets that show an address of the other side, in a header or in digits. Servers do learn the
                       client's, by X-Forwarded-For, because the proxy tells them
    origin_requests    pages that the servers made; saved_pct: the part of the requests that they were spared
    handshakes         those that were whole; resumed: those that a session ticket made short
    through            of the packets that servers see with what is asked, those that come from the proxy, or go to it
    server_connections connections that had to be opened to servers; saved_pct: the part of the requests that found one
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from experiments import reverse_proxy_claims as claims
from experiments import reverse_proxy_rows as measure
from experiments.display import Display
from experiments.experiment import Options, Part
from experiments.reverse_proxy_lab import CLIENTS, SERVERS, ShopLab

Rows = Sequence[Mapping[str, Any]]
Clauses = list[tuple[bool, str]]


@dataclass(frozen=True)
class Size:
    """How many requests of each kind a client makes, and in how many rounds it asks for pages."""

    wire: int
    kinds: int
    rounds: int
    pages: int
    connections: int
    renewed: int


QUICK, FULL = Size(3, 3, 3, 1, 10, 40), Size(10, 15, 5, 2, 50, 200)


# -- the prediction ----------------------------------------------------------------------------


def of_wire(rows: Rows) -> Clauses:
    """What is predicted of `wire`, and what to say where it is otherwise."""
    clients, servers = ({row["side"]: row for row in rows}[side] for side in ("clients", "servers"))
    return [
        (clients["tls_bytes"] == clients["tcp_bytes"] > 0, "not all that clients exchange is TLS"),
        (not clients["readable"], f"{clients['readable']} packets at clients can be read"),
        (not clients["show_the_others"], f"{clients['show_the_others']} packets show clients a server's address"),
        (not servers["tls_bytes"], "servers are spoken to in TLS"),
        (servers["readable"] > 0, "nothing can be read at the servers"),
    ]


def of_passing(rows: Rows) -> Clauses:
    """What is predicted of `passing`."""
    named, untold, past = rows
    return [
        *((row["through"] == row["packets"] > 0, f"{row['how']}: {row['packets'] - row['through']} packets did not "
           "pass through the proxy") for row in (named, untold)),
        (named["show_clients"] > 0, "servers were not told who asks"),
        (not untold["show_clients"], f"{untold['show_clients']} packets show servers a client's address untold"),
        (not past["through"] and past["show_clients"] > 0, "who asks past the proxy passes through it"),
    ]


def of_hidden(rows: Rows) -> Clauses:
    """What is predicted of `hidden`."""
    return [(row["told"] == row["expected"], f"{row['field']} is told as {row['told']!r}") for row in rows]


def of_content(rows: Rows) -> Clauses:
    """What is predicted of `by_content`."""
    return [(row["as_wished"] == row["requests"] > 0, f"{row['requests'] - row['as_wished']} requests by {row['by']} "
             "went elsewhere") for row in rows]


def of_caching(rows: Rows) -> Clauses:
    """What is predicted of `caching`."""
    direct, off, on = ({row["cache"]: row for row in rows}[state] for state in ("no proxy", "off", "on"))
    return [
        (off["origin_requests"] == off["requests"], "without the cache not every request reached a server"),
        (on["origin_requests"] == on["pages"], f"{on['origin_requests']} pages were made for {on['pages']} that exist"),
        (on["p50_ms"] < off["p50_ms"], "half of the requests took as long as without the cache"),
        (on["p50_ms"] < direct["p50_ms"], "half of the requests took as long as without the proxy"),
    ]


def of_connections(rows: Rows) -> Clauses:
    """What is predicted of `connections`."""
    clauses: Clauses = []
    for row in rows:
        fresh, resuming = measure.WAYS[row["way"]]
        came = row["requests"] if fresh else CLIENTS
        whole = CLIENTS if resuming or not fresh else row["requests"]
        clauses += [
            (row["client_connections"] == came, f"{row['way']}: clients made {row['client_connections']} connections"),
            (row["handshakes"] == whole, f"{row['way']}: {row['handshakes']} whole handshakes, not {whole}"),
            (row["handshakes"] + row["resumed"] == came, f"{row['way']}: {row['resumed']} sessions were resumed"),
            (row["server_connections"] <= CLIENTS * SERVERS,
             f"{row['way']}: {row['server_connections']} connections to servers"),
        ]
    return clauses


def of_certificates(rows: Rows) -> Clauses:
    """What is predicted of `certificates`."""
    lost = sum(row["requests_lost"] for row in rows)
    return [(row["speaks_tls"] is (row["host"] == "proxy"), f"{row['host']} speaks TLS: {row['speaks_tls']}")
            for row in rows] + [(not lost, f"{lost} requests were lost")]


PREDICTED: dict[str, Callable[[Rows], Clauses]] = {
    "wire": of_wire, "passing": of_passing, "hidden": of_hidden, "by_content": of_content, "caching": of_caching,
    "connections": of_connections, "certificates": of_certificates,
}


def contradictions(table: str, rows: Rows) -> list[str]:
    """What came out otherwise than predicted, a clause each."""
    return [words for holds, words in PREDICTED[table](rows) if not holds]


# -- in words ----------------------------------------------------------------------------------


def wire_words(rows: Rows) -> str:
    """What is to be seen of `wire`, in the run's own figures."""
    clients, servers = rows
    return (f"At clients {clients['tls_bytes']:,} of {clients['tcp_bytes']:,} bytes were in TLS records, and "
            f"{clients['readable']} of {clients['packets']} packets could be read; at servers {servers['readable']} of "
            f"{servers['packets']}. {clients['show_the_others']} packets showed a client a server's address.")


def passing_words(rows: Rows) -> str:
    """Of `passing`."""
    return "Packets with what is asked, at servers: " + "; ".join(
        f"{row['how']}: {row['through']} of {row['packets']} through the proxy, and {row['show_clients']} of all "
        f"{row['all_packets']} show a client's address" for row in rows) + "."


def hidden_words(rows: Rows) -> str:
    """Of `hidden`."""
    gone = [row["field"] for row in rows if not row["told"]]
    anew = [f"{row['field']} {row['told']}" for row in rows if row["told"]]
    return f"Dropped: {', '.join(gone)}. Written anew: {'; '.join(anew)}."


def content_words(rows: Rows) -> str:
    """Of `by_content`."""
    return "; ".join(f"by {row['by']} {row['as_wished']} of {row['requests']} went to {', '.join(row['servers'])}"
                     for row in rows) + "."


def caching_words(rows: Rows) -> str:
    """Of `caching`."""
    direct, off, on = rows
    return (f"{on['requests']} requests for {on['pages']} pages: servers made {off['origin_requests']} without the "
            f"cache and {on['origin_requests']} with it; p50 {off['p50_ms']:g} ms and {on['p50_ms']:g} ms, and "
            f"{direct['p50_ms']:g} ms by the servers themselves, in plain HTTP.")


def connections_words(rows: Rows) -> str:
    """Of `connections`."""
    return "; ".join(f"{row['way']}: {row['requests']} requests, {row['handshakes']} whole handshakes and "
                     f"{row['resumed']} resumed, {row['server_connections']} connections to servers, "
                     f"{row['proxy_cpu_ms']:g} ms of CPU each" for row in rows) + "."


def certificates_words(rows: Rows) -> str:
    """Of `certificates`."""
    speaks = [row["host"] for row in rows if row["speaks_tls"]]
    return (f"TLS is spoken by {', '.join(speaks)}, of {len(rows)} hosts. {sum(row['replaced'] for row in rows)} "
            f"certificate was replaced while clients asked, and {sum(row['requests_lost'] for row in rows)} requests "
            "were lost by it.")


WORDS: dict[str, Callable[[Rows], str]] = {
    "wire": wire_words, "passing": passing_words, "hidden": hidden_words, "by_content": content_words,
    "caching": caching_words, "connections": connections_words, "certificates": certificates_words,
}


def moral(table: str, rows: Rows) -> str:
    """What is to be seen in a table."""
    wrong = contradictions(table, rows)
    return (f"Otherwise than predicted: {'; '.join(wrong)}. " if wrong else "") + WORDS[table](rows)


# -- the run -----------------------------------------------------------------------------------


def run(lab: ShopLab, size: Size, seed: int, say: Callable[[str], object]) -> dict[str, Rows]:
    """All tables, one after another, in a lab that is up: connections first, as long as none is open to a server."""
    steps: dict[str, Callable[[], Rows]] = {
        "connections": lambda: measure.connections(lab, size.connections),
        "wire": lambda: measure.wire(lab, size.wire),
        "passing": lambda: measure.passing(lab, size.wire),
        "hidden": lambda: measure.hidden(lab),
        "by_content": lambda: measure.by_content(lab, size.kinds, seed),
        "caching": lambda: measure.caching(lab, size.rounds, size.pages, seed),
        "certificates": lambda: measure.certificates(lab, size.renewed),
    }
    found = {}
    for table, step in steps.items():
        say(f"reverse-proxy: {table}")
        found[table] = step()
    return found


def parts() -> Sequence[Callable[[Options, Display], Part]]:
    """Seven tables of one run."""
    found: dict[str, Rows] = {}

    def part(table: str) -> Callable[[Options, Display], Part]:
        def shown(options: Options, display: Display) -> Part:
            if not found:
                with ShopLab(display.say) as lab:
                    found.update(run(lab, QUICK if options.quick else FULL, options.seed, display.say))
            rows = found[table]
            return Part(table, rows, moral(table, rows), not contradictions(table, rows),
                        verdicts=claims.judged(table, rows))
        return shown

    return [part(table) for table in PREDICTED]
