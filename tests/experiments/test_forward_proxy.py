"""The experiment `forward-proxy`, at its smallest; and that it can tell when something comes out otherwise."""

from __future__ import annotations

import pytest

from experiments.browser import Loaded
from experiments.browsing import Browsing, trace
from experiments.forward_proxy import AS_SAID, CLIENT, ELSE, NOTHING, PREDICTED, contradictions, moral, run, told_as
from experiments.forward_proxy_lab import ForwardLab, Told
from experiments.forward_proxy_rows import Round, Size, greedy_rows, play
from experiments.forward_proxy_seen import DESK
from tests.experiments.report import forward_rows

BUSY = ("pages took", "took no longer", "made p95 no better")  # of a busy machine that may be true, in one round


@pytest.mark.parametrize("table", PREDICTED)
def test_the_moral_says_what_came_out(table):
    assert "therwise" not in moral(table, forward_rows.TABLES[table]())


@pytest.mark.parametrize(("table", "number", "cells", "says"), [
    ("browsing", 0, {"origin_requests": 790}, "direct: 790 of 800 requests reached an origin"),
    ("browsing", 1, {"failed": 2}, "2 requests failed, no cache"),
    ("browsing", 2, {"origin_requests": 800}, "a new cache spared origins nothing"),
    ("browsing", 3, {"origin_requests": 500}, "a warm cache spared no more than a new one"),
    ("browsing", 3, {"edge_kbytes": 6_000}, "caches spared the edge nothing"),
    ("browsing", 3, {"p50_times_high": 1.2}, "half of the pages took 1.2 times as long as without a proxy"),
    ("greedy", 1, {"p50_times_low": 0.9}, "beside the greedy one pages took no longer"),
    ("greedy", 2, {"p95_times_beside_greedy_high": 1.1}, "traffic control made p95 no better"),
    ("greedy", 2, {"greedy_share_high": 0.9}, "traffic control left the greedy one his share"),
    ("learned", 0, {"elite": "10.0.1.1"}, "elite: the origin learns address as '10.0.1.1', not something else"),
    ("learned", 1, {"anonymous": "10.0.1.1"}, "anonymous: the origin learns X-Forwarded-For as '10.0.1.1'"),
    ("learned", 2, {"elite": "1.1 lab-3"}, "elite: the client learns Via as '1.1 lab-3', not nothing"),
    ("evidence", 1, {"found": 3}, "transparent, at the client: the other's address in 3 of 40 packets"),
    ("evidence", 6, {"found": 0}, "transparent, at the origin: the other's address in 0 of 40 packets"),
    ("blocked", 1, {"as_expected": 19, "status": 200, "rule": ""}, "by host: 1 of 20 tries were answered otherwise"),
    ("filtered", 0, {"as_expected": 0, "tries": 0}, "by size: 0 of 0 tries"),
])
def test_what_came_out_otherwise_is_said(table, number, cells, says):
    rows = forward_rows.TABLES[table]()
    rows[number] |= cells
    assert moral(table, rows).startswith("Otherwise than predicted: ")
    assert says in moral(table, rows)


def test_rounds_are_compared_one_by_one():
    """All is slower in the second round: with control it takes half as long, in each."""
    def rounds(*took_s: float, taken: int = 0) -> list[Round]:
        return [Round([Loaded(0, 1, one, 1000, 0)], taken=taken) for one in took_s]

    found = {"nobody greedy": rounds(0.1, 0.4), "greedy": rounds(0.4, 4.0, taken=3000),
             "greedy, controlled": rounds(0.2, 2.0, taken=1000)}
    nobody, free, controlled = greedy_rows(found)
    assert [controlled[f"p95_times_beside_greedy{end}"] for end in ("", "_low", "_high")] == [0.5, 0.5, 0.5]
    assert [free[f"p95_times{end}"] for end in ("", "_low", "_high")] == [7.0, 4.0, 10.0]
    assert [row["greedy_share"] for row in (nobody, free, controlled)] == [0.0, 0.75, 0.5]
    assert contradictions("greedy", [nobody, free, controlled]) == []


@pytest.mark.parametrize(("said", "told", "word"), [
    ("", "", NOTHING), ("a", "", NOTHING), ("a", "a", AS_SAID), ("a", str(DESK), CLIENT), ("a", f"for={DESK}", CLIENT),
    ("a", "b", ELSE), ("", "b", ELSE), ("6.6.6.6", f"6.6.6.6, {DESK}", ELSE),
])
def test_what_is_told_has_a_word(said, told, word):
    assert told_as(said, told) == word


def test_of_several_heads_curl_told_the_last():
    heads = "HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 404 Not Found\r\nX-Site: a: b\r\n\r\n"
    found = {"response_code": 404, "http_connect": 200, "remote_ip": "10.0.0.2"}
    assert Told.read(found, heads, b"", "") == Told(404, {"x-site": "a: b"}, b"", "10.0.0.2", "")
    refused = {"response_code": 0, "http_connect": 403, "remote_ip": "10.0.0.2"}
    told = Told.read(refused, "HTTP/1.1 403 No\r\n\r\n", b"", "curl: (56) CONNECT tunnel failed\n")
    assert (told.status, told.error) == (403, "CONNECT tunnel failed")


@pytest.mark.live
def test_what_the_proxy_does_for_its_clients():
    with ForwardLab() as lab:
        tables = run(lab, Size(1, 1, 1, 1), seed=3, say=lambda words: None).tables()
        wrong = [one for table, found in tables.items() for one in contradictions(table, found)]
        assert [one for one in wrong if not any(words in one for words in BUSY)] == []


@pytest.mark.live
def test_a_router_is_one_only_for_as_long_as_it_lasts():
    browsing = Browsing(("news.example",), clients=2, visits=1, think_s=0)
    with ForwardLab() as lab:
        clients, direct = lab.clients(), lab.way("")
        with lab.routed():
            open_ = play(trace(browsing, 1), clients, direct)
        closed = play(trace(browsing, 1), clients, direct)
        assert [one.failed for one in open_] == [0, 0]
        assert [one.failed for one in closed] == [one.requests for one in closed]
        assert sum(lab.counts().values()) == sum(one.requests for one in open_)
