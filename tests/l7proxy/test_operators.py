"""The API at the proxy's socket, while clients are served: it changes who serves, and breaks nobody's request."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from balancing import ALGORITHMS
from l7proxy.config_services import read_services
from l7proxy.limits import Limits
from layerlab import LabError
from tests.l7proxy.conftest import ROOT, service
from tests.outside import wait_until

NOBODY = 65_534
CLIENTS = 200


def ports(servers):
    return [server.server_address[1] for server in servers]


@pytest.fixture
def web(proxy, origins):
    return proxy(ports(origins))


def states(web):
    return {server["name"]: server["state"] for server in web.api("GET", "/services/web")[1]["servers"]}


def waiting_at(origin, web, ask=requests.get):
    """A request that waits at `origin`, which is the next one's turn; its answer is to come."""
    clients = ThreadPoolExecutor(1)
    before = origin.requests
    found = clients.submit(ask, f"{web.url}/wait", timeout=60)
    wait_until(lambda: origin.requests > before, "the request to be in flight")
    clients.shutdown(wait=False)
    return found


def post(url, timeout):
    return requests.post(url, data=b"x", timeout=timeout)


def test_the_pool_can_be_seen_with_the_units_that_it_has_now(web, origins):
    waiting = waiting_at(origins[0], web)
    status, said = web.api("GET", "/services")
    assert status == 200
    assert [(server["name"], server["active"], server["state"]) for server in said[0]["servers"]] == [
        ("s1", 1, "up"), ("s2", 0, "up"), ("s3", 0, "up")]
    origins[0].go_on.set()
    assert waiting.result(60).text == "waited"
    assert web.api("GET", "/services/web")[1]["servers"][0]["active"] == 0


def test_what_is_wrong_is_named(web):
    status, said = web.api("PATCH", "/services/web/backends/s1", {"weight": -1})
    assert (status, said["field"]) == (400, "weight")
    status, said = web.api("PATCH", "/services/web", {"algorithm": "round-robbin"})
    assert (status, said["hint"]) == (400, "round-robin (did you mean that?)")
    assert web.api("GET", "/services/wap")[0] == 404


async def ask_on_and_on(port, over):
    """A client of one connection that asks until `over`; return how often it was answered, each time in full."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while not over.is_set():
        writer.write(b"GET /?sleep=0.02 HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        assert b"Connection: close" not in head
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        assert b'"server"' in await reader.readexactly(length)
        count += 1
    writer.close()
    return count


async def changing(web):
    """Every algorithm and many weights, while all clients ask; between two changes somebody is served."""
    over = asyncio.Event()
    clients = [asyncio.create_task(ask_on_and_on(web.port, over)) for _ in range(CLIENTS)]
    try:
        changes = [("/services/web", {"algorithm": word}) for word in ALGORITHMS]
        changes += [(f"/services/web/backends/s{n}", {"weight": weight}) for weight in (0, 5, 1) for n in (1, 2)]
        for path, form in 2 * changes:
            status, said = await asyncio.to_thread(web.api, "PATCH", path, form)
            assert status == 200, said
            await asyncio.sleep(0.02)
    finally:
        over.set()
    return await asyncio.wait_for(asyncio.gather(*clients), 60)


def test_changes_break_none_of_200_clients_with_requests_in_flight(proxy, programs):
    web = proxy([program.port for program in programs], health={"interval_s": 0.1, "timeout_s": 10})
    served = asyncio.run(changing(web))
    assert len(served) == CLIENTS
    assert min(served) > 0
    assert web.stop() == (0, "")
    kinds = [it["event"] for it in web.events()]
    assert kinds.count("Assigned") == kinds.count("Released") == sum(served)
    assert "Down" not in kinds


def test_weights_and_algorithms_are_followed_at_once(web):
    assert web.api("PATCH", "/services/web", {"algorithm": "weighted-round-robin"})[0] == 200
    assert web.api("PATCH", "/services/web/backends/s1", {"weight": 4})[0] == 200
    with requests.Session() as session:
        served = [session.get(web.url).headers["X-Served-By"] for _ in range(12)]
    assert sorted(served) == ["s1"] * 8 + ["s2"] * 2 + ["s3"] * 2


def test_drained_is_said_when_the_last_request_is_done(web, origins):
    waiting = waiting_at(origins[0], web)
    assert web.api("PATCH", "/services/web/backends/s1", {"draining": True})[0] == 200
    assert states(web)["s1"] == "draining"
    assert {requests.get(web.url).headers["X-Served-By"] for _ in range(6)} == {"s2", "s3"}
    assert not [it for it in web.events() if it["event"] == "Drained"]
    origins[0].go_on.set()
    assert waiting.result(60).text == "waited"
    assert web.wait_for("Drained")["backend"] == "s1"
    assert web.api("DELETE", "/services/web/backends/s1")[0] == 200
    assert list(states(web)) == ["s2", "s3"]


def test_a_server_that_was_added_is_tested_and_serves(proxy, origins):
    first, new, _ = ports(origins)
    web = proxy([first], health={"interval_s": 0.1, "timeout_s": 10, "fall": 1})
    status, said = web.api("POST", "/services/web/backends", {"name": "new", "ip": "127.0.0.1", "port": new})
    assert status == 201, said
    assert {requests.get(web.url).headers["X-Served-By"] for _ in range(4)} == {"s1", "s2"}
    wait_until(lambda: origins[1].probes, "a test of the new server")
    origins[1].health = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
    assert web.wait_for("Down")["backend"] == "new"


def test_a_server_that_was_removed_is_neither_tested_nor_connected_to(proxy, origins):
    web = proxy(ports(origins), health={"interval_s": 0.05, "timeout_s": 10})
    assert {requests.get(web.url).headers["X-Served-By"] for _ in range(3)} == {"s1", "s2", "s3"}
    assert web.api("DELETE", "/services/web/backends/s1")[0] == 200
    wait_until(lambda: not origins[0].open, "its connections to be closed")
    before = len(origins[0].probes)
    wait_until(lambda: len(origins[1].probes) > 20, "tests of the others")
    assert len(origins[0].probes) == before
    assert {requests.get(web.url).headers["X-Served-By"] for _ in range(6)} == {"s2", "s3"}


def test_a_busy_server_is_removed_only_when_it_is_told_to_be_now(web, origins):
    got, others = waiting_at(origins[0], web), [waiting_at(origins[n], web) for n in (1, 2)]
    posted = waiting_at(origins[0], web, post)
    status, said = web.api("DELETE", "/services/web/backends/s1")
    assert (status, said["error"]) == (409, "s1 still has 2 units")
    assert web.api("DELETE", "/services/web/backends/s1?now=true")[0] == 200
    assert posted.result(60).status_code == 504
    wait_until(lambda: origins[1].requests + origins[2].requests == 3, "the GET to be asked once more")
    wait_until(lambda: not origins[0].open or origins[0].go_on.set(), "its connections to be closed")
    for origin in origins[1:]:
        origin.go_on.set()
    assert {one.result(60).status_code for one in (got, *others)} == {200}
    assert got.result().headers["X-Served-By"] in ("s2", "s3")
    assert web.stop() == (0, "")
    assert not [it for it in web.events() if it["event"] == "Down"]


def test_a_server_that_left_one_pool_still_serves_the_other(proxy, origins):
    """Both reach it over the same connections, and the request that is under way for the other goes on."""
    shared, spare, _ = ports(origins)
    web = proxy([shared, spare], first=[service([shared], id=2, name="video", route={"path": "/wait"})])
    waiting = waiting_at(origins[0], web)
    with requests.Session() as session:
        session.get(web.url)
        assert web.api("DELETE", "/services/web/backends/s1?now=true")[0] == 200
        assert {session.get(web.url).headers["X-Served-By"] for _ in range(3)} == {"s2"}
        origins[0].go_on.set()
        assert waiting.result(60).headers["X-Served-By"] == "s1"
        assert {session.get(f"{web.url}/wait").headers["X-Served-By"] for _ in range(4)} == {"s1"}
        again = {"name": "again", "ip": "127.0.0.1", "port": shared}
        assert web.api("POST", "/services/web/backends", again)[0] == 201
        assert {session.get(web.url).headers["X-Served-By"] for _ in range(4)} == {"s1", "s2"}
    assert origins[0].connections == 2  # there were two requests at a time, never three


def test_what_was_changed_is_kept_for_the_next_proxy(proxy, origins):
    web = proxy(ports(origins))
    assert web.api("DELETE", "/services/web/backends/s2")[0] == 200
    assert web.api("PATCH", "/services/web/backends/s3", {"draining": True})[0] == 200
    kept = read_services(web.services_file)[0]
    assert [(backend.name, backend.draining) for backend in kept.backends] == [("s1", False), ("s3", True)]


def test_the_last_server_stays(proxy, origins):
    web = proxy(ports(origins)[:1])
    assert web.api("DELETE", "/services/web/backends/s1?now=true")[0] == 400
    assert requests.get(web.url).status_code == 200


# The socket.

def test_only_the_same_user_can_open_it(proxy, origins):
    """Another user is refused; and not by the folder, for beside it there is a socket that he can open."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as open_to_all:
        Path(folder).chmod(0o755)
        open_to_all.bind(f"{folder}/open")
        open_to_all.listen()
        Path(folder, "open").chmod(0o666)
        web = proxy(ports(origins), folder=folder)
        assert stat.S_IMODE(web.socket.stat().st_mode) == 0o600
        assert connect_as(NOBODY, f"{folder}/open") == "connected"
        assert connect_as(NOBODY, web.socket) == "PermissionError"
        assert connect_as(0, web.socket) == "connected"
        assert web.stop() == (0, "")


def connect_as(user, path):
    """What becomes of another user's try, in a process of his own."""
    code = ("import socket, sys\ntry:\n    socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
            "except OSError as error:\n    print(type(error).__name__)\nelse:\n    print('connected')")
    done = subprocess.run([sys.executable, "-c", code, path], user=user, group=user, extra_groups=[], cwd="/",
                          capture_output=True, text=True, timeout=60)
    return done.stdout.strip()


def test_it_is_gone_when_the_proxy_is(web):
    assert web.socket.is_socket()
    assert web.stop() == (0, "")
    assert not web.socket.exists()


def test_one_that_was_left_behind_makes_room(proxy, origins, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "proxy.sock"))
    assert proxy(ports(origins)).api("GET", "/services")[0] == 200


def test_operators_who_say_nothing_keep_no_client_waiting(web):
    """Each has a thread; when there are no more, the next one is hung up on."""
    silent = [socket.socket(socket.AF_UNIX) for _ in range(Limits().api_connections)]
    for one in silent:
        one.connect(str(web.socket))
    with pytest.raises(LabError, match="nobody answers"):
        web.api("GET", "/services")
    assert requests.get(web.url).status_code == 200
    for one in silent:
        one.close()
    wait_until(lambda: answers(web), "the threads to be free again")
    assert web.stop() == (0, "")


def answers(web):
    try:
        return web.api("GET", "/services")[0] == 200
    except LabError:
        return False


def run(tmp_path, api, *services):
    file = tmp_path / "services.json"
    file.write_text("[" + ", ".join(services) + "]")
    command = [sys.executable, "-m", "l7proxy", "--services", file, "--api", api, "--listen", "127.0.0.1:0"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


WEB = ('{"id": %d, "name": "web", "vip": "127.0.0.1", "port": 1, "layer": "l7",'
       ' "backends": [{"id": 1, "name": "s1", "ip": "127.0.0.1"}]%s}')


def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    done = run(tmp_path, notes, WEB % (1, ""))
    assert done.returncode == 2
    assert "is no socket" in done.stderr
    assert notes.read_text() == "mine"


@pytest.mark.parametrize("place", ["nowhere/proxy.sock", "x" * 200])
def test_a_path_that_can_not_be_is_exit_2(tmp_path, place):
    done = run(tmp_path, tmp_path / place, WEB % (1, ""))
    assert done.returncode == 2
    assert f"--api: can't listen at {tmp_path / place}" in done.stderr
    assert "Traceback" not in done.stderr


def test_services_that_operators_could_not_tell_apart_are_exit_2(tmp_path):
    done = run(tmp_path, tmp_path / "api", WEB % (1, ', "route": {"path": "/x"}'), WEB % (2, ""))
    assert done.returncode == 2
    assert "two services have one name" in done.stderr
