"""Servers that die, drain and come back, at each of the switch's layers, on real traffic; under Ryu and os-ken."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest
import requests

from balancing import HealthCheck, Service
from controller.cookies import Kind
from experiments.clients import ClientHost, session
from experiments.datagrams import datagrams
from experiments.flowtable import rules
from experiments.lab import Lab
from experiments.netns import socket_in
from experiments.services import pair
from experiments.traffic import ask
from tests.controller.conns import connect, served_by
from tests.live import answered, get
from topologies import addresses

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("framework")]
SWITCH_LAYERS = ["l2", "l3", "l4"]
CHECK = HealthCheck(source=addresses.PROBE, payload="_probe", interval_s=0.25, timeout_s=0.25, rise=2, fall=2,
                    slow_start_s=0)
NEVER = dataclasses.replace(CHECK, interval_s=3600.0)


def checked(layer: str, check: HealthCheck = CHECK, **options: object) -> list[Service]:
    """HTTP and UDP echo, tested by `check`."""
    return [dataclasses.replace(one, health=check) for one in pair(layer, **options)]


@contextlib.contextmanager
def cut(lab: Lab, server: str) -> Iterator[None]:
    """The server's link is down within this block."""
    port = f"s1-eth{server.removeprefix('srv')}"
    subprocess.run(["ip", "link", "set", port, "down"], check=True)
    yield
    subprocess.run(["ip", "link", "set", port, "up"], check=True)


def wait_for(lab: Lab, kind: str, server: str, *services: str) -> None:
    """Until each of the services has said this of the server."""
    lab.wait(f"{kind} of {server}", lambda: {event["service"] for event in lab.events(kind)
                                             if event["backend"] == server} >= set(services))


@contextlib.contextmanager
def sessions(lab: Lab) -> Iterator[list[tuple[requests.Session, ClientHost]]]:
    """A session for each client."""
    with contextlib.ExitStack() as stack:
        yield [(stack.enter_context(session(client)), client) for client in lab.clients()]


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_a_dead_servers_units_are_let_go_and_nobody_elses(layer: str) -> None:
    with Lab("flat", checked(layer), clients=6) as lab, sessions(lab) as open_ones:
        names = [one.name for one in lab.services]
        before = answered(ask(own, client, "http://vip/") for own, client in open_ones)
        assert {answer.server for answer in before} == {"srv1", "srv2", "srv3"}
        with cut(lab, "srv2"):
            wait_for(lab, "Down", "srv2", *names)
            released = {event["unit"] for event in lab.events("Released", lab.services[0].name)}
            pinned = {event["unit"] for event in lab.events("Assigned", lab.services[0].name)
                      if event["backend"] == "srv2"}
            assert released == pinned, "what was pinned to it, and only that"
            assert not [rule for rule in rules() if rule.cookie and rule.cookie.kind is Kind.UNIT
                        and rule.cookie.backend == 2]
            alive = [(answer, *pair) for answer, pair in zip(before, open_ones, strict=True)
                     if answer.server != "srv2"]
            for answer, own, client in alive:
                (again,) = answered([ask(own, client, "http://vip/")])
                assert (again.server, again.connection) == (answer.server, answer.connection)
            anew = [answer.server for client in lab.clients() for answer in get(lab, client.name, "http://vip/")]
            assert set(anew) <= {"srv1", "srv3"}, "a dead server gets no new unit"
        wait_for(lab, "Up", "srv2", *names)
        assigned = len(lab.events("Assigned"))
        for client in lab.clients():
            datagrams(client, "vip", 7, ["hello"])
            get(lab, client.name, "http://vip/", times=2)
        if layer == "l4":  # elsewhere the clients are units already, and stay where they are
            assert "srv2" in {event["backend"] for event in lab.events("Assigned")[assigned:]}


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_with_all_servers_down_a_client_hears_so_at_once(layer: str) -> None:
    with Lab("flat", checked(layer), clients=2) as lab, contextlib.ExitStack() as stack:
        for name in lab.topo.server_names():
            stack.enter_context(cut(lab, name))
        for name in lab.topo.server_names():
            wait_for(lab, "Down", name, *(one.name for one in lab.services))
        vip = str(lab.services[0].vip)
        with socket_in(lab.netns("h1")) as sock:
            sock.settimeout(10)
            assert sock.connect_ex((vip, 80)) == (errno.ECONNREFUSED if layer == "l4" else errno.EHOSTUNREACH)
        with socket_in(lab.netns("h2"), kind=socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.connect((vip, 7))
            sock.send(b"anybody?")
            with pytest.raises(ConnectionRefusedError):
                sock.recv(100)


def test_a_refused_connection_counts_as_a_failed_test() -> None:
    """Passive health: no probe is sent for an hour."""
    with Lab("flat", checked("l4", NEVER), clients=1) as lab:
        web, host = lab.services[0].name, lab.clients()[0]
        dead = lab.processes.pop("srv2")
        dead.kill()
        dead.wait(10)
        with contextlib.suppress(StopIteration), session(host) as own:
            failed = sum(bool(ask(own, host, "http://vip/", "fresh").error) for _ in range(9))
        assert failed == CHECK.fall, "round robin came by twice, and then no more"
        (down,) = lab.events("Down", web)
        assert (down["backend"], down["why"]) == ("srv2", "refused a client's connection")
        assert len(lab.events("Released", web)) >= failed, "a refused unit is none"


def active(lab: Lab) -> int:
    """Units that the controller counts at the first service."""
    return sum(server["active"] for server in lab.api("GET", f"/services/{lab.services[0].name}")["servers"])


@pytest.mark.parametrize("algorithm", ["least-connections", "round-robin"])
def test_active_units_are_open_connections(algorithm: str, sockets: list[socket.socket]) -> None:
    """At once where the algorithm reads them; a flow's expiry later (some two seconds) where it doesn't."""
    with Lab("flat", checked("l4", algorithm=algorithm), clients=4) as lab:
        found = connect(lab, sockets, 200)
        assert {served_by(sock) for sock in found} == {"srv1", "srv2", "srv3"}
        assert active(lab) == 200
        for left in (140, 139, 0):
            for sock in found[left:]:
                sock.close()
            del found[left:]
            lab.wait(f"{left} active units", lambda left=left: active(lab) == left)  # type: ignore[misc]
        assert len(lab.events("Released", lab.services[0].name)) == 200, "each once"


def test_changes_break_no_connection(sockets: list[socket.socket]) -> None:
    with Lab("flat", checked("l4"), clients=4) as lab:
        web = f"/services/{lab.services[0].name}"
        found = connect(lab, sockets, 200)
        before = [served_by(sock) for sock in found]
        for change in ({"algorithm": "least-connections"}, {"algorithm": "maglev"}, {"algorithm": "round-robin"}):
            lab.api("PATCH", web, change)
            assert [served_by(sock) for sock in found[:40]] == before[:40]
        for weight in (5, 0, 1):
            lab.api("PATCH", f"{web}/backends/srv1", {"weight": weight})
        assert [served_by(sock) for sock in found] == before


def test_draining_gives_no_new_units_and_says_when_the_last_is_gone(sockets: list[socket.socket]) -> None:
    with Lab("flat", checked("l4"), clients=4) as lab:
        web = lab.services[0].name
        found = connect(lab, sockets, 30)
        on_it = [sock for sock in found if served_by(sock) == "srv1"]
        lab.api("PATCH", f"/services/{web}/backends/srv1", {"draining": True})
        assert {served_by(sock) for sock in connect(lab, sockets, 12)} == {"srv2", "srv3"}
        assert {served_by(sock) for sock in on_it} == {"srv1"}
        assert lab.events("Drained", web) == []
        refused = lab.api("DELETE", f"/services/{web}/backends/srv1", status=409)
        assert "still has 10 units" in refused["error"]
        for sock in on_it:
            sock.close()
        wait_for(lab, "Drained", "srv1", web)
        assert len(lab.events("Drained", web)) == 1
        lab.api("DELETE", f"/services/{web}/backends/srv1")
        assert not [rule for rule in rules() if rule.cookie and rule.cookie.backend == 1
                    and rule.cookie.service == lab.services[0].id], "nothing of it is left in the switch"
        lab.api("POST", f"/services/{web}/backends",
                {"name": "again", "ip": "10.0.10.1", "mac": "02:00:0a:00:02:01", "port": 8001})
        assert "srv1" in {served_by(sock) for sock in connect(lab, sockets, 6)}


def test_a_controller_that_is_started_again_under_load_goes_on(sockets: list[socket.socket]) -> None:
    """Who was drained still is; open connections stay where they are; nothing is left that it doesn't know of."""
    with Lab("flat", checked("l4", algorithm="least-connections"), clients=4) as lab:
        web = lab.services[0].name
        found = connect(lab, sockets, 100)
        before = [served_by(sock) for sock in found]
        lab.api("PATCH", f"/services/{web}/backends/srv3", {"draining": True})
        dead = lab.processes.pop("controller")
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait(10)
        assert [served_by(sock) for sock in found] == before
        for sock in found[90:]:
            sock.close()  # while nobody looks
        lab.start_controller()
        lab.connect_controller()
        lab.wait("the second controller's rules", lambda: len(lab.events("Ready", web)) == 2)
        assert [served_by(sock) for sock in found[:90]] == before[:90]
        assert {served_by(sock) for sock in connect(lab, sockets, 10)} == {"srv1", "srv2"}
        lab.wait("what was closed to be forgotten", lambda: active(lab) == 100)
        units = [rule for rule in rules() if rule.cookie and rule.cookie.kind is Kind.UNIT]
        assert len(units) >= 100
        assert all(rule.cookie for rule in rules())
