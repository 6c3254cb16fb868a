"""Outages: what is read off calls and events, and one of each kind for real."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from typing import Any

import pytest

from balancing import LAYERS
from experiments.clients import ClientHost
from experiments.failover import SEEN_BY
from experiments.faults import FAULTS
from experiments.lab import Lab
from experiments.netns import socket_in
from experiments.openloop import Call, Visit
from experiments.outages import (
    Outcome,
    Size,
    Times,
    first,
    lab_for,
    measure,
    moved_hosts,
    moved_units,
    outcome,
    victim_of,
)
from experiments.services import service
from topologies import addresses

VICTIM = victim_of(0)
TIMES = Times(VICTIM, began_s=100.0, fault_s=101.0, repair_s=104.0)


def calls_of(*servers: str, persists: bool = True) -> list[Call]:
    """One visit's calls, half a second apart, by who answered; "" for nobody."""
    visit = Visit(0.0, ClientHost("h1"), ("10.0.0.100", 80), ("/",) * len(servers), persists=persists)
    return [Call(visit, number, 0.5 * number, 0.0, 0.1, server, "" if server else "refused")
            for number, server in enumerate(servers)]


def event(kind: str, at_s: float, backend: str = VICTIM, unit: str = "u") -> dict[str, Any]:
    return {"t": at_s, "event": kind, "service": "l4", "backend": backend, "unit": unit}


@pytest.mark.parametrize(("servers", "count"), [
    (("srv1", "srv1", "srv1", "srv1", "srv1"), 0),
    (("srv1", "srv1", "srv1", "srv3", "srv3"), 1),
    (("srv1", "srv1", "", "srv1", "srv1"), 0),  # lost, but not moved
    (("srv1", "srv1", "", "srv3", "srv3"), 1),
    (("srv2", "srv2", "", "srv3", "srv3"), 0),  # it had every reason to
    (("srv1", "srv3", "srv3", "srv3", "srv3"), 0),  # before the fault
    (("", "", "", "srv3", "srv3"), 0),  # it had no server yet
])
def test_a_host_that_is_moved_needlessly(servers: tuple[str, ...], count: int) -> None:
    assert moved_hosts(calls_of(*servers), TIMES) == count
    assert moved_hosts(calls_of(*servers, persists=False), TIMES) == 0, "a newcomer has no server to lose"


def test_a_unit_that_is_taken_from_a_server_that_lives() -> None:
    events = [event("Assigned", 90.0, "srv1", "1"), event("Assigned", 91.0, "srv3", "1"),
              event("Assigned", 101.5, VICTIM, "2"), event("Assigned", 101.6, "srv1", "2"),
              event("Assigned", 102.0, "srv1", "3"), event("Released", 102.1, "srv1", "3"),
              event("Assigned", 102.0, "srv1", "4"), event("Assigned", 102.1, "srv3", "4")]
    assert moved_units(events, TIMES) == 1, "not the first, long before; not the second, the victim's"


def test_times_are_those_of_the_victim_and_within_their_span() -> None:
    events = [event("Down", 90.0), event("Down", 101.2, "srv1"), event("Down", 101.4), event("Down", 101.9),
              event("Assigned", 103.0), event("Assigned", 104.5, "srv3"), event("Assigned", 105.0)]
    assert first(events, "Down", VICTIM, 101.0, 104.0) == 101.4
    assert first(events, "Up", VICTIM, 101.0) is None
    found = outcome("l4", "killed", calls_of("srv1", "", ""), events, TIMES)
    assert (found.noticed_s, found.back_s) == (pytest.approx(0.4), pytest.approx(1.0))
    assert (found.requests, found.requests_lost) == (3, 2)


def test_what_is_noticed_only_once_it_is_put_right_was_not_noticed() -> None:
    found = outcome("l2", "frozen", calls_of("srv1"), [event("Down", 104.1)], TIMES)
    assert (found.noticed_s, found.back_s) == (None, None)


def alive(lab: Lab) -> tuple[bool, bool, bool]:
    """Whether the victim answers a ping, a handshake, a request."""
    address = str(addresses.server(int(VICTIM.removeprefix("srv"))))
    ping = lab.net["h1"].cmd(f"ping -c 1 -W 1 {address} >/dev/null; echo $?").strip() == "0"
    shakes = answers = False
    with contextlib.suppress(OSError), socket_in(lab.netns("h1")) as sock:
        sock.settimeout(1)
        sock.connect((address, 80))
        shakes = True
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answers = bool(sock.recv(100))
    return ping, shakes, answers


@pytest.mark.live
def test_each_fault_leaves_alive_what_its_table_says_and_is_put_right() -> None:
    leaves = {"killed": (True, False, False), "link-cut": (False, False, False), "frozen": (True, True, False)}
    assert set(leaves) == set(FAULTS) == set(SEEN_BY)
    with Lab("flat", [service("l4")], clients=1) as lab:
        for name, fault in FAULTS.items():
            assert alive(lab) == (True, True, True)
            fault.inflict(lab, VICTIM)
            assert alive(lab) == leaves[name], name
            fault.repair(lab, VICTIM)
            with contextlib.suppress(socket.timeout, subprocess.TimeoutExpired):
                lab.wait("the server to be back", lambda: all(alive(lab)))


def undisturbed() -> list[Outcome]:
    """A round in which no server but the victims was found dead: a busy machine answers tests too late at times."""
    for _ in range(4):
        with lab_for() as lab:
            found = list(measure(lab, Size(rounds=1), seed=1))
            dead = {event["backend"] for event in lab.events("Down")}
        if dead <= {victim_of(group) for group in range(len(FAULTS))}:
            return found
    raise AssertionError("this machine is too busy: servers that were well did not answer their tests in time")


@pytest.mark.live
def test_who_can_see_a_fault_notices_it_and_nobody_else_is_moved() -> None:
    found = undisturbed()
    assert {(one.layer, one.fault) for one in found} == {(layer, fault) for layer in LAYERS for fault in FAULTS}
    for one in found:
        assert (one.noticed_s is not None) == (one.layer in SEEN_BY[one.fault]), one
        assert one.units_moved == 0, one
        assert 0 < one.requests_lost < one.requests or one.layer == "l7", one
