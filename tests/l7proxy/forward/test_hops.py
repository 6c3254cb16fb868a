"""A request on its way over several proxies: in chains, in circles, and only so far as it is meant to go."""

from __future__ import annotations

import contextlib
import re
import socket
import threading

import pytest

from tests.l7proxy.forward.running import everything, head_of

RULES = 'default = "allow"\nreachable = ["127.0.0.0/8"]\nanonymity.level = "{}"\n'
LEVELS = ("transparent", "anonymous", "elite")
ASK = b"%b http://127.0.0.1:%d/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%b\r\n"


class Relay:
    """What it takes for a circle: it is asked as an origin, and asks the next proxy in turn for the same."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port, self.heads, self.proxies = self.server.getsockname()[1], [], []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self.server.accept()[0],), daemon=True).start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            head = head_of(client)
            self.heads.append(head)
            proxy = self.proxies[len(self.heads) % len(self.proxies)]
            with socket.create_connection(("127.0.0.1", proxy.port), 60) as onward:
                onward.sendall(re.sub(rb" /", b" http://127.0.0.1:%d/" % self.port, head, count=1)[:-2]
                               + b"Connection: close\r\n\r\n")
                client.sendall(everything(onward))


@pytest.fixture
def relay():
    it = Relay()
    yield it
    it.server.close()


@pytest.mark.parametrize("levels", [("transparent",), ("elite",), ("transparent", "transparent"),
                                    ("anonymous", "anonymous"), ("elite", "elite"), ("elite", "transparent")])
def test_a_request_in_circles_is_ended_at_every_level(forward, relay, levels):
    relay.proxies = [forward(RULES.format(level)) for level in levels]
    said = relay.proxies[0].say(ASK % (b"GET", relay.port, b""))
    assert said.startswith(b"HTTP/1.1 502 ")
    assert b"Rule: <b>loop</b>" in said or b"too large a head" in said  # Via of the answer, so often on its way
    if levels == ("anonymous", "anonymous"):
        assert len(re.findall(rb"1\.1 lab-[0-9a-f]{8}", relay.heads[-1])) == 2
    assert len(relay.heads) <= (520 if "elite" in levels else len(levels))


def test_one_client_may_ask_for_the_same_often(forward, listener):
    proxy = forward(RULES.format("elite"))
    port = listener.getsockname()[1]
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(socket.create_connection(("127.0.0.1", proxy.port), 20)) for _ in range(100)]
        for link in links:
            link.sendall(ASK % (b"GET", port, b""))
        for origin in [stack.enter_context(listener.accept()[0]) for _ in links]:
            origin.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert all(everything(link).startswith(b"HTTP/1.1 204 ") for link in links)


def in_turn(listener, answers=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
    """Take one request at an origin, answer it, and put its head into what is returned."""
    seen = []

    def serve():
        link, _ = listener.accept()
        with link:
            seen.append(head_of(link))
            link.sendall(answers)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return seen, thread


@pytest.mark.parametrize("levels", list(zip(LEVELS, reversed(LEVELS), strict=True)))
def test_a_chain_of_two(forward, listener, levels):
    """CONNECT to the second through the first, then a request to the second: what each of them says of itself."""
    second = forward(RULES.format(levels[1]))
    first = forward(RULES.format(levels[0]) + f"connect_ports = [{second.port}]\n")
    seen, thread = in_turn(listener)
    link, said = first.connect(f"127.0.0.1:{second.port}")
    assert said.startswith(b"HTTP/1.1 200 ")
    with link:
        link.sendall(ASK % (b"GET", listener.getsockname()[1], b"Via: 1.0 fred\r\nProxy-Authorization: Basic eDp5\r\n"))
        assert everything(link).endswith(b"\r\n\r\nok")
    thread.join()
    via = re.findall(rb"Via: (.+)\r\n", seen[0])
    shown = {"transparent": [b"1.0 fred", b"1.1 lab-"], "anonymous": [b"1.1 lab-"], "elite": []}[levels[1]]
    assert [value.startswith(begin) for value, begin in zip(via, shown, strict=True)] == [True] * len(shown)
    assert b"uthorization" not in seen[0]


@pytest.mark.parametrize("method", [b"TRACE", b"OPTIONS"])
def test_it_goes_as_far_as_it_is_meant_to(forward, relay, listener, method):
    """Over two proxies: the first answers 0, the second 1, the origin 2 (RFC 9110 7.6.2)."""
    def ends(steps):
        return first.say(ASK % (method, relay.port, b"Max-Forwards: %d\r\nX-Mark: me\r\nCookie: secret\r\n" % steps))

    first, second = forward(), forward()
    relay.proxies = [second]
    said = ends(0)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert relay.heads == []
    said = ends(1)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"Max-Forwards: 0\r\n" in relay.heads[0]
    if method == b"TRACE":
        head, _, echo = said.partition(b"\r\n\r\n")
        assert b"Content-Type: message/http" in head
        assert echo.startswith(b"TRACE http://127.0.0.1:%d/x HTTP/1.1\r\n" % relay.port)
        assert b"X-Mark: me" in echo
        assert b"Via: 1.1 lab-" in echo
        assert b"secret" not in echo
    else:
        assert b"Allow: GET, " in said
    seen, thread = in_turn(listener)
    assert second.say(ASK % (method, listener.getsockname()[1], b"Max-Forwards: 2\r\n")).endswith(b"ok")
    thread.join()
    assert seen[0].startswith(b"%b /x HTTP/1.1\r\n" % method)
    assert b"Max-Forwards: 1\r\n" in seen[0]


def test_who_may_not_ask_is_not_answered_here_either(forward):
    """Where Max-Forwards is used up the rules are asked all the same."""
    proxy = forward(RULES.format("transparent")
                    + '[[forward.rule]]\nname = "no-trace"\naction = "deny"\nmethods = ["TRACE"]\n')
    assert b"no-trace" in proxy.say(ASK % (b"TRACE", 80, b"Max-Forwards: 0\r\n"))
    assert proxy.say(ASK % (b"OPTIONS", 80, b"Max-Forwards: 0\r\n")).startswith(b"HTTP/1.1 200 ")


def test_a_trace_shows_the_circle_that_it_went(forward):
    """A loop is no failure to a request that was sent to find it (RFC 9110 9.3.8)."""
    proxy = forward()
    ours = re.search(rb"lab-[0-9a-f]{8}", proxy.say(ASK % (b"GET", 1, b""))).group()
    via = b"Via: 1.1 %b\r\n" % ours
    assert b"proxy_loop_detected" in proxy.say(ASK % (b"TRACE", 80, via + b"Max-Forwards: 1\r\n"))
    assert proxy.say(ASK % (b"TRACE", 80, via + b"Max-Forwards: 0\r\n")).endswith(via + b"Max-Forwards: 0\r\n\r\n")


@pytest.mark.parametrize("value", [b"-1", b"x", b"1.5", b"", b"1\r\nMax-Forwards: 2"])
def test_max_forwards_that_is_no_number(forward, value):
    assert forward().say(ASK % (b"TRACE", 80, b"Max-Forwards: %b\r\n" % value)).startswith(b"HTTP/1.1 400 ")


def test_options_of_a_whole_server_and_of_the_proxy(forward, listener):
    proxy = forward()
    port = listener.getsockname()[1]
    seen, thread = in_turn(listener)
    proxy.say(b"OPTIONS http://127.0.0.1:%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % port)
    thread.join()
    assert seen[0].startswith(b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % port)
    said = proxy.say(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close\r\n" in said
    assert proxy.say(b"TRACE http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").startswith(b"HTTP/1.1 400 ")
