"""Another configuration while it runs: as a difference, as a merge, and under load, where nobody's request is lost."""

from __future__ import annotations

import dataclasses
import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from balancing import Backend, Service
from l7proxy.config_file import read_text
from l7proxy.reload import difference, merged
from tests.l7proxy.conftest import ROOT, Running, closed_port
from tests.outside import wait_until

FILE = """
[[listener]]
name = "web"
address = "127.0.0.1:8080"
[[pool]]
name = "shop"
backends = ["127.0.0.1:8001", "127.0.0.1:8002"]
[[pool]]
name = "img"
backends = ["127.0.0.1:8003"]
[[route]]
path = "/img"
pool = "img"
[[route]]
pool = "shop"
"""


def config(*changes):
    text = FILE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return read_text(text, "proxy.toml", Path())


@pytest.mark.parametrize(("change", "said"), [
    ([], "nothing"),
    ([('path = "/img"', 'path = "/pic"')], "rules"),
    ([('name = "web"', 'name = "www"')], "listeners"),
    ([("8080", "8081")], "listeners opened: web; listeners closed: web; pools changed: shop, img; listeners"),
    ([("8003", "8004")], "pools changed: img"),
    ([('"img"', '"pics"')], "pools added: pics; pools removed: img; rules"),
    ([("[[route]]\npath", "[limits]\nhead_s = 1\n[cache]\n[[route]]\npath")], "cache; limits"),
])
def test_what_another_file_changes(change, said):
    assert str(difference(config(), config(*change))) == said


def backend(number, name=None, port=None, **more):
    return Backend(number, name or f"s{number}", "127.0.0.1", port=port or 8000 + number, **more)


def service(*backends, **more):
    return Service(1, "web", "127.0.0.1", "l7", backends, port=80, **more)


def said(it):
    return [(one.id, one.name, one.port, one.weight, one.draining) for one in it.backends]


S1, S2, S3 = backend(1), backend(2), backend(3)


@pytest.mark.parametrize(("live", "old", "new", "becomes"), [
    # nothing changed in the file: what the operator did stays
    ([S1, backend(2, draining=True)], [S1, S2], [S1, S2], [S1, backend(2, draining=True)]),
    ([S1, backend(2, weight=5)], [S1, S2], [S1, S2], [S1, backend(2, weight=5)]),
    ([S1, S2, backend(7, weight=2)], [S1, S2], [S1, S2], [S1, S2, backend(7, weight=2)]),
    ([S1], [S1, S2], [S1, S2], [S1]),
    # the file changed: it counts
    ([S1, backend(2, weight=5)], [S1, S2], [S1, backend(2, weight=3)], [S1, backend(2, weight=3)]),
    ([S1, backend(2, draining=True)], [S1, backend(2, draining=True)], [S1, S2], [S1, S2]),
    ([S1, S2], [S1, S2], [S1], [S1]),
    ([S1, S2], [S1, S2], [S1, S2, S3], [S1, S2, S3]),
    # what stays keeps its id wherever it stands, and what is new gets one that nobody had
    ([S1, S2], [S1, S2], [backend(1, "s2", 8002), backend(2, "s1", 8001)], [S2, S1]),
    ([S1, S2], [S1, S2], [backend(1, "new", 8009), backend(2, "s2", 8002)], [backend(3, "new", 8009), S2]),
    ([S1], [S1], [backend(1, port=8009)], [backend(2, "s1", 8009)]),
    # an operator's server that the file now knows, or whose name it gives to another
    ([S1, backend(2, weight=5)], [S1], [S1, S2], [S1, S2]),
    ([S1, backend(2, weight=5)], [S1], [S1, backend(2, port=8009)], [S1, backend(3, "s2", 8009)]),
    # nobody would be left: then all that the file says
    ([S2], [S1, S2], [S1], [backend(3, "s1", 8001)]),
])
def test_a_pool_becomes_what_the_file_changed_and_the_operator_left(live, old, new, becomes):
    assert said(merged(service(*live), service(*old), service(*new))) == said(service(*becomes))


def test_an_algorithm_is_the_operators_until_the_file_changes_it():
    live, old = service(S1, algorithm="random"), service(S1)
    assert merged(live, old, old).algorithm == "random"
    assert merged(live, old, service(S1, algorithm="maglev")).algorithm == "maglev"


BACKENDS = st.lists(st.builds(lambda number, weight, draining: (number, weight, draining),
                              st.integers(1, 5), st.integers(0, 3), st.booleans()),
                    min_size=1, max_size=5, unique_by=lambda one: one[0]).map(
    lambda rows: service(*(dataclasses.replace(backend(number, weight=weight, draining=draining), id=place)
                           for place, (number, weight, draining) in enumerate(rows, 1))))


@given(BACKENDS, BACKENDS, BACKENDS)
def test_any_merge_is_a_service_in_which_the_file_is_obeyed(live, old, new):
    became = merged(live, old, new)
    ids = {one.name: one.id for one in live.backends}
    assert all(one.id == ids.get(one.name, one.id) for one in became.backends)
    wanted, gone = {one.name for one in new.backends}, {one.name for one in old.backends}
    assert {one.name for one in became.backends} & (gone - wanted) == set()
    assert merged(became, new, new) == became


@given(BACKENDS, BACKENDS)
def test_without_an_operator_a_pool_becomes_what_the_file_says(old, new):
    became = merged(old, old, new)
    assert {row[1:] for row in said(became)} == {row[1:] for row in said(new)}


# As a process.

class Configured(Running):
    """A proxy that was started with a file of ours."""

    def __init__(self, process, port, file):
        super().__init__(process, port, file, file.parent / "events.ndjson", file.parent / "proxy.sock")
        self.file = file

    def said(self, words, wait_s=20):
        """Read what it says until `words` are in it."""
        lines = ""
        deadline = time.monotonic() + wait_s
        while words not in lines:
            assert select.select([self.process.stderr], [], [], max(0, deadline - time.monotonic()))[0], lines
            piece = os.read(self.process.stderr.fileno(), 65_536)
            assert piece, f"it has ended: {lines}"
            lines += piece.decode()
        return lines

    def reload(self, text):
        """Let it read `text` in the place of its file; return what it says of that."""
        self.file.write_text(text)
        self.process.send_signal(signal.SIGHUP)
        return self.said("read anew")


@pytest.fixture
def configured(tmp_path):
    started = []

    def start(text):
        file = tmp_path / "proxy.toml"
        file.write_text(text)
        process = subprocess.Popen([sys.executable, "-m", "l7proxy", "reverse", "--config", file], cwd=ROOT,
                                   env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE)
        it = Configured(process, 0, file)
        started.append(it)
        it.port = int(it.said("listening on").splitlines()[0].rsplit(":", 1)[1])
        it.url = f"http://127.0.0.1:{it.port}"
        return it

    yield start
    for it in started:
        if it.process.poll() is None:
            it.stop()


def web(*origins, more="", listeners=("127.0.0.1:0",), pool=""):
    """A file with one pool of these origins. more: what follows it. pool: more keys of it."""
    servers = ", ".join(f'{{ name = "{it.name}", address = "127.0.0.1:{it.server_address[1]}" }}' for it in origins)
    doors = "".join(f'[[listener]]\naddress = "{address}"\n' for address in listeners)
    return f'{doors}[log]\nevents = "events.ndjson"\naccess = "access.log"\n[api]\nsocket = "proxy.sock"\n' \
           f'[[pool]]\nname = "web"\nbackends = [{servers}]\n{pool}\n{more}'


def connected(port):
    """A connection to the proxy, closed after this block."""
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20))


def get(connection, path="/"):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


ASIDE = """
[[route]]
path = "/aside"
answer = { status = 418, body = "aside" }
[[route]]
pool = "web"
"""


def test_under_load_no_request_is_lost(configured, origins):
    """Four clients, one connection each, while servers, routes and a listener come and go."""
    one, two, three = origins
    it = configured(web(one, two))
    answers, errors, stop = [], [], threading.Event()

    def ask():
        sock = None
        try:
            with connected(it.port) as connection:
                while not stop.is_set():
                    answers.append(get(connection))
                    assert sock in (None, connection.sock)
                    sock = connection.sock
        except Exception as error:  # told in the test's own thread
            errors.append(error)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    texts = [web(two, three), web(one, more=ASIDE), web(one, two, three, pool='algorithm = "maglev"'),
             web(three, more=ASIDE), web(one, two, listeners=["127.0.0.1:0", "127.0.0.2:0"])]
    for text in texts * 3:
        so_far = len(answers)
        assert "not read anew" not in it.reload(text)
        while len(answers) < so_far + 20 and not errors:
            time.sleep(0.001)
    stop.set()
    for client in clients:
        client.join(20)
    assert not errors
    assert {status for status, _ in answers} == {200}
    assert {body for _, body in answers} == {"s1", "s2", "s3"}
    assert it.stop()[0] == 0
    events = it.events()
    assert sum(event["event"] == "Assigned" for event in events) == sum(
        event["event"] == "Released" for event in events) == len(answers)


def test_the_next_request_of_an_open_connection_finds_the_new_table(configured, origins):
    it = configured(web(origins[0]))
    with connected(it.port) as connection:
        assert get(connection, "/aside") == (200, "s1")
        sock = connection.sock
        it.reload(web(origins[1], more=ASIDE))
        assert get(connection, "/aside") == (418, "aside")
        assert get(connection) == (200, "s2")
        assert connection.sock is sock


def test_what_is_under_way_ends_where_it_began_and_then_its_server_is_left(configured, origins):
    one, two, _ = origins
    it = configured(web(one))
    slow = []
    client = threading.Thread(target=lambda: slow.append(requests.get(f"{it.url}/wait", timeout=20).text))
    client.start()
    assert one.entered.wait(20)
    it.reload(web(two))
    assert requests.get(it.url, timeout=20).text == "s2"
    assert not slow
    one.go_on.set()
    client.join(20)
    assert slow == ["waited"]
    deadline = time.monotonic() + 20
    while one.open and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not one.open


def test_a_file_with_a_fault_changes_nothing(configured, origins):
    it = configured(web(origins[0]))
    said_of_it = it.reload(web(origins[1], more="[[rute]]\n"))
    assert "there is no key of the file 'rute'" in said_of_it
    assert "proxy.toml:" in said_of_it
    assert "not read anew: all goes on as before" in said_of_it
    assert requests.get(it.url, timeout=20).text == "s1"
    it.reload(web(origins[1]))
    assert requests.get(it.url, timeout=20).text == "s2"


def test_an_address_that_is_taken_changes_nothing(configured, origins):
    it = configured(web(origins[0]))
    with closed_port() as holder:
        holder.listen()
        taken = f"127.0.0.1:{holder.getsockname()[1]}"
        said_of_it = it.reload(web(origins[1], listeners=["127.0.0.1:0", "127.0.0.2:0", taken]))
    assert f"{taken} is in use" in said_of_it
    assert requests.get(it.url, timeout=20).text == "s1"


def test_a_listener_comes_and_goes(configured, origins):
    with closed_port() as holder:
        port = holder.getsockname()[1]
    place = f"127.0.0.1:{port}"
    it = configured(web(origins[0]))
    assert f"{place}: listening on {place}" in it.reload(web(origins[0], listeners=["127.0.0.1:0", place]))
    with connected(port) as connection:
        assert get(connection) == (200, "s1")
        it.reload(web(origins[0]))
        assert connection.sock.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 20)
    assert requests.get(it.url, timeout=20).text == "s1"


def test_an_operators_drain_outlives_a_reload_and_a_pool_its_name_does_not(configured, origins):
    it = configured(web(*origins[:2]))
    assert it.api("PATCH", "/services/web/backends/s1", {"draining": True})[0] == 200
    it.reload(web(*origins, more=ASIDE))
    state = {server["name"]: server["state"] for server in it.api("GET", "/services/web")[1]["servers"]}
    assert state == {"s1": "draining", "s2": "up", "s3": "up"}
    it.reload(web(*origins).replace('"web"', '"shop"'))
    assert it.api("GET", "/services/web")[0] == 404
    state = {server["name"]: server["state"] for server in it.api("GET", "/services/shop")[1]["servers"]}
    assert state == {"s1": "up", "s2": "up", "s3": "up"}


def test_health_checks_begin_and_end_with_the_file(configured, origins):
    it = configured(web(*origins))
    assert not origins[0].probes
    it.reload(web(*origins, pool='health = { path = "/one", interval_s = 0.05 }'))
    wait_until(lambda: all(origin.probes for origin in origins), "a test of each server")
    it.reload(web(*origins, pool='health = { path = "/two", interval_s = 0.05 }'))
    # Some of the old ones may still be on their way; were they made any longer, ten in a row would not be of the new.
    wait_until(lambda: all([probe[0] for probe in origin.probes[-10:]] == ["GET /two HTTP/1.1"] * 10
                           for origin in origins), "the new tests alone")
    assert "pools changed: web" in it.reload(web(*origins))
    wait_until(lambda: quiet(origins), "the end of the tests")


def quiet(origins):
    """Whether nobody is tested for six times the interval."""
    before = [len(origin.probes) for origin in origins]
    time.sleep(0.3)
    return [len(origin.probes) for origin in origins] == before


def test_other_limits_hold_for_the_next_connection(configured, origins):
    it = configured(web(origins[0]))
    it.reload(web(origins[0], more="[limits]\nheader_count = 5\n"))
    assert requests.get(it.url, headers={f"X-{n}": "y" for n in range(9)}, timeout=20).status_code == 431


def test_logs_that_were_moved_away_are_begun_anew(configured, origins):
    it = configured(web(origins[0]))
    folder = it.file.parent
    requests.get(it.url, timeout=20)
    for name in ("events.ndjson", "access.log"):
        (folder / name).rename(folder / f"{name}.1")
    it.reload(web(origins[0]))
    requests.get(f"{it.url}/after", timeout=20)
    assert it.stop()[0] == 0
    assert "/after" in (folder / "access.log").read_text()
    assert "GET / " in (folder / "access.log.1").read_text()
    assert [event["event"] for event in it.events()] == ["Assigned", "Released"]
