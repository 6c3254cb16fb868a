"""What the experiment `reverse-proxy` measures, a function for each of its tables (reverse_proxy.py says why).

     ShopLab ──requests of real clients──► what they were told, what the servers counted, what was on the wires ──► rows
"""

from __future__ import annotations

import random
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import IPv4Address
from typing import Any, TypeVar

import requests

from experiments.clients import ClientHost, session
from experiments.margins import percentile_ms
from experiments.netns import inside, socket_in
from experiments.reverse_proxy_lab import SERVERS, SHOP, UNKEPT, ShopLab
from experiments.shop import MARK
from experiments.usage import Usage
from experiments.wiretap import frames, shown, watch
from topologies import addresses

T = TypeVar("T")
Row = dict[str, object]
HTTPS = f"https://{SHOP}"
PAGES = 12  # pages of goods
FORGED = "6.6.6.6"  # whom a client pretends to be
# By what requests are told apart: the path that is asked for, fields, and who is meant.
KINDS: dict[str, tuple[str, dict[str, str], frozenset[str]]] = {
    "nothing": ("/text/1", {}, frozenset(("srv1", "srv2", "srv3"))),
    "URL category": ("/video/1", {}, frozenset(("srv3",))),
    "header": ("/text/1", {"X-Version": "beta"}, frozenset(("srv2",))),
    "cookie": ("/text/1", {"Cookie": "theme=dark; group=b"}, frozenset(("srv2",))),
}
# How clients come, and whether each request has a connection of its own, and whether that resumes a TLS session.
WAYS = {"kept": (False, False), "fresh": (True, False), "fresh, resumed": (True, True)}


def visitor(lab: ShopLab, client: ClientHost) -> requests.Session:
    """A client that trusts the run's authority, and nobody else."""
    found = session(client)
    found.verify = str(lab.authority.bundle)
    return found


def everybody(lab: ShopLab, visit: Callable[[ClientHost], T]) -> list[T]:
    """Let every client do something, all at the same time."""
    clients = lab.clients()
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(visit, clients))


# -- wire --------------------------------------------------------------------------------------


def wire(lab: ShopLab, times: int) -> list[Row]:
    """Both sides of the proxy, captured while every client asks for a few things that are secret."""
    files = lab.tap()

    def visit(client: ClientHost) -> None:
        with visitor(lab, client) as own:
            for number in range(times):
                own.get(f"{HTTPS}/account", headers={"Cookie": f"session={MARK}-{number}"}).raise_for_status()
                own.get(f"{HTTPS}/goods/{number}?of={client.name}").raise_for_status()
    everybody(lab, visit)
    lab.untap()
    hidden = {"clients": (lab.server_addresses(), lab.server_macs()), "servers": (client_addresses(lab), set[str]())}
    found = []
    for side, (others, macs) in hidden.items():
        seen = watch(files[side], MARK.encode(), others, macs)
        found.append({"side": side, "packets": seen.packets, "tcp_bytes": seen.tcp_bytes, "tls_bytes": seen.tls_bytes,
                      "readable": seen.readable, "show_the_others": seen.showing})
    return found


# -- passing -----------------------------------------------------------------------------------


def passing(lab: ShopLab, times: int) -> list[Row]:
    """What passes through the proxy, and whether servers see who asks: as it is, past it, and where it tells nobody."""
    found = [_passed(lab, "asked by its name", times, lambda number: HTTPS)]
    with lab.silent():
        found.append(_passed(lab, "and told nothing", times, lambda number: HTTPS))
    return [*found, _passed(lab, "asked past it", times, lambda number: f"http://{addresses.server(number)}")]


def _passed(lab: ShopLab, how: str, times: int, site: Callable[[int], str]) -> Row:
    """Every client asks each server, or the proxy in its place, `times`; which packets the servers see of that."""
    files = lab.tap()["servers"]
    mark = f"{MARK}-{how.replace(' ', '-')}"  # its own: packets of what came before may be sent once more

    def visit(client: ClientHost) -> None:
        with visitor(lab, client) as own:
            for number in [number for number in range(1, SERVERS + 1) for _ in range(times)]:
                own.get(f"{site(number)}/account", headers={"Cookie": f"session={mark}"}).raise_for_status()
    everybody(lab, visit)
    lab.untap()
    secret = [frame for file in files for frame in frames(file) if mark.encode() in frame]
    seen = watch(files, mark.encode(), client_addresses(lab), set[str]())
    return {"how": how, "packets": len(secret), "through": sum(addresses.PROXY.packed in shown(one) for one in secret),
            "all_packets": seen.packets, "show_clients": seen.showing}


def client_addresses(lab: ShopLab) -> set[IPv4Address]:
    """Every client's."""
    return {addresses.client(number, lab.topo.network) for number in range(1, len(lab.clients()) + 1)}


# -- hidden ------------------------------------------------------------------------------------


def hidden(lab: ShopLab) -> list[Row]:
    """What is said on one side of the proxy, what is told on the other, and what should be."""
    with session(ClientHost("proxy", lab.netns("proxy"))) as own:
        direct = own.get(f"http://{addresses.server(1)}/login", allow_redirects=False).headers
    with visitor(lab, lab.clients()[0]) as own:
        told = own.get(f"{HTTPS}/login", allow_redirects=False).headers
        forged = {"X-Forwarded-For": FORGED, "Forwarded": f"for={FORGED}", "X-Forwarded-Proto": "gopher"}
        seen = dict(own.get(f"{HTTPS}/account", headers=forged).json()["said"])
    client = addresses.client(1, lab.topo.network)
    expected = {"Server": "", "X-Powered-By": "", "Location": f"{HTTPS}/account",
                "X-Forwarded-For": str(client), "Forwarded": f'for={client};host="{SHOP}";proto=https',
                "X-Forwarded-Proto": "https"}
    return [_told("server", name, direct.get(name, ""), told.get(name, ""), expected[name])
            for name in ("Server", "X-Powered-By", "Location")] + [
            _told("client", name, forged[name], seen.get(name, ""), expected[name]) for name in forged]


def _told(by: str, field: str, said: str, told: str, expected: str) -> Row:
    return {"said_by": by, "field": field, "said": said, "told": told, "expected": expected}


# -- by_content --------------------------------------------------------------------------------


def by_content(lab: ShopLab, times: int, seed: int) -> list[Row]:
    """Requests of every kind, mixed, in one connection of each client; who answered them."""
    def visit(client: ClientHost) -> list[tuple[str, str]]:
        kinds = [kind for kind in KINDS for _ in range(times)]
        random.Random(f"{seed} {client.name}").shuffle(kinds)
        with visitor(lab, client) as own:
            return [(kind, own.get(HTTPS + KINDS[kind][0], headers=KINDS[kind][1]).json()["server"]) for kind in kinds]
    answers = [answer for found in everybody(lab, visit) for answer in found]
    return [{"by": kind, "requests": sum(one == kind for one, _ in answers),
             "as_wished": sum(one == kind and server in KINDS[kind][2] for one, server in answers),
             "servers": sorted({server for one, server in answers if one == kind})} for kind in KINDS]


# -- caching -----------------------------------------------------------------------------------


CACHES: dict[str, Callable[[int], str]] = {  # and at which site a page is asked for
    "no proxy": lambda page: f"http://{addresses.server(page % SERVERS + 1)}",
    "off": lambda page: f"https://{UNKEPT}",
    "on": lambda page: HTTPS,
}


def caching(lab: ShopLab, rounds: int, times: int, seed: int) -> list[Row]:
    """Every client asks for every page, `times`, in an order of its own: past the proxy, without its cache, with it.

    Each round has pages of its own, and a shuffled order of the three.
    """
    found, dice = defaultdict[str, list[tuple[list[float], int]]](list), random.Random(seed)
    for number in range(rounds):
        for cache in dice.sample(sorted(CACHES), len(CACHES)):
            found[cache].append(_asked_for(lab, cache, range(number * PAGES, (number + 1) * PAGES), times, seed))
    return [_caching_row(cache, found[cache]) for cache in CACHES]


def _asked_for(lab: ShopLab, cache: str, numbers: Sequence[int], times: int, seed: int) -> tuple[list[float], int]:
    """How long each request took, and how many pages servers made."""
    def visit(client: ClientHost) -> list[float]:
        pages = list(numbers) * times
        random.Random(f"{seed} {client.name}").shuffle(pages)
        with visitor(lab, client) as own:
            return [_timed(own, f"{CACHES[cache](page)}/goods/{page}") for page in pages]
    before = _goods(lab)
    took_s = [one for found in everybody(lab, visit) for one in found]
    return took_s, _goods(lab) - before


def _caching_row(cache: str, rounds: Sequence[tuple[list[float], int]]) -> Row:
    took_s = [one for round_s, _ in rounds for one in round_s]
    asked, made = len(took_s), sum(made for _, made in rounds)
    return {"cache": cache, "requests": asked, "pages": PAGES * len(rounds), "origin_requests": made,
            "saved_pct": round(100 * (asked - made) / asked, 1),
            "p50_ms": round(percentile_ms(took_s, 50), 2), "p95_ms": round(percentile_ms(took_s, 95), 2),
            "p50_ms_rounds": [round(percentile_ms(round_s, 50), 2) for round_s, _ in rounds],
            "made_rounds": [made for _, made in rounds]}


def _timed(own: requests.Session, url: str) -> float:
    began_s = time.perf_counter()
    own.get(url).raise_for_status()
    return time.perf_counter() - began_s


def _goods(lab: ShopLab) -> int:
    """How often the servers have made a page, by their own count."""
    return sum(lab.stats(name)["requests"].get("goods", 0) for name in lab.topo.server_names())


# -- connections -------------------------------------------------------------------------------


def connections(lab: ShopLab, times: int) -> list[Row]:
    """Every client asks `times`; how many connections and handshakes that took, on either side, by how they come."""
    return [_come(lab, way, times) for way in WAYS]


def _come(lab: ShopLab, way: str, times: int) -> Row:
    before, usage, served = _counted(lab), Usage({"proxy": lab.pids()["proxy"]}), lab.counts()
    requests_made = sum(everybody(lab, lambda client: _visit(lab, client, times, *WAYS[way])))
    now = _counted(lab)
    clients, handshakes, resumed, opened = (after - then for after, then in zip(now, before, strict=True))
    return {"way": way, "requests": requests_made, "client_connections": clients, "handshakes": handshakes - resumed,
            "resumed": resumed, "server_connections": opened,
            "saved_pct": round(100 * (requests_made - opened) / requests_made, 1),
            "proxy_cpu_ms": round(usage.spent_ms()["proxy"] / requests_made, 3),
            "busiest_server": max(now - served[name] for name, now in lab.counts().items())}


def _visit(lab: ShopLab, client: ClientHost, times: int, fresh: bool, resuming: bool) -> int:
    """`times` requests in one connection, or in one each; return how many were answered."""
    context = ssl.create_default_context(cafile=str(lab.authority.bundle))
    known, done = None, 0
    while done < times:
        with inside(client.netns):
            tcp = socket_in(None)
        tcp.settimeout(20)
        tcp.connect((str(lab.vip), 443))
        with context.wrap_socket(tcp, server_hostname=SHOP, session=known) as own:
            for _ in range(1 if fresh else times):
                own.sendall(f"GET /text/1 HTTP/1.1\r\nHost: {SHOP}\r\n\r\n".encode())
                done += _answered(own)
            known = own.session if resuming else None
    return done


def _answered(own: ssl.SSLSocket) -> int:
    """Read one answer to its end; return 1 if it is good."""
    data = b""
    while MARK.encode() not in data or not data.endswith(b"}"):
        piece = own.recv(65_536)
        if not piece:
            return 0
        data += piece
    return int(data.startswith(b"HTTP/1.1 200 "))


def _counted(lab: ShopLab) -> tuple[int, int, int, int]:
    """Of the proxy: clients' connections, handshakes, those resumed; connections that requests opened to servers."""
    counters = lab.counters()
    door = next(one for one in counters["doors"] if one["door"].endswith(":443"))
    opened = sum(server["opened"] for pool in counters["services"] for server in pool["servers"])
    return door["clients"], door["handshakes"], door["resumed"], opened


# -- certificates ------------------------------------------------------------------------------


def certificates(lab: ShopLab, times: int) -> list[Row]:
    """Who speaks TLS, and what replacing the certificate takes: all clients are connected, and go on asking."""
    def visit(client: ClientHost) -> int:
        with visitor(lab, client) as own:
            return sum(_asked(own) for _ in range(times))
    before = _serial(lab, str(lab.vip))
    with ThreadPoolExecutor(1) as aside:
        lost = aside.submit(lambda: len(lab.clients()) * times - sum(everybody(lab, visit)))
        lab.renew()
        lab.wait("the new certificate", lambda: _serial(lab, str(lab.vip)) != before)
        found = [_certified("proxy", before, 1, lost.result())]
    return found + [_certified(f"srv{n}", _serial(lab, str(addresses.server(n))), 0, 0) for n in range(1, SERVERS + 1)]


def _certified(host: str, serial: str, replaced: int, lost: int) -> Row:
    return {"host": host, "speaks_tls": bool(serial), "replaced": replaced, "requests_lost": lost}


def _asked(own: requests.Session) -> bool:
    with suppress(requests.RequestException):
        return own.get(f"{HTTPS}/text/1").ok
    return False


def _serial(lab: ShopLab, address: str) -> str:
    """The serial number of the certificate that is shown at port 443 of `address`; empty if no TLS is spoken there."""
    context = ssl.create_default_context(cafile=str(lab.authority.bundle))
    with inside(lab.netns("proxy")):
        tcp = socket_in(None)
    with suppress(OSError), tcp:
        tcp.settimeout(5)
        tcp.connect((address, 443))
        with context.wrap_socket(tcp, server_hostname=SHOP) as own:
            shown: dict[str, Any] | None = own.getpeercert()
            return str(shown["serialNumber"]) if shown else ""
    return ""
