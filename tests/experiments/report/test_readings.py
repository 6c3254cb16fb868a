"""What is said about a table follows its rows: also when they contradict what was predicted."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.report import (
    algorithms,
    best,
    control_plane,
    cost,
    crowd,
    disruption,
    distinguish,
    failover,
    forward_proxy,
    ladder,
    mobile,
    packets,
    plain,
    reverse_proxy,
)
from experiments.report.section import Reading
from tests.experiments.report import forward_rows, rows


def said(reading: Reading) -> str:
    return " ".join([reading.verdict, *reading.words, *(sentence for _, sentence in reading.points)])


def changed(table: rows.Rows, number: int, **cells: Any) -> rows.Rows:
    return [row | cells if position == number else row for position, row in enumerate(table)]


@pytest.mark.parametrize(("read", "table"), [
    (ladder.read, rows.ladder), (distinguish.read, rows.distinguish), (cost.read, rows.cost), (crowd.read, rows.crowd),
    (algorithms.read, rows.algorithms), (best.read, rows.best), (failover.read, rows.failover),
    (disruption.read, rows.disruption), (control_plane.read, rows.control_plane),
    (control_plane.read_stranded, rows.without_controller),
    (packets.read, rows.packets), (packets.read_malformed, rows.malformed), (packets.read_flood, rows.flood),
    (mobile.read, rows.mobile), (mobile.read_canary, rows.canary),
    *((reverse_proxy.reader(table), rows.TABLES[table]) for table in reverse_proxy.WHY),
    *((forward_proxy.reader(table), forward_rows.TABLES[table]) for table in forward_proxy.WHY),
])
def test_a_run_as_predicted_is_called_so(read, table) -> None:
    found = read(table())
    assert found.as_predicted is True
    assert "therwise" not in said(found)


def test_the_ladder_counts_its_own_steps() -> None:
    found = ladder.read(rows.ladder())
    assert found.verdict == ("The triangle: of 4 situations, load was spread by L2 in 1, L3 in 2, L4 in 3 and L7 in 4.")
    assert dict(found.points)["Clients behind a NAT"] == (
        "of 48 requests to each layer, L2 and L3 kept all on one server (1 unit each); "
        "L4 and L7 used all servers (48 units each).")
    assert "had 35\xa0% of it" in said(found), "17 of 48"
    assert "an even share is 33\xa0%" in said(found)


@pytest.mark.parametrize(("number", "share", "says"), [
    (0, rows.share(48, 0, 0), "L2 in “flat” used 1 of 3 servers (predicted: all)"),
    (0, rows.share(30, 18, 0), "L2 in “flat” used 2 of 3 servers (predicted: all)"),
    (1, rows.share(16, 16, 16), "L2 in “routed” used 3 of 3 servers (predicted: one)"),
])
def test_a_ladder_that_is_none_says_so(number: int, share: dict[str, int], says: str) -> None:
    used = sum(count > 0 for count in share.values())
    found = ladder.read(changed(rows.ladder(), number, share=share, servers_used=used))
    assert found.as_predicted is False
    assert found.verdict.startswith("Not the triangle: 1 of 16 cells")
    assert says in found.verdict


def test_units_are_no_explanation_where_they_explain_nothing() -> None:
    assert "units decide, not requests" in said(ladder.read(rows.ladder()))
    found = ladder.read(changed(rows.ladder(), 0, share=rows.share(48, 0, 0), servers_used=1))
    assert "units decide" not in said(found)
    assert "does not explain who served in L2 in “flat” (12 units on 1 server)" in said(found)


def test_who_could_is_read_off_the_rows() -> None:
    found = distinguish.read(rows.distinguish())
    assert found.verdict == "Of 5 ways to tell requests apart the layers can use: L2 none, L3 none, L4 2 and L7 5."
    assert dict(found.points)["By cookie"].startswith("only L7. A cookie is")
    assert "46\xa0% to 50\xa0% of them reached the right place" in said(found), "11 and 12 of 24"


def test_a_layer_that_could_against_all_predictions() -> None:
    table = changed(rows.distinguish(), 1, distinguished=True, as_wished=24)
    table = changed(table, 19, distinguished=False, as_wished=20)
    found = distinguish.read(table)
    assert found.as_predicted is False
    assert "2 of 20 cells: L3 could by port, same server; L7 could not by cookie" in found.verdict
    assert dict(found.points)["By port, same server"] == "L3, L4 and L7.", "no reason is given for what isn't so"
    assert dict(found.points)["By cookie"] == "no layer."


def test_of_what_nobody_predicted_nothing_is_claimed() -> None:
    row = {"layer": "l4", "by": "moon phase", "requests": 9, "as_wished": 9, "distinguished": True}
    found = distinguish.read([row])
    assert found.as_predicted is None
    assert found.points == (("By moon phase", "L4."),)
    assert "There was no “no”" in said(found)


def test_the_dearest_step_is_the_largest_one_found() -> None:
    assert "dearest step is from L4 to L7: from 0.66" in said(cost.read(rows.cost()))
    assert "a factor of 5.08" in said(cost.read(rows.cost()))
    cheap = rows.cost_row("l7", 0.6, 0.8, (400, 0, 400), 7, 0)
    assert "dearest step is from L3 to L4" in said(cost.read([*rows.cost()[:4], cheap]))
    assert "can’t tell apart: L2 and L3" in said(cost.read(rows.cost()))


@pytest.mark.parametrize(("row", "wrong"), [
    (rows.cost_row("l4", 0.97, 1.0, (1, 1, 0), 1, 1), "L4 was not slower than plain switching in every round"),
    (rows.cost_row("l7", 0.5, 1.3, (1, 0, 1), 1, 0), "in requests on kept connections"),
])
def test_a_path_that_should_cost_and_does_not_is_not_hidden(row: dict[str, Any], wrong: str) -> None:
    found = cost.read([other if other["layer"] != row["layer"] else row for other in rows.cost()])
    assert found.as_predicted is False
    assert wrong in found.verdict


def test_what_is_predicted_of_nobody_is_no_contradiction() -> None:
    assert cost.read([*rows.cost()[:2], rows.cost_row("l3", 1.4, 1.4, (1, 1, 0), 1, 1)]).as_predicted is True


def test_who_works_and_who_remembers_is_read_off_the_rows() -> None:
    words = said(cost.read(rows.cost()))
    assert "most CPU with L7: 1,700\xa0ms, 5.48 times that of plain switching; 54\xa0% of it was the proxy’s" in words
    assert "held most with L4 (540 flow entries)" in words
    assert "Plain switching and L7 asked the controller nothing." in words
    busy = [*rows.cost()[:3], rows.cost_row("l4", 0.66, 0.93, (10, 9000, 0), 540, 512)]
    assert "100\xa0% of it was the controller’s" in said(cost.read(busy))


def test_a_proxy_that_gains_by_kept_connections_gets_its_own_reason() -> None:
    words = said(cost.read(rows.cost()))
    assert "L2, L3 and L4 keep more" in words
    assert "L7 keeps more on kept connections than on new ones: the proxy" in words
    level = [*rows.cost()[:4], rows.cost_row("l7", 0.2, 0.2, (1, 0, 1), 7, 0)]
    assert "For L7 kept connections were no such relief" in said(cost.read(level))


@pytest.mark.parametrize(("cells", "says"), [
    ({"packets_delivered": 2990}, "L2 lost 10 of 3,000 packets"),
    ({"packets_delivered": 3001}, "L2 delivered too often 1 of 3,000 packets"),
    ({"share": rows.share(3000, 0, 0)}, "L2 left srv2 and srv3 idle"),
])
def test_a_crowd_that_is_not_served_as_predicted(cells: dict[str, Any], says: str) -> None:
    found = crowd.read(changed(rows.crowd(), 0, **cells))
    assert found.as_predicted is False
    assert says in found.verdict


def test_what_a_crowd_leaves_behind() -> None:
    assert "about as much to remember: 1,012 to 1,018 flow entries for 1,000 clients" in said(crowd.read(rows.crowd()))
    slots = changed(changed(rows.crowd(), 0, flow_entries=40, packet_ins=0), 1, flow_entries=44, packet_ins=0)
    words = said(crowd.read(slots))
    assert "L4 left most to remember, 1,018 flow entries or 1.02 a client; L2 least, 40 flow entries" in words
    none = [row | {"packet_ins": 0} for row in rows.crowd()]
    assert "The controller was asked nothing" in said(crowd.read(none))


def where(table: rows.Rows, **cells: Any) -> int:
    """The number of the one row with these cells."""
    (number,) = (number for number, row in enumerate(table) if row.items() >= cells.items())
    return number


def test_where_the_algorithm_matters_most_is_read_off_the_rows() -> None:
    found = algorithms.read(rows.algorithms())
    assert found.verdict == ("The choice mattered most in “capacities 1:2:4”, where the slowest p95 was 6 times the "
                             "quickest, and least in “equal servers”: 1.02 times.")
    assert dict(found.points)["One turns slow"] == (
        "from 400\xa0ms (least-connections, L2) to 1,200\xa0ms (round-robin, L2).")
    words = said(found)
    assert "round-robin had a p95 of L2 600\xa0ms, L3 600\xa0ms, L4 600\xa0ms and L7 200\xa0ms. Up to L4" in words
    assert "Decisions for each session: L2 0.76, L3 0.76, L4 1 and L7 1.36. With L2 and L3 a host" in words
    assert "others’: L2 1, L3 1, L4 1 and L7 3. With L2, L3 and L4 the server’s kernel answers tests" in words
    assert "The machine was not what was measured: the lab used at most 40 %" in words


def test_what_came_out_otherwise_among_algorithms_is_said() -> None:
    table = rows.algorithms()
    heavy = where(table, case="heavy-tailed sessions", layer="l7", algorithm="round-robin")
    found = algorithms.read(changed(table, heavy, p95_ms=700.0, failed=20, machine_busy=0.99))
    assert found.as_predicted is False
    assert "20 requests failed in 'heavy-tailed sessions' at L7 with round-robin" in found.verdict
    assert "no quicker at L7 than at L4" in found.verdict
    assert "Up to L4 a long session" not in said(found), "no reason is given for what isn't so"
    assert "Not to be trusted" in said(found)


def test_tests_that_see_nothing_are_no_explanation() -> None:
    table = [row | {"tests_ms": {"srv1": 10.0, "srv2": 10.0, "srv3": 10.0} if row["tests_ms"] else None}
             for row in rows.algorithms()]
    assert "tests at L7 did not see which server had turned slow" in algorithms.read(table).verdict
    unmeasured = [row | {"tests_ms": None} for row in table]
    assert algorithms.read(unmeasured).as_predicted is True
    assert "Response times of tests" not in said(algorithms.read(unmeasured))


def test_a_few_rows_are_read_as_well_as_all() -> None:
    assert "a factor of 1" in algorithms.read(rows.algorithms()[:1]).verdict
    assert best.read(rows.best()[:1]).as_predicted is True
    assert "No fault was noticed" in failover.read(rows.failover()[:1]).verdict


def test_who_is_best_and_who_is_level() -> None:
    found = best.read(rows.best())
    assert found.verdict == "In none of 16 contests was one algorithm ahead of all others in every round."
    assert "L2: least-connections and least-response-time can’t be told apart." in dict(found.points)["Equal servers"]
    assert "behind in “capacities 1:2:4” at L2, L3, L4 and L7 (6 times the best one’s p95)" in said(found)
    clear = {"winner": "maglev", "lowest_p95": "maglev", "level_with": [], "margin": 1.5, "margin_low": 1.2,
             "margin_high": 1.9}
    found = best.read(changed(rows.best(), 0, **clear))
    assert found.verdict == ("Ahead of all others in every round, in 1 of 16 contests: maglev (L2, “equal servers”).")
    assert "L2: maglev, ahead of least-response-time by 1.50 (1.20 to 1.90)." in said(found)


@pytest.mark.parametrize(("cells", "case", "layer", "says"), [
    ({"round_robin_margin_low": 1.4}, "equal servers", "l4", "equal servers, L4: round-robin was far behind"),
    ({"round_robin_margin_low": 0.9}, "capacities 1:2:4", "l2", "L2: round-robin was not behind in every round"),
    ({"round_robin_margin_high": 0.9}, "one turns slow", "l7", "one turns slow, L7: round-robin was not behind"),
])
def test_a_contest_that_came_out_otherwise_is_said(cells: dict[str, Any], case: str, layer: str, says: str) -> None:
    table = rows.best()
    found = best.read(changed(table, where(table, case=case, layer=layer), **cells))
    assert found.as_predicted is False
    assert says in found.verdict


def test_who_noticed_a_fault_and_why_not_the_others() -> None:
    found = failover.read(rows.failover())
    assert found.verdict == ("7 of 12 cases were noticed, the slowest after 1 s (L4, killed); 1.50 s is promised.")
    assert dict(found.points)["Frozen"].startswith("noticed by L7 after 1 s; L2, L3 and L4 were blind to it: a stopped")
    words = said(found)
    assert "3\xa0% of requests where the fault was noticed and 10\xa0% of requests where the fault was not" in words
    assert "Nobody who was on another server was moved." in words


@pytest.mark.parametrize(("cells", "says"), [
    ({"noticed": 3, "noticed_s": 0.4, "noticed_s_most": 0.4}, "L2, killed: noticed in 3 of 3 rounds, not in none"),
    ({"units_moved_needlessly": 4}, "L2, killed: 4 units on other servers were moved"),
])
def test_a_failover_that_came_out_otherwise_is_said(cells: dict[str, Any], says: str) -> None:
    found = failover.read(changed(rows.failover(), 0, **cells))
    assert found.as_predicted is False
    assert says in found.verdict
    blind = dict(found.points)["Killed"]
    assert ("a dead program" in blind) == ("noticed" not in cells), "a reason only where it came out so"


def test_a_table_without_a_section_is_read_all_the_same() -> None:
    found = plain.read([{"algorithm": "a", "p99_ms": 30.25, "same": 1}, {"algorithm": "b", "p99_ms": 12, "same": 1}])
    assert found.as_predicted is None
    assert found.verdict == "2 rows, as measured."
    assert found.words == ("p99_ms goes from 12 (b) to 30.2 (a).",)


def test_who_moved_nobody_when_a_pool_changed_is_read_off_the_rows() -> None:
    found = disruption.read(rows.disruption())
    assert found.verdict.startswith("Tracked and reactive moved nobody, whatever happened; select group, dead watch ")
    assert dict(found.points)["Leaves"].startswith("nobody was moved by select group, dead watch port, tracked and ")
    assert "the controller was asked by reactive alone" in said(found)
    moved = disruption.read(changed(rows.disruption(), 3, moved_needlessly_pct=5.0))
    assert moved.as_predicted is False
    assert "tracked, leaves: 5.0 % were moved needlessly" in moved.verdict


def test_who_asked_the_controller_and_who_needs_it_is_read_off_the_rows() -> None:
    found = control_plane.read(rows.control_plane())
    assert "2,550 packets of reactive, for 2,550 connections, 0 packets of hashed" in found.verdict
    assert "Every connection was answered" in said(found)
    late = control_plane.read(changed(rows.control_plane(), 1, answered=2000))
    assert "Not all were answered by reactive at 800/s (2,000 of 2,400)" in said(late)
    alone = control_plane.read_stranded(rows.without_controller())
    assert alone.verdict.startswith("Without a controller new connections were all answered by hashed and tracked")
    wrong = control_plane.read_stranded(changed(rows.without_controller(), 3, new_answered=9))
    assert "reactive, controller killed: 9 of 40" in wrong.verdict


@pytest.mark.parametrize(("table", "number", "cells", "says"), [
    ("wire", 0, {"tls_bytes": 70_000}, "not all that clients exchange is TLS"),
    ("wire", 0, {"readable": 3}, "3 packets at clients can be read"),
    ("wire", 0, {"show_the_others": 1}, "1 packets show clients a server's address"),
    ("wire", 1, {"tls_bytes": 9}, "servers are spoken to in TLS"),
    ("wire", 1, {"readable": 0}, "nothing can be read at the servers"),
    ("caching", 2, {"p50_ms": 23.0}, "half of the requests took as long as without the proxy"),
    ("passing", 0, {"through": 109}, "asked by its name: 1 packets did not pass through the proxy"),
    ("passing", 0, {"show_clients": 0}, "servers were not told who asks"),
    ("passing", 1, {"show_clients": 2}, "2 packets show servers a client's address untold"),
    ("passing", 2, {"through": 5}, "who asks past the proxy passes through it"),
    ("hidden", 0, {"told": "ShopServer/2.4"}, "Server is told as 'ShopServer/2.4'"),
    ("hidden", 1, {"told": "6.6.6.6, 10.1.1.1"}, "X-Forwarded-For is told as"),
    ("by_content", 1, {"as_wished": 17}, "1 requests by header went elsewhere"),
    ("caching", 2, {"origin_requests": 13}, "13 pages were made for 12 that exist"),
    ("caching", 2, {"p50_ms": 24.5}, "half of the requests took as long as without the cache"),
    ("caching", 1, {"origin_requests": 100}, "not every request reached a server"),
    ("connections", 0, {"handshakes": 7}, "kept: 7 whole handshakes, not 6"),
    ("connections", 2, {"resumed": 0}, "fresh, resumed: 0 sessions were resumed"),
    ("connections", 1, {"server_connections": 60}, "fresh: 60 connections to servers"),
    ("connections", 0, {"client_connections": 60}, "kept: clients made 60 connections"),
    ("certificates", 1, {"speaks_tls": True}, "srv1 speaks TLS: True"),
    ("certificates", 0, {"requests_lost": 2}, "2 requests were lost"),
])
def test_what_a_proxy_did_otherwise_is_said(table: str, number: int, cells: dict[str, Any], says: str) -> None:
    found = reverse_proxy.reader(table)(changed(rows.TABLES[table](), number, **cells))
    assert found.as_predicted is False
    assert says in found.verdict
    assert found.words == ()


def test_what_is_rewritten_is_told_there_and_back() -> None:
    found = packets.read(rows.packets())
    assert dict(found.points)["L3"] == (
        "on the way there eth_dst and ip_dst; on the way back eth_src and ip_src. ARP is answered by the switch.")
    assert dict(found.points)["nat1"] == ("on the way there eth_src, eth_dst, ip_src and ttl; on the way back eth_src, "
                                          "eth_dst, ip_dst and ttl.")
    wrong = packets.read(changed(rows.packets(), 1, rewritten="eth_dst ttl", as_predicted=False))
    assert wrong.as_predicted is False
    assert "L2 request (eth_dst ttl, predicted: eth_dst)" in wrong.verdict


def test_wrong_packets_are_told_by_what_became_of_them() -> None:
    found = packets.read_malformed(rows.malformed())
    assert "passed 4 on to one host, flooded 4 to all" in said(found)
    assert "Answered only at some: “in fragments” by L2." in said(found)
    met = packets.read_malformed(changed(rows.malformed(), 0, exceptions=2))
    assert met.as_predicted is False
    assert "an exception at L2 by “TTL 1”" in met.verdict


def test_a_flood_that_keeps_people_out_is_told() -> None:
    found = packets.read_flood(rows.flood())
    assert dict(found.points)["reactive"].startswith("450 flows in the switch, 450 the controller’s decisions and 450 ")
    assert packets.read_flood(changed(rows.flood(), 1, answered_meanwhile=40)).as_predicted is False


def test_rules_are_counted_a_layer() -> None:
    assert packets.read_closer(rows.closer()).verdict == "Rules of the switch that one exchange met: L3 1 and L7 none."


def test_a_session_that_should_be_lost_and_is_kept_is_otherwise() -> None:
    assert "kept at L7 by cookie, and lost at L3 by address and L4 by address" in mobile.read(rows.mobile()).verdict
    for change in ({"moved_kept": 40}, {"stayed_kept": 10}):
        assert mobile.read(changed(rows.mobile(), 0, **change)).verdict == "Otherwise than predicted: L3 by address."
    assert "1 session changed sides" in mobile.read_canary(changed(rows.canary(), 0, kept_side=19)).verdict
