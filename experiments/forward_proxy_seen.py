"""What the experiment `forward-proxy` sees of who learns what (forward_proxy.py says why).

     h1 ──says a lot of itself──► by each way ──► /see at the origin: what came there ──► learned
     captures at h1 and at srv1, meanwhile ──► what stands in their packets            ──► evidence
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from experiments.forward_proxy_lab import PASSWORD, USER, ForwardLab, Told
from experiments.wiretap import watch
from topologies import addresses

Row = dict[str, object]
SITE = "news.example"
DESK, ORIGIN = addresses.client(1), addresses.origin(1)
BROWSER = "Desk/7.1"
FORGED = "6.6.6.6"  # whom the client pretends to be
PAGE = b"X-Site"    # in the head of every answer of an origin
# How h1 comes: the door, and what it asks for.
WAYS = {
    "direct": ("", f"http://{SITE}/see"),
    "transparent": ("plain", f"http://{SITE}/see"),
    "anonymous": ("anonymous", f"http://{SITE}/see"),
    "elite": ("elite", f"http://{SITE}/see"),
    "tunnel": ("elite", f"https://{SITE}/see"),
}
SAID = {
    "User-Agent": f"{BROWSER} (of desk h1)",
    "Sec-CH-UA-Platform": '"Campus"',
    "From": "ada@campus.example",
    "Referer": "http://wiki.example/page/7",
    "Cookie": "reader=ada",
    "X-Forwarded-For": FORGED,
    "Forwarded": f"for={FORGED}",
}
TO_ORIGIN = ("Via", *SAID, "Proxy-Authorization")
TO_CLIENT = ("Server", "Via")


def by_all_ways(lab: ForwardLab, times: int) -> tuple[list[Row], list[Row]]:
    """The rows of `learned`, and those of `evidence`."""
    told, captures = {}, list[Row]()
    for way in WAYS:
        told[way], files = _by(lab, way, times)
        captures += _captured(way, files)
    return list(_learned(told)), captures


def _by(lab: ForwardLab, way: str, times: int) -> tuple[Told, dict[str, Path]]:
    """A request by one way, so many times, with captures at both ends."""
    door, url = WAYS[way]
    said = [word for name, value in SAID.items() for word in ("-H", f"{name}: {value}")]
    user = ["--proxy-user", f"{USER}:{PASSWORD}"] if door else []
    open_way: AbstractContextManager[None] = nullcontext() if door else lab.routed()
    with open_way, lab.tapped("h1", "srv1") as files:
        told = [lab.curl("h1", door, url, *said, *user) for _ in range(times)][-1]
    return told, {side: files[host].rename(lab.directory / f"{way}.{host}.pcap")
                  for side, host in (("client", "h1"), ("origin", "srv1"))}


def _learned(told: dict[str, Told]) -> Iterator[Row]:
    seen = {way: json.loads(one.body) for way, one in told.items()}
    yield {"who": "origin", "field": "address", "said": str(DESK), **{way: one["peer"] for way, one in seen.items()}}
    for name in TO_ORIGIN:
        yield {"who": "origin", "field": name, "said": SAID.get(name, "a password" if "Auth" in name else ""),
               **{way: _field(one["fields"], name) for way, one in seen.items()}}
    yield {"who": "client", "field": "address", "said": str(ORIGIN), **{way: one.peer for way, one in told.items()}}
    for name in TO_CLIENT:
        yield {"who": "client", "field": name, "said": told["direct"].fields.get(name.lower(), ""),
               **{way: one.fields.get(name.lower(), "") for way, one in told.items()}}


def _field(fields: list[list[str]], name: str) -> str:
    return ", ".join(value for one, value in fields if one.lower() == name.lower())


def _captured(way: str, files: dict[str, Path]) -> Iterator[Row]:
    for side, other in (("client", ORIGIN), ("origin", DESK)):
        file = files[side]
        browser = watch([file], BROWSER.encode(), [other], [addresses.mac(other)])
        page = watch([file], PAGE, (), ())
        found = {"the other's address": browser.showing, "the browser's name": browser.readable,
                 "the answer's words": page.readable}
        for looked_for, times in found.items():
            yield {"way": way, "at": side, "looked_for": looked_for, "packets": browser.packets, "found": times}
