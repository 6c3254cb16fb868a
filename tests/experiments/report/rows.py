"""TEST DATA: rows in the form of `compare`'s tables, made up for these tests and measured by nobody.

Each function gives a run that came out as predicted; the tests change rows to contradict.
"""

from __future__ import annotations

from typing import Any

from experiments.envelope import Envelope
from experiments.lecture import LECTURE
from experiments.verdicts import Claim, Interval, Rule

Rows = list[dict[str, Any]]
LAYERS = ("l2", "l3", "l4", "l7")
SITUATIONS = ("flat", "routed", "nat", "pooled")
CASES = {"equal servers": 410.0, "capacities 1:2:4": 2400.0, "heavy-tailed sessions": 600.0, "one turns slow": 1200.0}
ALGORITHMS = ("round-robin", "least-connections", "least-response-time")
FAULTS = {"killed": ("l4", "l7"), "link-cut": LAYERS, "frozen": ("l7",)}
CRITERIA = {"port, same server": 2, "port, different servers": 2, "URL category": 3, "header": 3, "cookie": 3}


def share(*counts: int) -> dict[str, int]:
    return {f"srv{number}": count for number, count in enumerate(counts, start=1)}


def ladder() -> Rows:
    return [ladder_row(layer, situation) for layer in LAYERS for situation in SITUATIONS]


def ladder_row(layer: str, situation: str) -> dict[str, Any]:
    spread = LAYERS.index(layer) >= SITUATIONS.index(situation)
    units = (12 if layer in ("l2", "l3") else 48) if spread else 1
    return {"layer": layer, "situation": situation, "requests": 48, "units": units,
            "share": share(17, 16, 15) if spread else share(48, 0, 0), "servers_used": 3 if spread else 1,
            "jain": 0.998 if spread else 1 / 3}


def distinguish() -> Rows:
    return [{"layer": layer, "by": by, "requests": 24, "as_wished": 24 if LAYERS.index(layer) >= lowest else 9 + lowest,
             "distinguished": LAYERS.index(layer) >= lowest}
            for by, lowest in CRITERIA.items() for layer in LAYERS]


def cost() -> Rows:
    return [cost_row("plain", 1, 1, (310, 0, 0), 4, 0), cost_row("l2", 0.87, 0.97, (360, 3, 0), 16, 24),
            cost_row("l3", 0.85, 0.96, (371, 3, 0), 22, 25), cost_row("l4", 0.66, 0.93, (420, 81, 0), 540, 512),
            cost_row("l7", 0.13, 0.2, (790, 0, 910), 7, 0)]


def cost_row(layer: str, connections: float, requests: float, cpu: tuple[float, ...], entries: int,
             asked: int) -> dict[str, Any]:
    spread = 0 if layer == "plain" else 0.05
    return {"layer": layer, "rounds": 5, "connections_per_s": 5200 * connections, "requests_per_s": 9100 * requests,
            "latency_p50_ms": 0.31 / requests, "latency_p99_ms": 1.2 / connections,
            **dict(zip(("switch_cpu_ms", "controller_cpu_ms", "proxy_cpu_ms"), cpu, strict=True)),
            "flow_entries": entries, "packet_ins": asked,
            "connections_ratio": connections, "connections_ratio_low": connections * (1 - spread),
            "connections_ratio_high": connections * (1 + spread), "requests_ratio": requests,
            "requests_ratio_low": requests * (1 - spread), "requests_ratio_high": requests * (1 + spread)}


def crowd() -> Rows:
    return [{"layer": layer, "clients": 1000, "packets_sent": 3000, "packets_delivered": 3000, "share": parts,
             "servers_used": 3, "jain": 0.99, "units": 1000, "flow_entries": entries, "packet_ins": asked}
            for layer, parts, entries, asked in (("l2", share(1002, 999, 999), 1012, 1000),
                                                 ("l3", share(1002, 999, 999), 1012, 1000),
                                                 ("l4", share(1080, 990, 930), 1018, 1490))]


def algorithms() -> Rows:
    return [algorithm_row(case, layer, algorithm) for case in CASES for layer in LAYERS for algorithm in ALGORITHMS]


def algorithm_row(case: str, layer: str, algorithm: str) -> dict[str, Any]:
    p95 = CASES[case] if algorithm == "round-robin" else 400.0
    if case == "heavy-tailed sessions" and layer == "l7":
        p95 = 200.0
    units = {"l2": 280, "l3": 280, "l4": 370, "l7": 900 if case == "heavy-tailed sessions" else 370}[layer]
    return {"case": case, "layer": layer, "algorithm": algorithm, "rounds": 6, "sessions": 370, "requests": 370,
            "failed": 0, "units": units, "share": share(120, 120, 130), "jain": 0.99, "p50_ms": p95 / 2, "p95_ms": p95,
            "p99_ms": 1.2 * p95, "tests_ms": tests_ms(layer) if algorithm == "least-response-time" else None,
            "late_p99_ms": 4.0, "cpu": 0.4, "machine_busy": 0.5}


def tests_ms(layer: str) -> dict[str, float]:
    return {"srv1": 30.0 if layer == "l7" else 1.1, "srv2": 10.0 if layer == "l7" else 1.0,
            "srv3": 10.0 if layer == "l7" else 1.2}


def best() -> Rows:
    return [best_row(case, layer) for case in CASES for layer in LAYERS]


def best_row(case: str, layer: str) -> dict[str, Any]:
    behind = CASES[case] / 400
    return {"case": case, "layer": layer, "winner": "no clear winner", "lowest_p95": "least-connections",
            "runner_up": "least-response-time", "margin": 1.01, "margin_low": 0.95, "margin_high": 1.1,
            "round_robin_margin": behind, "round_robin_margin_low": 0.9 * behind,
            "round_robin_margin_high": 1.2 * behind, "level_with": ["least-response-time"]}


def failover() -> Rows:
    return [failover_row(fault, layer, layer in seen) for fault, seen in FAULTS.items() for layer in LAYERS]


def failover_row(fault: str, layer: str, noticed: bool) -> dict[str, Any]:
    after_s = 1.0 if noticed else None
    return {"layer": layer, "fault": fault, "rounds": 3, "noticed": 3 * noticed, "noticed_s": after_s,
            "noticed_s_most": after_s, "promised_s": 1.5, "requests": 800, "requests_lost": 24 if noticed else 80,
            "units_moved_needlessly": 0, "back_s": 1.2, "back_s_most": 1.4}


SCHEMES = ("modulo hash", "select group, dead watch port", "Maglev slots", "tracked", "reactive")
MOVED_PCT = {"modulo hash": (66, 70), "select group, dead watch port": (0, 90), "Maglev slots": (2, 25)}


def disruption() -> Rows:
    return [disruption_row(scheme, event, MOVED_PCT.get(scheme, (0, 0))[place])
            for place, event in enumerate(("leaves", "re-weighted")) for scheme in SCHEMES]


def disruption_row(scheme: str, event: str, moved_pct: float) -> dict[str, Any]:
    died = 75 if event == "leaves" else 0
    return {"scheme": scheme, "event": event, "connections": 300, "with_their_server": died,
            "connections_broken": died + round(moved_pct * (300 - died) / 100), "moved_needlessly_pct": moved_pct,
            "reopened_elsewhere_pct": 0.75 * moved_pct, "weight_error_pct": 1.5, "tuples": 1000,
            "packet_ins": 1300 if scheme == "reactive" else 0, "rules": 315 if scheme == "reactive" else 12,
            "tracked": 300 if scheme == "tracked" else 0, "answered_by_another": 0, "false_alarms": 0, "unanswered": 0}


def clients() -> Rows:
    return [{"scheme": scheme, "event": event, "clients": 80, "whose_server_is_there": 60, "moved": moved,
             "moved_pct": round(moved / 0.6, 1), "share": share(30, 0, 24, 26)}
            for scheme, moved in (("source hash, modulo", 40), ("source hash, Maglev", 1))
            for event in ("leaves", "drained")]


def hot_spots() -> Rows:
    return [{"situation": situation, "algorithm": algorithm, "rounds": 5, "connections": 96, "clients": 48,
             "requests": 96, "fullest": fullest, "fullest_low": 0.9 * fullest, "fullest_high": 1.1 * fullest,
             "theory": theory, "share": share(12, 12, 12, 12, 12, 12, 12, 12), "unanswered": 0}
            for situation in ("clients alike", "one NAT")
            for algorithm, fullest, theory in (("round-robin", 1.0, 1.0), ("source-hash", 2.5, 2.9),
                                               ("least-response-time", 1.6, None))]


def control_plane() -> Rows:
    return [{"realisation": name, "offered_per_s": rate, "connections": 3 * rate, "answered": 3 * rate,
             "answered_per_s": rate, "first_answer_p50_ms": 2.5, "first_answer_p99_ms": 9.0, "late_p99_ms": 3.0,
             "packet_ins": 3 * rate * asks, "flow_entries": 12 + 3 * rate * asks, "switch_cpu_pct": rate / 10,
             "controller_cpu_pct": 2 + asks * rate / 10}
            for name, asks in (("reactive", 1), ("hashed", 0), ("tracked", 0)) for rate in (50, 800)]


def without_controller() -> Rows:
    answered = {"with controller": (40, 40), "controller killed": (0, 40), "and a server dies": (0, 26),
                "controller again": (40, 40)}
    return [{"realisation": name, "stage": stage, "open": 40, "kept": 40, "new": 40, "new_answered": found[place > 0],
             "new_at_srv2": 0}
            for stage, found in answered.items() for place, name in enumerate(("reactive", "hashed", "tracked"))]


def wire() -> Rows:
    return [{"side": "clients", "packets": 300, "tcp_bytes": 71_000, "tls_bytes": 71_000, "readable": 0,
             "show_the_others": 0},
            {"side": "servers", "packets": 240, "tcp_bytes": 63_000, "tls_bytes": 0, "readable": 56,
             "show_the_others": 54}]


def passing() -> Rows:
    return [{"how": how, "packets": 110, "through": through, "all_packets": 300, "show_clients": shown}
            for how, through, shown in (("asked by its name", 110, 108), ("and told nothing", 110, 0),
                                        ("asked past it", 0, 290))]


def hidden() -> Rows:
    return [{"said_by": "server", "field": "Server", "said": "ShopServer/2.4", "told": "", "expected": ""},
            {"said_by": "client", "field": "X-Forwarded-For", "said": "6.6.6.6", "told": "10.1.1.1",
             "expected": "10.1.1.1"}]


def by_content() -> Rows:
    return [{"by": "URL category", "requests": 18, "as_wished": 18, "servers": ["srv3"]},
            {"by": "header", "requests": 18, "as_wished": 18, "servers": ["srv2"]}]


def caching() -> Rows:
    return [{"cache": cache, "requests": 144, "pages": 12, "origin_requests": made, "saved_pct": saved, "p50_ms": p50,
             "p95_ms": 31.0, "p50_ms_rounds": [p50, 1.1 * p50, p50], "made_rounds": [made // 3] * 3}
            for cache, made, saved, p50 in (("no proxy", 144, 0.0, 22.0), ("off", 144, 0.0, 24.0),
                                            ("on", 12, 91.7, 2.5))]


def connections() -> Rows:
    return [{"way": way, "requests": 60, "client_connections": came, "handshakes": whole, "resumed": came - whole,
             "server_connections": 6, "saved_pct": 90.0, "proxy_cpu_ms": 0.5,
             "busiest_server": 20}
            for way, came, whole in (("kept", 6, 6), ("fresh", 60, 60), ("fresh, resumed", 60, 6))]


def certificates() -> Rows:
    return [{"host": host, "speaks_tls": host == "proxy", "replaced": int(host == "proxy"), "requests_lost": 0}
            for host in ("proxy", "srv1", "srv2", "srv3")]


def verdicts() -> Rows:
    """One on each claim of the lecture, of every kind, and one of the lab's own."""
    rule, high, low = Rule("a / b", ">", 1), Interval(1.5, 1.3, 1.7, "4 rounds"), Interval(0.5, 0.4, 0.6, "4 rounds")
    across = Interval(1.1, 0.9, 1.3, "4 rounds")
    claims = [Claim(number, f"the part of {number} that is tried", rule) for number in range(4, max(LECTURE) + 1)]
    return [verdict.row() for verdict in (
        Claim(1, "the price is so", rule, by_construction=True).judge(high),
        Claim(1, "the limit is so", Rule("b / a", "<", 1)).judge(low),
        Claim(2, "it balances better", rule, only_if="it rains").judge(high, low),
        Claim(3, "nobody is a hot spot", rule).judge(across),
        *(claim.judge(low if claim.number == 9 else high) for claim in claims),
        Claim(0, "as the lab predicts", rule).judge(high))]


def packets() -> Rows:
    fields = {"l2": ("eth_dst", "nothing"), "l3": ("eth_dst ip_dst", "eth_src ip_src"),
              "l4": ("eth_dst ip_dst tp_dst", "eth_src ip_src tp_src"),
              "l7": ("eth_src eth_dst ip_src ip_dst tp_src ttl seq", "eth_src eth_dst ip_src ip_dst tp_dst seq")}
    arp = {layer: "by proxy, 02:00:0a:00:00:02" if layer == "l7" else "by the switch, 02:1b:0a:00:00:64"
           for layer in LAYERS}
    return [packet_row(layer, packet, wire, words)
            for layer, (there, back) in fields.items()
            for packet, words in (("ARP reply", arp[layer]), ("request", there), ("answer", back))
            for wire in ("client's link", "srv1's link")[:1 if packet == "ARP reply" else 2]] + [
        packet_row("l2", packet, wire, words) | {"hop": "nat1"}
        for packet, words in (("request", "eth_src eth_dst ip_src ttl"), ("answer", "eth_src eth_dst ip_dst ttl"))
        for wire in ("client's link", "nat1's link")]


def packet_row(layer: str, packet: str, wire: str, rewritten: str) -> dict[str, Any]:
    return {"layer": layer, "packet": packet, "hop": "s1", "wire": wire, "eth_src": "02:00:0a:00:01:c8",
            "ip_src": "10.0.1.200", "tp_src": 4711, "ttl": 77, "seq": 5, "checksums": True, "rewritten": rewritten,
            "predicted": rewritten, "as_predicted": True}


def malformed() -> Rows:
    fates = {"TTL 1": (1, 1, 1), "ends within IP": (1, 4, 0), "in fragments": (0, 0, 0)}
    return [{"layer": layer, "wrong": wrong, "sent": 1, "passed": passed, "hosts": hosts,
             "answers": int(layer == "l2" and wrong == "in fragments") or answers, "exceptions": 0}
            for layer in LAYERS for wrong, (passed, hosts, answers) in fates.items()]


def flood() -> Rows:
    return [{"realisation": name, "rounds": 3, "syns": 450, "per_s": 500, "flows": flows, "conntrack": tracked,
             "decided": flows, "half_open": 450, "asked_before": 90, "answered_before": 90, "p50_before_ms": 2.0,
             "p95_before_ms": 4.0, "asked_meanwhile": 90, "answered_meanwhile": 90, "p50_meanwhile_ms": 3.0,
             "p95_meanwhile_ms": 6.0}
            for name, flows, tracked in (("reactive", 450, 0), ("hashed", 0, 0), ("tracked", 0, 450))]


def closer() -> Rows:
    return [{"layer": "l3", "where": "rule unit", "text": "table=2, priority=20,ip actions=NORMAL"},
            {"layer": "l3", "where": "client's link", "text": "SYN: 02:00:0a:00:01:c8 > 02:1b:0a:00:00:65"},
            {"layer": "l7", "where": "client's link", "text": "SYN: 02:00:0a:00:01:c8 > 02:00:0a:00:00:02"}]


def mobile() -> Rows:
    return [{"affinity": name, "stayed": 40, "stayed_kept": 40, "moved": 40, "moved_kept": 40 if expected == 1 else 12,
             "moved_expected": expected}
            for name, expected in (("L3 by address", 0.333), ("L4 by address", 0.333), ("L7 by cookie", 1.0))]


def canary() -> Rows:
    return [{"round": number, "sessions": 20, "at_canary": 2, "share_of_new": 0.1, "stated": 0.1, "kept_side": 20}
            for number in (1, 2)]


TABLES = {"ladder": ladder, "distinguish": distinguish, "cost": cost, "crowd": crowd, "algorithms": algorithms,
          "best": best, "failover": failover, "disruption": disruption, "clients": clients,
          "hot_spots": hot_spots, "control_plane": control_plane,
          "without_controller": without_controller, "wire": wire, "passing": passing, "hidden": hidden,
          "by_content": by_content, "caching": caching, "connections": connections, "certificates": certificates,
          "packets": packets, "malformed": malformed, "flood": flood, "closer": closer, "mobile": mobile,
          "canary": canary, "verdicts": verdicts}


def envelope(**tables: Rows) -> Envelope:
    """A whole run, with some tables replaced or added."""
    facts = {"started": "2000-01-01 00:00 UTC", "layerlab": "0.1.0", "cores": 2, "datapath": "test data"}
    return Envelope("compare", 7, facts, {name: make() for name, make in TABLES.items()} | tables)
