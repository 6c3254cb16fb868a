"""`./lab pool counters` and `./lab pool explain` as they are typed, against a proxy's real views on a real socket."""

from __future__ import annotations

import json

import pytest

from balancing import Unit
from experiments.services import service
from l7proxy import failures
from l7proxy.balancer import Balancer
from l7proxy.counters import DoorCounts
from l7proxy.explain import Explanations, Try
from l7proxy.messages import NO_BODY, RequestHead
from l7proxy.routing import Routed
from tests.experiments.desks import DeskLab, Start
from tests.experiments.test_pool_cli import Type, rows, typed  # noqa: F401  (a fixture)

HEAD = RequestHead(b"GET", b"/cart", b"vip", 1, [], NO_BODY, True)


class Proxy:
    """What a proxy shows of itself, and what it shows it of."""

    def __init__(self, lab: DeskLab) -> None:
        self.balancer, self.door, self.explain = Balancer(lab.pools["l7"]), DoorCounts(), Explanations()
        lab.views["counters"] = lambda words: {
            "doors": [self.door.form("10.0.0.100:80", 2)], "services": [self.balancer.form()]}
        lab.views["explanations"] = self.explain.view


@pytest.fixture
def proxy(start_desk: Start) -> Proxy:
    """The proxy of a lab that runs."""
    return Proxy(start_desk(4711, [service("l7")], socket_name="proxy.sock"))


def test_counters_are_a_table_for_each_service_and_one_for_the_doors(proxy: Proxy, typed: Type) -> None:  # noqa: F811
    counts, server = proxy.balancer.counts, proxy.balancer.pool.server("srv2")
    tally = counts.of(server)
    tally.answers, tally.octets_up, tally.retried = [1, 0, 7, 0, 2, 0], 99, 1
    counts.failed(server, failures.LOST)
    counts.kept, counts.moved = 5, 1
    proxy.door.clients = 3
    proxy.door.answered(404)
    said = typed("counters")
    assert said.code == 0
    assert said.out.startswith("l7: 9 requests, none unserved, 5 to a session kept, 1 to a session moved\n")
    assert rows(said.out)[1] == ["srv2", "10", "7", "0", "2", "0", "lost", "1", "1", "99", "0", "0", "0", "0", "0",
                                 "0.000"]
    assert "10.0.0.100:80             2         3            0         0   404 1" in said.out


def test_counters_for_machines_are_what_the_api_says(proxy: Proxy, typed: Type) -> None:  # noqa: F811
    said = typed("counters --json --service l7")
    assert json.loads(said.out) == {"doors": [proxy.door.form("10.0.0.100:80", 2)],
                                    "services": [proxy.balancer.form()]}


def test_an_explanation_is_shown_by_its_number_and_else_the_last(proxy: Proxy, typed: Type) -> None:  # noqa: F811
    assert "no request has asked for an explanation" in typed("explain").err
    for _ in range(2):
        record = proxy.explain.begin(HEAD, "10.0.1.1", Routed("l7", proxy.balancer), 1.0)
    record.tries.append(Try(proxy.balancer.pool.scores(Unit((1,), b"")), {"srv9": "down"}, 1.0, "srv1", "luck"))
    record.status, record.ended_s = 200, 1.5
    said = typed("explain")
    assert said.out.startswith("2: GET vip /cart, from 10.0.1.1\n")
    assert "l7: every request 200 – – – – 500.0" in " ".join(said.out.split())
    assert rows(said.out) == [["srv1", "luck", "srv1", "0.000,", "srv2", "-1.000,", "srv3", "-2.000", "srv9", "down",
                               "–", "–"]]
    assert typed("explain 1").out.startswith("1: GET")
    assert "who was asked" not in typed("explain 1").out
    assert json.loads(typed("explain 2 --json").out) == proxy.explain.view(["2"])
    assert typed("explain 3").code == 2


def test_a_lab_without_a_proxy_says_so(start_desk: Start, typed: Type) -> None:  # noqa: F811
    start_desk(1)
    for words in ("counters", "explain"):
        said = typed(words)
        assert said.code == 2
        assert "lab 1 has no proxy" in said.err
        assert "./lab shell --layer l7" in said.err


def test_a_service_that_the_proxy_has_not_is_said(proxy: Proxy, typed: Type) -> None:  # noqa: F811
    said = typed("counters --service l4")
    assert (said.code, "has no service 'l4'" in said.err) == (2, True)
