"""What outlives a reload of a forward proxy, what doesn't, and that nobody who waits is forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import socket
import threading
from ipaddress import ip_address

import pytest

from l7proxy.forward.admission import RequestRate
from l7proxy.forward.asking import addresses
from l7proxy.forward.face import ForwardFace
from l7proxy.forward.names import FAILURES, LATE
from l7proxy.forward.terms import ForwardTerms, TrafficTerms
from l7proxy.forward.threads import Threads
from l7proxy.forward.traffic import Share
from l7proxy.forward.users import entry, read_users
from tests.l7proxy.forward.running import head_of

ANN, BOB = entry("ann", "secret", 4), entry("bob", "secret", 4)
CREDENTIALS = b"Basic YW5uOnNlY3JldA=="
TERMS = ForwardTerms()


def users(*entries):
    return read_users("\n".join(entries), "users")


async def told(ask):
    """What `ask` tells whoever waits."""
    future = asyncio.get_running_loop().create_future()
    ask(future.set_result)
    return await asyncio.wait_for(future, 20)


def in_a_loop(test):
    """Run an async test."""
    @functools.wraps(test)
    def run(**arguments):
        asyncio.run(test(**arguments))
    return run


@in_a_loop
async def test_names_and_who_is_who_stay_known():
    before = ForwardFace(TERMS, users(ANN))
    before.names.learn("a.example", (ip_address("10.0.0.1"),), 0.0)
    assert await told(lambda then: before.verify(CREDENTIALS, then)) == "ann"
    now = ForwardFace(dataclasses.replace(TERMS, default="allow"), users(ANN), before)
    assert now.names.find("a.example", 1.0) == (ip_address("10.0.0.1"),)
    assert now.users.known(CREDENTIALS) == "ann"
    assert now.name == before.name
    assert ForwardFace(TERMS, users(ANN, BOB), before).users.known(CREDENTIALS) is None
    assert ForwardFace(TERMS, None, before).users is None
    before.close()


@in_a_loop
async def test_who_waits_at_a_reload_is_told_by_the_face_that_was_asked():
    before = ForwardFace(TERMS, users(entry("ann", "secret", 12)))
    waiting = asyncio.create_task(told(lambda then: before.verify(CREDENTIALS, then)))
    await asyncio.sleep(0)
    now = ForwardFace(TERMS, users(BOB), before)
    assert await told(lambda then: now.verify(CREDENTIALS, then)) == ""
    assert await waiting == "ann"
    before.close()


@in_a_loop
async def test_other_terms_hold_once_they_take_effect_and_debts_stay():
    rated = dataclasses.replace(TERMS, requests=RequestRate(0.001, 1), traffic=TrafficTerms(Share(1000, 1000)))
    before = ForwardFace(rated, None)
    standing = before.standing
    before.take_effect()
    assert standing.admission.ask("a", 0.0) is None
    assert standing.traffic.on
    shaper = standing.traffic.down._shaper
    now = ForwardFace(dataclasses.replace(rated, traffic=TrafficTerms(Share(2000, 2000))), None, before)
    assert shaper.share.ceiling == 1000
    now.take_effect()
    assert (standing.traffic.down._shaper, shaper.share.ceiling) == (shaper, 2000)
    assert standing.admission.ask("a", 1.0).status == 429
    ForwardFace(TERMS, None, now).take_effect()
    assert standing.admission.ask("a", 1.0) is None
    assert not standing.traffic.on
    now.close()


@in_a_loop
async def test_work_that_fails_is_told_too_and_the_next_is_done():
    threads = Threads(1, "test")
    for _ in range(3):
        assert await told(lambda then: threads.ask(lambda: 1 // 0, then, "otherwise")) == "otherwise"
    assert await told(lambda then: threads.ask(lambda: "done", then, "otherwise")) == "done"
    threads.close()


@in_a_loop
async def test_whatever_the_resolver_raises_is_an_answer(monkeypatch):
    face = ForwardFace(TERMS, None)

    def raises(*_, **__):
        raise OverflowError
    monkeypatch.setattr(socket, "getaddrinfo", raises)
    assert await told(lambda then: face.names.look_up("a.example", then)) is LATE
    face.close()


@pytest.mark.parametrize("name", ["a\0b", "a" * 64 + ".example", "a..example", "\udcff", "", "."])
def test_what_is_no_name_has_no_address(name):
    assert addresses(name) in FAILURES.values()


RULES = 'reachable = ["127.0.0.0/8"]\nusers = "users"\nrealm = "{}"\n' \
        '[[forward.rule]]\nname = "known"\naction = "allow"\nusers = ["*"]\n' \
        '[forward.traffic]\nrate = "{}MiB"\n'


def test_a_reload_under_load_loses_no_request(forward, origins, tmp_path):
    (tmp_path / "users").write_text(ANN + "\n" + entry("eve", "secret", 15) + "\n")
    proxy = forward(RULES.format("r", 8))
    seen, done = [], threading.Event()

    def load(host):
        with proxy.session(**{"Proxy-Authorization": CREDENTIALS.decode()}) as session:
            while not done.is_set():
                seen.append(session.get(f"http://{host}:{origins[0].server_address[1]}/bytes/30000").status_code)
    threads = [threading.Thread(target=load, args=(host,)) for host in ("127.0.0.1", "localhost")]
    for thread in threads:
        thread.start()
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as link:  # verified while the reloads come
        link.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic %b\r\n\r\n"
                     % (origins[0].server_address[1], b"ZXZlOnNlY3JldA=="))
        for number in range(8):
            assert proxy.reload(RULES.format(number, number + 9)) == "read anew: forward\n"
        assert head_of(link).startswith(b"HTTP/1.1 200 ")
    done.set()
    for thread in threads:
        thread.join(20)
    assert set(seen) == {200}
    assert {one["status"] for one in proxy.stop()} == {200}


def test_a_reload_that_fails_changes_nothing(forward, origins):
    proxy = forward()
    said = [proxy.reload('users = "none"\n[forward.traffic]\nrate = "9MiB"\ntotal = "1MiB"\n')]
    while not said[-1].startswith("not read anew"):
        said.append(proxy.process.stderr.readline())
    assert "the file of users" in said[0]
    assert any("9437184 bytes/s are assured" in line for line in said)
    assert proxy.status(f"http://127.0.0.1:{origins[0].server_address[1]}/") == 200
