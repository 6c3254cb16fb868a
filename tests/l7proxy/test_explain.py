"""Explanations: as transcripts, in an answer's field, at the API; who doesn't ask, or may not, sees nothing."""

from __future__ import annotations

import json
import re
import subprocess
from ipaddress import ip_network

import pytest

from balancing import ALGORITHMS
from l7proxy import explain as room
from l7proxy.balancer import Policy
from l7proxy.exchange import Exchange
from l7proxy.explain import Explanations, Record, Try, explain, line
from l7proxy.limits import Wait
from l7proxy.sticky import Sticky
from l7proxy.witness import Witness
from layerlab import LabError
from tests.l7proxy.conftest import service

ASK = b"GET /cart HTTP/1.1\r\nHost: shop\r\nLayer-Lab-Explain: 1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def asked(talk):
    """A conversation where everybody may ask, on a clock that is set by hand: it.at(seconds)."""
    def build(networks=room.EVERYBODY, **more):
        it = talk(more={"explain": Explanations(networks)}, **more)
        it.outside.clock = 0.0
        it.outside.now = lambda: it.outside.clock
        return it
    return build


def at(it, now_s):
    it.outside.clock = now_s


def told(it):
    """The explanation's field of the one answer in the script; None if it has none."""
    (answer,) = [step for step in it.since() if step.startswith("< ")]
    found = re.findall(r"Layer-Lab-Explanation: (.*)\r\n", answer)
    return found[0] if found else None


def form(it, number=1):
    return it.site.explain.view([str(number)])


def test_the_whole_story_of_a_request(asked):
    it = asked()
    at(it, 1.0)
    it.client_bytes(ASK)
    at(it, 1.002)
    it.opened()
    at(it, 1.012)
    it.upstream_bytes(OK[:-1])
    assert told(it) == (
        '1; route="web: every request"; server="s1"; because="round-robin: the highest score"; '
        'scores="s1 0, s2 -1, s3 -2"; tries=1; queue-ms=0.000; connect-ms=2.000; first-byte-ms=10.000')
    assert form(it)["ms"]["total"] is None
    at(it, 1.02)
    it.upstream_bytes(OK[-1:])
    assert form(it) == {
        "id": 1, "client": "10.0.1.1", "request": "GET shop /cart", "route": "web: every request", "server": "s1",
        "because": "round-robin: the highest score",
        "tries": [{"candidates": {"s1": 0.0, "s2": -1.0, "s3": -2.0}, "passed_over": {}, "server": "s1",
                   "because": "round-robin: the highest score", "connection": "new", "failure": None}],
        "cache": None, "status": 200, "ms": {"queue": 0.0, "connect": 2.0, "first_byte": 10.0, "total": 20.0}}


def test_what_went_wrong_before_is_told(asked):
    it = asked()
    it.pool.drain(it.pool.servers[3])
    it.client_bytes(ASK)
    it.not_opened()
    it.opened()
    it.upstream_bytes(OK)
    first, second = form(it)["tries"]
    assert (first["server"], first["failure"], first["connection"]) == ("s1", "refused", None)
    assert first["passed_over"] == {"s3": "draining"}
    assert (second["server"], second["failure"], second["candidates"]) == ("s2", None, {"s2": 0.0})
    assert second["because"] == "refused at s1 before; round-robin: the highest score"
    assert second["passed_over"] == {"s1": "tried", "s3": "draining"}


def test_an_answer_of_our_own_is_explained_too(asked):
    it = asked(servers=1)
    it.client_bytes(ASK)
    it.not_opened()
    assert told(it).startswith(
        '1; route="web: every request"; because="refused at s1, and nobody else was left"; tries=1')
    assert form(it)["status"] == 502
    it.pool.set_up(it.pool.servers[1], False)
    it.client_bytes(ASK)
    assert 'because="nobody can serve it"; tries=0' in told(it)
    assert form(it, 2)["tries"][0]["passed_over"] == {"s1": "down"}
    assert form(it, 2)["status"] == 503
    assert form(it, 2)["ms"]["total"] is not None


def test_a_connection_that_was_kept_and_one_that_was_stale(asked):
    it = asked(servers=1)
    it.outside.idle = ["s1"]
    it.client_bytes(ASK)
    it.upstream_bytes(OK)
    assert form(it)["tries"][0]["connection"] == "kept"
    it.outside.idle = ["s1"]
    it.client_bytes(ASK)
    it.upstream_gone(clean=True)
    it.opened()
    it.upstream_bytes(OK)
    assert form(it, 2)["tries"][0]["connection"] == "new"
    assert len(form(it, 2)["tries"]) == 1


def test_a_request_that_no_route_takes(asked):
    it = asked(services=[service([8001], route={"path": "/x"})])
    it.client_bytes(ASK)
    assert told(it) == '1; route="none"; because="no route takes it"; tries=0; total-ms=0.000'
    assert form(it)["status"] == 404
    it.client_bytes(ASK.replace(b"/cart", b"/x"))
    assert form(it, 2)["route"] == "web: path /x"


def test_sessions(asked):
    it = asked(policy=Policy(sticky=Sticky("own", "lab", b"secret")))

    def visit(cookie):
        it.client_bytes(ASK.replace(b"\r\n\r\n", b"\r\nCookie: %b\r\n\r\n" % cookie))
        it.opened()
        it.upstream_bytes(OK)
        return re.search("Set-Cookie: ([^;]+)|$", "".join(it.since()))[1]
    cookie = visit(b"none=1").encode()
    visit(cookie)
    assert form(it, 2)["because"] == "its session lives there"
    it.pool.set_up(it.pool.servers[1], False)
    visit(cookie)
    assert form(it, 3)["because"] == "its session's server is gone; round-robin: the highest score"


def test_a_session_by_hash(asked):
    it = asked(algorithm="source-hash", policy=Policy(sticky=Sticky("header", "X-User")))
    it.client_bytes(ASK.replace(b"\r\n\r\n", b"\r\nX-User: ann\r\n\r\n"))
    assert form(it)["because"] == "source-hash: the highest score, by its session's key"


def test_a_row(asked):
    it = asked(servers=2, policy=Policy(most=1, queue=1))
    for server in it.pool.servers.values():
        it.balancer.gate(server).enter(lambda: None)
    it.client_bytes(ASK)
    at(it, 0.5)
    it.exchange.admitted()
    assert form(it)["because"] == "round-robin: the highest score; all are full, so it waits in its row"
    assert form(it)["tries"][0]["candidates"] == {"s1": 0.0, "s2": -1.0}
    assert form(it)["ms"]["queue"] == 500.0


def test_who_is_full_is_passed_over(asked):
    it = asked(servers=2, policy=Policy(most=1, queue=1))
    it.balancer.gate(it.pool.servers[1]).enter(lambda: None)
    it.client_bytes(ASK)
    assert form(it)["tries"][0]["passed_over"] == {"s1": "full"}
    assert form(it)["server"] == "s2"


def test_a_client_that_leaves(asked):
    it = asked()
    it.client_bytes(ASK)
    at(it, 2.0)
    it.client_gone()
    assert form(it)["status"] is None
    assert form(it)["ms"] == {"queue": 0.0, "connect": None, "first_byte": None, "total": 2000.0}


@pytest.mark.parametrize("word", ALGORITHMS)
def test_asking_changes_nothing_whatever_the_algorithm(asked, word):
    """With and without a witness the same servers are chosen, and the one who is, has the highest score."""
    chosen = []
    for raw in (ASK, ASK.replace(b": 1", b": 0")):
        it, found = asked(algorithm=word), []
        for _ in range(12):
            it.client_bytes(raw)
            found.append(it.exchange.server.name)
            it.opened()
            it.upstream_bytes(OK)
        chosen.append(found)
    assert chosen[0] == chosen[1]
    it = asked(algorithm=word)
    it.client_bytes(ASK)
    scores = {name: score for name, score in form(it)["tries"][0]["candidates"].items() if score is not None}
    assert scores[form(it)["server"]] == max(scores.values())
    json.dumps(form(it), allow_nan=False)


# Who asks, and who may.

@pytest.mark.parametrize(("said", "is_told"), [
    (b"Layer-Lab-Explain: 1", True), (b"layer-lab-explain: ?1", True), (b"Layer-Lab-Explain: 0", False),
    (b"Layer-Lab-Explain: yes", False), (b"Layer-Lab: 1", False)])
def test_the_field_is_asked_for_exactly_and_not_forwarded(asked, said, is_told):
    it = asked()
    it.client_bytes(ASK.replace(b"Layer-Lab-Explain: 1", said))
    assert type(it.exchange) is (Witness if is_told else Exchange)
    it.opened()
    assert not [step for step in it.since() if step.startswith("> ") and "explain" in step.lower()]
    it.upstream_bytes(OK)
    assert (told(it) is not None) is is_told


def test_it_is_off_unless_it_was_allowed(talk):
    it = talk()
    it.client_bytes(ASK)
    assert type(it.exchange) is Exchange
    it.opened()
    assert not [step for step in it.since() if "Layer-Lab-Expl" in step]
    it.upstream_bytes(OK.replace(b"OK\r\n", b"OK\r\nLayer-Lab-Explanation: 7; server=inner\r\n"))
    assert told(it) is None


def test_only_some_networks_may_ask(asked):
    it = asked(networks=[ip_network("192.0.2.0/24")])
    it.client_bytes(ASK)
    assert type(it.exchange) is Exchange
    it = asked(networks=[ip_network("192.0.2.0/24"), ip_network("10.0.1.0/24")])
    it.client_bytes(ASK)
    assert type(it.exchange) is Witness


def test_a_body_that_is_malformed_ends_it_like_any_other(asked):
    it = asked()
    it.client_bytes(b"POST / HTTP/1.1\r\nHost: a\r\nLayer-Lab-Explain: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    it.opened()
    assert it.short()[-1] == "close LINGER"
    it = asked()
    it.client_bytes(ASK)
    it.opened()
    it.timed_out(Wait.ANSWER)
    assert form(it)["tries"][0]["failure"] == "silent"


# What is said of a record.

def test_names_that_are_not_ascii_or_have_quotes_stay_within_their_string():
    record = Record(1, "10.0.1.1", "GET / /", 'a "b" \\', 0.0, [Try({"é": 1.5}, {}, 0.0, server="é", because="x")])
    assert line(record) == (rb'Layer-Lab-Explanation: 1; route="a \"b\" \\"; server="\\xe9"; because="x"; '
                            rb'scores="\\xe9 1.5"; tries=1' + b"\r\n")


def test_a_crowd_of_servers_does_not_make_the_field_long():
    record = Record(1, "10.0.1.1", "GET / /", "r", 0.0, [Try({f"s{n}": n for n in range(99)}, {}, 0.0, "s98", "x")])
    assert b'scores="s98 98, s97 97' in line(record)
    assert b's83 83, 83 more"' in line(record)
    assert len(explain(record)["tries"][0]["candidates"]) == 99


def test_what_the_cache_did_is_the_reason_where_no_server_was_asked():
    record = Record(1, "10.0.1.1", "GET a /", "r", 0.0, cache="hit", status=200, ended_s=0.001)
    assert explain(record)["because"] == "hit"
    assert line(record).endswith(b'1; route="r"; because="hit"; cache="hit"; tries=0; total-ms=1.000\r\n')


def test_the_last_ones_are_kept(asked):
    it = asked(servers=1)
    explain = it.site.explain
    assert explain.view([]) == []
    for _ in range(room.MOST + 3):
        it.client_bytes(ASK)
        it.opened()
        it.upstream_bytes(OK)
    assert [one["id"] for one in explain.view([])] == list(range(4, room.MOST + 4))
    for words in (["3"], ["x"], ["-1"], ["4", "4"], [""], ["²"]):
        with pytest.raises(LabError, match="there is no explanation"):
            explain.view(words)


# The whole, through curl.

@pytest.fixture
def web(proxy, origins, dead):
    return proxy([origins[0].server_address[1], dead], explain=True)


def curl(*words):
    return subprocess.run(["curl", "-sS", *words], capture_output=True, text=True, check=True, timeout=60).stdout


def test_curl_is_told_and_the_api_tells_the_rest(web):
    for _ in range(2):
        head = curl("-D-", "-o", "/dev/null", "-H", "Layer-Lab-Explain: 1", web.url)
    assert re.search(r'^Layer-Lab-Explanation: 2; .*server="s1"; because="refused at s2 before; round-robin', head,
                     re.MULTILINE)
    assert "Layer-Lab" not in curl("-D-", web.url)
    assert "explain" not in curl("-H", "Layer-Lab-Explain: 1", f"{web.url}/headers").lower()
    told = json.loads(curl("--unix-socket", str(web.socket), "http://lab/explanations/2"))
    assert [one["server"] for one in told["tries"]] == ["s2", "s1"]
    assert told["ms"]["total"] >= told["ms"]["first_byte"] > 0
    counted = json.loads(curl("--unix-socket", str(web.socket), "http://lab/counters"))
    assert counted["services"][0]["servers"][1]["failures"] == {"refused": counted["services"][0]["retried"]}
    assert counted["services"][0]["answers"]["2xx"] == counted["services"][0]["requests"] == 4
    assert counted["doors"][0]["clients"] == 4
    assert web.api("GET", "/counters/x")[0] == web.api("GET", "/explanations/99")[0] == 404
    assert web.api("POST", "/counters")[0] == 405
