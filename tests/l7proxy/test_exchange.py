"""The core as transcripts: what happened, and what it then asked for. No sockets, no clock."""

from __future__ import annotations

import pytest

from l7proxy.limits import Wait

GET = b"GET /%b HTTP/1.1\r\nHost: shop.example\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nServer: secret/1\r\nContent-Length: 2\r\n\r\nok"


def decisions(it):
    return [(type(event).__name__, event.unit, event.backend) for event in it.pool_events]


def test_a_request_and_its_answer_are_written_anew(talk):
    it = talk()
    it.client_bytes(GET % b"a")
    assert it.since() == ["dial s1", "wait CONNECT"]
    it.opened()
    assert it.since() == [
        "> GET /a HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 10.0.1.1\r\nX-Forwarded-Host: shop.example\r\n"
        "X-Forwarded-Proto: http\r\nForwarded: for=10.0.1.1;host=\"shop.example\";proto=http\r\n"
        "Via: 1.1 layer-lab\r\n\r\n",
        "wait ANSWER"]
    it.upstream_bytes(OK)
    assert it.since() == [
        "< HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: now\r\nVia: 1.1 layer-lab\r\n\r\nok",
        "keep upstream", "wait IDLE"]
    assert decisions(it) == [("Assigned", "10.0.1.1 1", "s1"), ("Released", "10.0.1.1 1", "s1")]


def test_pipelined_requests_go_one_after_another_to_one_server_each(talk):
    it = talk()
    it.outside.idle = ["s1", "s2", "s3"]
    it.client_bytes(b"".join(GET % name for name in (b"a", b"b", b"c")))
    assert it.short() == ["dial s1", "> GET /a HTTP/1.1"]
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "dial s2", "> GET /b HTTP/1.1"]
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "dial s3", "> GET /c HTTP/1.1"]


def test_an_answer_in_pieces_is_sent_on_in_pieces(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(GET % b"")
    it.since()
    it.upstream_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Enc")
    assert it.since() == []
    it.upstream_bytes(b"oding: chunked\r\n\r\n5\r\nhe")
    assert it.since()[0].endswith("Transfer-Encoding: chunked\r\nDate: now\r\nVia: 1.1 layer-lab\r\n\r\n2\r\nhe\r\n")
    it.upstream_bytes(b"llo\r\n0\r\n\r\n")
    assert it.since() == ["< 3\r\nllo\r\n0\r\n\r\n", "keep upstream", "wait IDLE"]


def test_http_1_0_gets_no_chunks_and_the_end_of_its_connection(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert "Host: 127.0.0.1:1\r\n" in it.since()[1]
    it.upstream_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
    assert it.since()[0] == "< HTTP/1.1 200 OK\r\nDate: now\r\nVia: 1.1 layer-lab\r\nConnection: close\r\n\r\nhi"
    assert it.closed


@pytest.mark.parametrize(("request_", "answer", "written", "end"), [
    (b"HEAD", b"200 OK\r\nContent-Length: 9", "200 OK\r\nContent-Length: 9", "keep"),
    (b"GET", b"304 Not Modified\r\nContent-Length: 9", "304 Not Modified\r\nContent-Length: 9", "keep"),
    (b"GET", b"204 No Content\r\nContent-Length: 0", "204 No Content", "keep"),
    (b"GET", b"204 No Content\r\nContent-Length: 9", "204 No Content", "drop"),
    (b"GET", b"204 No Content\r\nTransfer-Encoding: chunked", "204 No Content", "drop"),
])
def test_answers_without_a_body(talk, request_, answer, written, end):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(request_ + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
    it.since()
    it.upstream_bytes(b"HTTP/1.1 " + answer + b"\r\n\r\n")
    assert it.since() == [f"< HTTP/1.1 {written}\r\nDate: now\r\nVia: 1.1 layer-lab\r\n\r\n",
                          f"{end} upstream", "wait IDLE"]


def test_expect_goes_to_the_origin_and_100_comes_back(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(POST.replace(b"Host", b"Expect: 100-continue\r\nHost"))
    assert "Expect: 100-continue\r\n" in it.since()[1]
    it.upstream_bytes(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert it.short() == ["< HTTP/1.1 100 Continue"]
    it.client_bytes(b"hello")
    assert it.since() == ["> hello", "wait ANSWER"]
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream"]


def test_a_refused_server_is_passed_over_whatever_the_method_and_the_algorithm(talk):
    for algorithm in ("round-robin", "weighted-round-robin", "source-hash"):
        it = talk(algorithm=algorithm)
        it.client_bytes(POST + b"hello")
        for _ in range(3):
            it.not_opened()
        script = it.short()
        assert sorted(script[:5:2]) == ["dial s1", "dial s2", "dial s3"]
        assert script[5:] == ["drop upstream", "< HTTP/1.1 502 Bad Gateway", "close LINGER"]
        assert all(server.active == 0 for server in it.pool.servers.values())
        assert len(it.pool.candidates) == 3


def test_one_request_among_refusals_is_served_by_the_next(talk):
    it = talk()
    it.client_bytes(GET % b"")
    it.not_opened()
    it.opened()
    it.upstream_bytes(OK)
    assert decisions(it) == [("Assigned", "10.0.1.1 1", "s1"), ("Released", "10.0.1.1 1", "s1"),
                             ("Assigned", "10.0.1.1 1", "s2"), ("Released", "10.0.1.1 1", "s2")]


def test_a_kept_connection_that_is_lost_is_tried_once_afresh_without_a_new_decision(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(GET % b"")
    it.upstream_gone(clean=True)
    assert it.short() == ["dial s1", "> GET / HTTP/1.1", "drop upstream", "dial s1 fresh"]
    it.opened()
    it.upstream_gone(clean=True)
    assert it.short() == ["> GET / HTTP/1.1", "drop upstream", "dial s2"]
    assert [row[0] for row in decisions(it)] == ["Assigned", "Released", "Assigned"]


@pytest.mark.parametrize("answered", [b"", b"HTTP/1.1 2"])
def test_what_is_not_safe_to_repeat_is_not_repeated(talk, answered):
    """RFC 9110 9.2.2: a POST may have been done; and half a head is already an answer."""
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(GET % b"" if answered else b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
    it.since()
    if answered:
        it.upstream_bytes(answered)
    it.upstream_gone(clean=True)
    assert it.short() == ["drop upstream", "< HTTP/1.1 502 Bad Gateway"]


def test_a_put_whose_body_has_begun_is_not_repeated(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(POST.replace(b"POST", b"PUT") + b"he")
    it.since()
    it.upstream_gone(clean=True)
    assert it.short() == ["drop upstream", "< HTTP/1.1 502 Bad Gateway", "close LINGER"]


def test_nobody_up_is_503_and_the_connection_stays(talk):
    it = talk()
    for backend in (1, 2, 3):
        it.pool.set_up(it.pool.servers[backend], False)
    it.client_bytes(GET % b"" * 2000)
    assert it.short().count("< HTTP/1.1 503 Service Unavailable") == 2000
    assert not it.closed


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"SSH-2.0\r\n\r\n"])
def test_an_answer_in_doubt_is_a_502(talk, answer):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(GET % b"")
    it.since()
    it.upstream_bytes(answer)
    assert it.short() == ["drop upstream", "< HTTP/1.1 502 Bad Gateway"]


@pytest.mark.parametrize("end", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
                                 b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"])
def test_half_an_answer_is_never_taken_for_a_whole_one(talk, end):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(GET % b"")
    it.upstream_bytes(end)
    it.since()
    it.upstream_gone(clean=True)
    assert it.short() == ["drop upstream", "close ABORT"]


def test_bytes_after_an_answer_cost_the_server_its_connection(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(GET % b"")
    it.since()
    it.upstream_bytes(OK + b"HTTP/1.1 200 OK\r\n\r\n")
    assert it.short() == ["< HTTP/1.1 200 OK", "drop upstream"]


def test_nothing_is_forwarded_of_or_after_a_refused_request(talk):
    it = talk()
    it.client_bytes(POST.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"0\r\n\r\n" + GET % b"x")
    it.client_bytes(GET % b"y")
    assert it.short() == ["< HTTP/1.1 400 Bad Request", "close LINGER"]
    assert decisions(it) == []


def test_a_body_that_turns_out_malformed_ends_both_sides(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    assert it.since()[2] == "wait BODY"
    it.client_bytes(b"zz\r\n")
    assert it.short() == ["drop upstream", "< HTTP/1.1 400 Bad Request", "close LINGER"]
    assert decisions(it)[-1][0] == "Released"


def test_an_answer_before_the_request_has_ended_costs_both_connections(talk):
    it = talk()
    it.outside.idle = ["s1"]
    it.client_bytes(POST + b"he")
    it.since()
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "drop upstream", "close LINGER"]


def test_a_slow_backend_holds_the_client_and_a_slow_client_the_backend(talk):
    it = talk(read_ahead_bytes=10)
    it.outside.idle = ["s1"]
    it.client_bytes(POST.replace(b"5", b"50"))
    it.upstream_paused(True)
    it.since()
    it.client_bytes(b"x" * 20)
    assert it.since() == ["hold client"]
    it.upstream_paused(False)
    assert it.since() == [f"> {'x' * 20}", "wait BODY", "free client"]
    it.client_bytes(b"x" * 30)
    it.client_paused(True)
    it.since()
    it.upstream_bytes(OK)
    assert it.since() == []  # held already, when the client fell behind
    it.client_paused(False)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream"]


@pytest.mark.parametrize(("what", "events", "led_to"), [
    (Wait.IDLE, [], ["close FLUSH"]),
    (Wait.HEAD, ["client_bytes", b"GET"], ["< HTTP/1.1 408 Request Timeout", "close LINGER"]),
    (Wait.CONNECT, ["client_bytes", GET % b""], ["drop upstream", "dial s2"]),
    (Wait.ANSWER, ["client_bytes", GET % b"", "opened"], ["drop upstream", "< HTTP/1.1 504 Gateway Timeout"]),
    (Wait.BODY, ["client_bytes", POST, "opened"],
     ["drop upstream", "< HTTP/1.1 408 Request Timeout", "close LINGER"]),
    (Wait.RELAY, ["client_bytes", GET % b"", "opened", "upstream_bytes", OK[:-1]], ["drop upstream", "close ABORT"]),
])
def test_every_wait_is_bounded(talk, what, events, led_to):
    it = talk()
    for event in events:
        if isinstance(event, str):
            method = getattr(it, event)
            if event == "opened":
                method()
        else:
            method(event)
    assert (it.since() or [f"wait {it.waiting.name}"])[-1] == f"wait {what.name}"
    it.timed_out(what)
    assert it.short() == led_to


def test_a_head_that_drips_is_not_given_more_time(talk):
    it = talk()
    for octet in GET[:20]:
        it.client_bytes(bytes((octet,)))
    assert it.since() == ["wait HEAD"]


def test_a_client_that_vanishes_releases_its_unit(talk):
    it = talk()
    it.client_bytes(GET % b"")
    it.client_gone()
    assert decisions(it)[-1] == ("Released", "10.0.1.1 1", "s1")
    it.opened()
    it.upstream_gone(clean=True)


def test_a_client_that_ends_after_its_request_is_answered(talk):
    it = talk()
    it.client_bytes(POST + b"hello")
    it.client_end()
    it.opened()
    assert it.since()[-2:] == ["> hello", "wait ANSWER"]
    it.upstream_bytes(OK)
    assert it.short() == ["< HTTP/1.1 200 OK", "keep upstream", "close FLUSH"]


def test_a_client_that_ends_within_its_request_is_not(talk):
    it = talk()
    it.client_bytes(POST + b"he")
    it.opened()
    it.since()
    it.client_end()
    assert it.short() == ["drop upstream", "close FLUSH"]


def test_draining_answers_what_is_in_flight_and_says_close(talk):
    it, idle = talk(), talk()
    it.client_bytes(GET % b"a" + GET % b"b")
    it.opened()
    it.drain()
    idle.drain()
    assert idle.short() == ["close FLUSH"]
    it.since()
    it.upstream_bytes(OK)
    script = it.since()
    assert "Connection: close" in script[0]
    assert script[1:] == ["keep upstream", "close LINGER"]
