"""What goes through a proxy and what ends there: trailers, interim answers, addresses, places. As transcripts."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from l7proxy.forwarded import Forwarding

GET = b"GET / HTTP/1.1\r\nHost: shop.example\r\n%b\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\n%bTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n%b\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
COUNTED = b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n%b\r\n"


@pytest.fixture
def asked(talk):
    """A conversation in which a request has gone to s1: asked(request) -> it, what s1 has read."""
    def build(request=GET % b"", **more):
        it = talk(**more)
        it.outside.idle = ["s1"]
        it.client_bytes(request)
        return it, "".join(line[2:] for line in it.since() if line.startswith("> "))
    return build


def heard(it, answer):
    """What the client reads when the server says `answer`."""
    it.since()
    it.upstream_bytes(answer)
    return "".join(line[2:] for line in it.since() if line.startswith("< "))


# Trailers (RFC 9110 6.5, RFC 9112 7.1.2)

@pytest.mark.parametrize(("named", "trailers", "gone_on"), [
    (b"", b"X-Sum: 1\r\nx-other:2 \r\n", "X-Sum: 1\r\nx-other: 2\r\n"),
    (b"", b"Content-Length: 3\r\nHost: b\r\nCookie: a\r\nX-Forwarded-For: 6\r\nTransfer_Encoding: x\r\n", ""),
    (b"Connection: X-Sum\r\n", b"X-Sum: 1\r\nX: 2\r\n", "X: 2\r\n"),
])
def test_trailers_of_a_request(asked, named, trailers, gone_on):
    _, read = asked(CHUNKED % (named, trailers))
    assert read.endswith(f"3\r\nabc\r\n0\r\n{gone_on}\r\n")


@pytest.mark.parametrize(("named", "trailers", "gone_on"), [
    (b"", b"Server-Timing: db\r\n", "Server-Timing: db\r\n"),
    (b"", b"Set-Cookie: a\r\nContent-Length: 3\r\nServer: secret\r\nLocation: http://127.0.0.1:8001/\r\n", ""),
    (b"Connection: x\r\n", b"X: 1\r\nY: 2\r\n", "Y: 2\r\n"),
])
def test_trailers_of_an_answer(asked, named, trailers, gone_on):
    it, _ = asked()
    assert heard(it, COUNTED % (named, trailers)).endswith(f"2\r\nok\r\n0\r\n{gone_on}\r\n")


def test_trailers_are_of_one_message_only(asked):
    it, _ = asked(CHUNKED % (b"", b"X-Sum: 1\r\n"))
    heard(it, COUNTED % (b"", b"X-Time: 1\r\n"))
    it.outside.idle = ["s2"]
    it.client_bytes(CHUNKED % (b"", b""))
    assert it.since()[-2] == "> 3\r\nabc\r\n0\r\n\r\n"
    assert heard(it, COUNTED % (b"", b"")).endswith("2\r\nok\r\n0\r\n\r\n")


@pytest.mark.parametrize(("te", "told"), [(b"trailers", True), (b"gzip, trailers", True), (b"gzip", False),
                                          (b"trailers;q=0", False)])
def test_the_server_hears_that_trailers_are_taken(asked, te, told):
    _, read = asked(GET % (b"Connection: TE\r\nTE: %b\r\n" % te))
    assert ("\r\nConnection: TE\r\nTE: trailers\r\n" in read) is told
    assert ("TE:" in read) is told


# Interim answers (RFC 9110 15.2) and Expect (10.1.1)

def test_interim_answers_go_on_as_they_come(asked):
    it, _ = asked()
    assert heard(it, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nServer: secret\r\n\r\n") == (
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nVia: 1.1 layer-lab\r\n\r\n")
    assert heard(it, b"HTTP/1.1 102 Processing\r\n\r\n" + OK).count("HTTP/1.1 ") == 2


def test_an_http_1_0_client_never_sees_one(asked):
    it, _ = asked(b"GET / HTTP/1.0\r\n\r\n")
    assert heard(it, b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK).startswith("HTTP/1.1 200 OK\r\n")


def test_a_server_that_only_promises_is_not_heard_for_ever(asked):
    it, _ = asked(interim_answers=3)
    assert heard(it, b"HTTP/1.1 102 Processing\r\n\r\n" * 3).count("102") == 3
    assert heard(it, b"HTTP/1.1 102 Processing\r\n\r\n").startswith("HTTP/1.1 502 ")


def test_interim_answers_are_counted_anew_for_each_request(asked):
    it, _ = asked(interim_answers=1)
    for _ in range(3):
        assert "200 OK" in heard(it, b"HTTP/1.1 102 Processing\r\n\r\n" + OK)
        it.outside.idle = ["s1", "s2", "s3"]
        it.client_bytes(GET % b"")


def test_a_request_is_not_tried_again_once_its_server_has_said_anything(asked):
    it, _ = asked()
    heard(it, b"HTTP/1.1 102 Processing\r\n\r\n")
    it.upstream_gone(clean=True)
    assert it.short() == ["drop upstream", "< HTTP/1.1 502 Bad Gateway"]


def test_who_expects_and_is_refused_keeps_its_body(asked):
    """The final answer comes without the body; whether it comes still can't be known, so nothing is read any more."""
    it, read = asked(POST)
    assert "Expect: 100-continue\r\n" in read
    it.upstream_bytes(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
    assert it.short() == ["< HTTP/1.1 417 Expectation Failed", "drop upstream", "close LINGER"]


def test_who_expects_too_much_hears_so_at_once(talk):
    it = talk(body_bytes=4)
    it.client_bytes(POST)
    assert it.short()[0].startswith("< HTTP/1.1 413 ")


def test_who_does_not_wait_for_its_100_is_served(asked):
    it, read = asked(POST + b"hello")
    assert read.endswith("\r\n\r\nhello")
    assert heard(it, b"HTTP/1.1 100 Continue\r\n\r\n" + OK).endswith("ok")
    assert not it.closed


# Who asked (RFC 7239)

SAID = b"X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 6.6.6.6\r\n"
TRUSTED = {"forwarding": Forwarding(trusted=(ip_network("10.0.1.0/24"),))}


def lines(read, *names):
    """The lines of these fields, in the order they came."""
    return [line for line in read.split("\r\n") if line.lower().startswith(names)]


def test_whoever_is_not_trusted_says_nothing_of_others(asked):
    for said in (b"", SAID, SAID.replace(b"-For:", b"_For:")):
        _, read = asked(GET % said)
        assert lines(read, "x-forwarded", "forwarded", "x_forwarded", "x-real") == [
            "X-Forwarded-For: 10.0.1.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: http",
            'Forwarded: for=10.0.1.1;host="shop.example";proto=http']


def test_a_trusted_proxy_is_added_to(asked):
    _, read = asked(GET % SAID, more=TRUSTED)
    assert lines(read, "x-forwarded", "forwarded", "x-real") == [
        "X-Forwarded-For: 6.6.6.6, 10.0.1.1", "X-Forwarded-Host: shop.example", "X-Forwarded-Proto: https",
        'Forwarded: for=6.6.6.6, for=10.0.1.1;host="shop.example";proto=http']


def test_a_trusted_proxy_that_says_nothing_is_a_client(asked):
    _, read = asked(more=TRUSTED)
    assert lines(read, "x-forwarded-for") == ["X-Forwarded-For: 10.0.1.1"]


def test_forwarding_off_tells_servers_nothing(asked):
    for said in (b"", SAID):
        _, read = asked(GET % said, more={"forwarding": Forwarding(on=False)})
        assert lines(read, "x-forwarded", "forwarded", "x-real") == []
        assert "10.0.1.1" not in read


def test_what_is_said_of_one_host_is_not_said_of_the_next(talk):
    it = talk()
    it.outside.idle = ["s1", "s2"]
    for host in (b"a", b"b"):
        it.client_bytes((GET % b"").replace(b"shop.example", host))
        assert f'host="{host.decode()}"' in "".join(it.since())
        it.upstream_bytes(OK)
        it.since()


# Where it comes from

PLACES = {  # of a server at 127.0.0.1:8001, asked for as shop.example over http
    "http://127.0.0.1:8001/a?b": "http://shop.example/a?b",
    "HTTP://127.0.0.1/a": "http://shop.example/a",
    "https://127.0.0.1:8001/a": "http://shop.example/a",
    "//127.0.0.1:8002/a": "http://shop.example/a",
    "http://u:p@127.0.0.1:8003/a": "http://shop.example/a",
    "http://s1/a": "http://shop.example/a",
    "http://127.0.0.1:8001": "http://shop.example",
    "http://127.0.0.1:8001?a": "http://shop.example?a",
    "http://SHOP.example/a": "http://shop.example/a",
    "https://shop.example/a": "https://shop.example/a",
    "http://127.0.0.1:9999/a": "http://127.0.0.1:9999/a",
    "http://other.example/": "http://other.example/",
    "https://other.example//127.0.0.1:8001/": "https://other.example//127.0.0.1:8001/",
    "http://127.0.0.1:8001.other.example/": "http://127.0.0.1:8001.other.example/",
    "/a": "/a",
    "../a": "../a",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_at_a_server_becomes_one_at_the_host_that_was_asked(asked, place):
    it, _ = asked()
    for name in ("Location", "Content-Location"):
        answer = f"HTTP/1.1 302 Found\r\n{name}: {place}\r\nContent-Length: 0\r\n\r\n".encode()
        assert f"\r\n{name}: {PLACES[place]}\r\n" in heard(it, answer)
        it.outside.idle = ["s1", "s2"]
        it.client_bytes(GET % b"")


def test_a_refresh_as_well(asked):
    it, _ = asked()
    assert "Refresh: 5; url='http://shop.example/a'" in heard(
        it, b"HTTP/1.1 200 OK\r\nRefresh: 5; url='http://127.0.0.1:8001/a'\r\nContent-Length: 0\r\n\r\n")


def test_to_a_client_that_speaks_tls_its_place_is_there(asked):
    it, _ = asked(more={"scheme": b"https"})
    assert "Location: https://shop.example/a\r\n" in heard(
        it, b"HTTP/1.1 302 Found\r\nLocation: http://shop.example/a\r\nContent-Length: 0\r\n\r\n")


def test_software_is_nobodys_business(asked):
    it, _ = asked()
    told = heard(it, b"HTTP/1.1 200 OK\r\nServer: a/1\r\nX-Powered-By: b\r\nX_Powered_By: c\r\nAlt-Svc: h3=\":443\"\r\n"
                     b"Content-Length: 0\r\n\r\n")
    assert lines(told, "server", "x-powered", "x_powered", "alt-svc") == []
