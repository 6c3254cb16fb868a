"""What the experiment `forward-proxy` sees of what doesn't pass, case by case (forward_proxy.py says why).

     curl in a host ──► door ──► 403, and a page that names the rule      by rule: no origin was asked
                             └─► 403 in the answer's place                by content: one was
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.forward_proxy_lab import CLIENTS, PASSWORD, USER, ForwardLab, Told

Row = dict[str, object]
PACKED = ("--compressed",)
ADA = ("--proxy-user", f"{USER}:{PASSWORD}")


@dataclass(frozen=True)
class Case:
    """One request. by: what it is refused by. words: more of curl's. status, rule: what is expected, of whom.

    origin: how many requests an origin is to get. has: what is to be in what the user gets, or in curl's complaint.
    """

    by: str
    url: str
    status: int
    rule: str = ""
    origin: int = 0
    words: tuple[str, ...] = ()
    host: str = "h1"
    door: str = "rules"
    has: str = ""

    @property
    def asked(self) -> str:
        """In short, for the table."""
        tunnel = self.url.startswith("https:") or "-p" in self.words
        method = "CONNECT" if tunnel else self.words[1] if "-X" in self.words else "GET"
        return f"{method} {self.url}"


BY_RULE = (
    Case("nothing", "http://news.example/style/site", 200, origin=1),
    Case("host", "http://ads.example/ad/1", 403, "no-ads"),
    Case("host (tunnel)", "https://tracker.example/ad/1", 403, "no-ads"),
    Case("URL", "http://news.example/image/banner-1", 403, "no-banners"),
    Case("URL (tunnel)", "https://news.example/image/banner-1", 200, origin=1),
    Case("method", "http://news.example/page/1", 403, "read-only", words=("-X", "DELETE")),
    Case("port", "http://news.example:8080/", 403, "web-only"),
    Case("port (tunnel)", "http://news.example:22/", 403, "connect-ports", words=("-p",)),
    Case("client", "http://news.example/page/1", 403, "not-this-desk", host=f"h{CLIENTS}"),
    Case("user: none", "http://shop.example/page/1", 407, "members"),
    Case("user: wrong password", "http://shop.example/page/1", 407, "members", words=("--proxy-user", f"{USER}:guess")),
    Case("user: right password", "http://shop.example/page/1", 200, origin=1, words=ADA),
    Case("user: none (tunnel)", "https://shop.example/page/1", 407, "members"),
    Case("address", "http://10.0.1.2/", 403, "guard"),
)
BY_CONTENT = (
    Case("nothing", "http://news.example/page/1", 200, origin=1, door="filters", has=" class "),
    Case("content type", "http://video.example/film/1", 403, "no-films", 1, door="filters"),
    Case("size", "http://video.example/bytes/2000000", 403, "not-so-large", 1, door="filters"),
    Case("size (none declared)", "http://video.example/stream/2000000", 200, "", 1, door="filters",
         has="reset by peer"),
    Case("word (packed)", "http://wiki.example/page/13", 403, "not-this-word", 1, PACKED, door="filters"),
    Case("word replaced (packed)", "http://wiki.example/page/1", 200, "", 1, PACKED, door="filters", has=" lesson "),
    Case("word (tunnel)", "https://wiki.example/page/13", 200, "", 1, door="filters", has="page/13 "),
)


def blocked(lab: ForwardLab, cases: Sequence[Case], times: int) -> list[Row]:
    """Every case, so many times; a row each."""
    return [_row(case, [_try(lab, case) for _ in range(times)]) for case in cases]


def _try(lab: ForwardLab, case: Case) -> tuple[Told, int]:
    """What the user was told, and how many requests came to the origin."""
    server = _server(lab, case.url)
    before = _asked(lab, server)
    told = lab.curl(case.host, case.door, case.url, *case.words)
    return told, _asked(lab, server) - before


def _row(case: Case, tries: Sequence[tuple[Told, int]]) -> Row:
    told, _ = tries[-1]
    right = [one.status == case.status and rule(one) == case.rule and asked == case.origin
             and case.has in one.error + one.body.decode("latin-1") for one, asked in tries]
    return {"by": case.by, "asked": case.asked, "expected": f"{case.status} {case.rule}".strip(),
            "status": told.status, "rule": rule(told), "user_sees": sees(told), "tries": len(tries),
            "origin_requests": sum(asked for _, asked in tries), "as_expected": sum(right)}


def rule(told: Told) -> str:
    """The rule that the client is told, by Proxy-Status (RFC 9209)."""
    found = re.search(r'details="rule ([^"]*)"', told.fields.get("proxy-status", ""))
    return found[1] if found else ""


def sees(told: Told) -> str:
    """What a user has before him: curl's complaint, the page of the proxy, or what he asked for."""
    title = re.search(rb"<title>([^<]*)</title>", told.body)
    if told.error:
        return told.error
    if title and b"<p>Rule:" in told.body:
        return f"a page: {title[1].decode()}"
    return told.fields.get("content-type", "nothing")


def _server(lab: ForwardLab, url: str) -> str:
    name = re.sub(r"^https?://|[:/].*$", "", url)
    return next((f"srv{number}" for number, names in lab.topo.sites().items() if name in names), "")


def _asked(lab: ForwardLab, server: str) -> int:
    return int(lab.stats(server)["asked"]) if server else 0
