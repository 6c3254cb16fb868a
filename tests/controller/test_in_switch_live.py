"""What the switch decides by itself, on real traffic: no packet goes to the controller, nobody is moved needlessly."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import socket
import subprocess
from collections import Counter

import pytest

from balancing import ALGORITHMS, LAYERS, HealthCheck, Service
from balancing.service import why_not
from controller.cookies import Kind
from controller.pipelines import SLOTS
from experiments.clients import session
from experiments.datagrams import datagrams
from experiments.flowtable import rules
from experiments.lab import Lab
from experiments.services import pair
from experiments.traffic import ask
from tests.controller.conns import connect, who
from tests.live import answered, get
from topologies import addresses

pytestmark = pytest.mark.live
both_frameworks = pytest.mark.usefixtures("framework")  # where messages of every kind are sent
SWITCH_LAYERS = ["l2", "l3", "l4"]
IN_SWITCH = ["hashed", "tracked"]
CHECK = HealthCheck(source=addresses.PROBE, payload="_probe", interval_s=0.25, timeout_s=0.25, rise=2, fall=2,
                    slow_start_s=0)


def services(layer: str, realisation: str, **options: object) -> list[Service]:
    return [dataclasses.replace(one, health=CHECK) for one in pair(layer, realisation=realisation, **options)]


def units(lab: Lab) -> Counter[int]:
    """Flows of units that the switch holds, by backend."""
    return Counter(rule.cookie.backend for rule in rules() if rule.cookie and rule.cookie.kind is Kind.UNIT)


@both_frameworks
@pytest.mark.parametrize("realisation", IN_SWITCH)
@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_nobody_asks_the_controller(layer: str, realisation: str) -> None:
    with Lab("flat", services(layer, realisation, algorithm="random"), clients=8) as lab:
        served, echoed = Counter[str](), Counter[str]()
        for client in lab.clients():
            answers = [answer for _ in range(6) for answer in get(lab, client.name, "http://vip/", times=2)]
            echoes = answered(datagrams(client, "vip", 7, ["a", "b", "c"]))
            assert {echo.peer for echo in echoes} == {f"{lab.services[0].vip}:7"}
            if layer != "l4":  # a client is one unit
                assert len({answer.server for answer in answers} | {echo.server for echo in echoes}) == 1
            served.update(answer.server for answer in answers)
            echoed.update(echo.server for echo in echoes)
        assert len(served) >= 2
        assert len(echoed) >= 2
        assert lab.events("PacketIn") == []
        learned = realisation == "tracked" and layer != "l4"
        assert sum(units(lab).values()) == (8 if learned else 0), "what the switch has to remember"
        assert lab.net.pingAll("2") == 0


@pytest.mark.parametrize("realisation", IN_SWITCH)
def test_slots_follow_the_algorithms_law(realisation: str) -> None:
    weighted = services("l3", realisation, algorithm="weighted-round-robin", weights=(1, 2, 5))
    with Lab("flat", weighted, clients=1) as lab:
        owners = Counter(rule.cookie.backend for rule in rules() if rule.cookie and rule.cookie.kind is Kind.SLOT)
        assert sum(owners.values()) == SLOTS
        for backend, weight in ((1, 1), (2, 2), (3, 5)):
            assert abs(owners[backend] - SLOTS * weight / 8) <= 2
        lab.api("PATCH", "/services/l3/backends/srv3", {"draining": True})
        lab.wait("the slots", lambda: 3 not in {rule.cookie.backend for rule in rules()
                                                if rule.cookie and rule.cookie.kind is Kind.SLOT})


@pytest.mark.parametrize("realisation", IN_SWITCH)
def test_connections_are_spread_by_the_weights(realisation: str, sockets: list[socket.socket]) -> None:
    """1:2:3 over 6,000 connections, within 3 % of all. By chance alone (a multinomial) no share is off by that in a
    hundred thousand runs, and the slots' own rounding is 0.2 %."""
    with Lab("flat", services("l4", realisation, algorithm="random", weights=(1, 2, 3)), clients=6) as lab:
        number, found = 6000, Counter[str]()
        for _ in range(number // 200):
            new = connect(lab, sockets, 200)
            found.update(who(new))
            for sock in new:
                sock.close()
        assert found.total() == number
        for name, share in (("srv1", 1 / 6), ("srv2", 1 / 3), ("srv3", 1 / 2)):
            assert abs(found[name] / number - share) < 0.03, found
        assert lab.events("PacketIn") == []


CHANGES: dict[str, tuple[tuple[str, str, object], ...]] = {
    "drained": (("PATCH", "/backends/srv1", {"draining": True}),),
    "re-weighted": (("PATCH", "/backends/srv1", {"weight": 7}), ("PATCH", "/backends/srv2", {"weight": 0})),
    "another algorithm": (("PATCH", "", {"algorithm": "source-hash"}), ("PATCH", "", {"algorithm": "maglev"})),
    "one added": (("POST", "/backends",
                   {"name": "srv4", "ip": "10.0.10.4", "mac": "02:00:0a:00:02:04", "port": 8001}),),
}


@pytest.mark.parametrize("change", CHANGES)
def test_tracked_connections_stay_whatever_happens_to_the_pool(change: str, sockets: list[socket.socket]) -> None:
    with Lab("flat", services("l4", "tracked", algorithm="random"), clients=4) as lab:
        web = f"/services/{lab.services[0].name}"
        found = connect(lab, sockets, 60)
        before = who(found)
        assert set(before) == {"srv1", "srv2", "srv3"}
        for method, path, form in CHANGES[change]:
            lab.api(method, web + path, form)
            assert who(found) == before
        if change == "drained":
            lab.wait("new ones to go elsewhere", lambda: "srv1" not in who(connect(lab, sockets, 30)))


def test_a_tracked_server_that_is_removed_takes_its_own_connections_along_and_no_others(
        sockets: list[socket.socket]) -> None:
    with Lab("flat", services("l4", "tracked", algorithm="random"), clients=4) as lab:
        found = connect(lab, sockets, 60)
        before = who(found)
        own = [sock for sock, name in zip(found, before, strict=True) if name == "srv1"]
        lab.api("DELETE", f"/services/{lab.services[0].name}/backends/srv1?now=true")
        lab.wait("its connections to end", lambda: set(who(own)) == {""})  # the switch does it after the API's answer
        assert who(found) == ["" if name == "srv1" else name for name in before]
        assert set(who(connect(lab, sockets, 30))) == {"srv2", "srv3"}


@pytest.mark.parametrize("layer", ["l2", "l3"])
def test_tracked_clients_stay_whatever_happens_to_the_pool(layer: str) -> None:
    with Lab("flat", services(layer, "tracked", algorithm="random"), clients=12) as lab:
        before = [get(lab, client.name, "http://vip/")[0].server for client in lab.clients()]
        used = sorted(set(before))
        assert len(used) > 1
        lab.api("PATCH", f"/services/{layer}/backends/{used[0]}", {"draining": True})
        lab.api("PATCH", f"/services/{layer}/backends/{used[1]}", {"weight": 9})
        assert [get(lab, client.name, "http://vip/")[0].server for client in lab.clients()] == before


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_the_switch_counts_units_and_the_pool_says_when_the_last_is_gone(
        layer: str, sockets: list[socket.socket]) -> None:
    brief = [dataclasses.replace(one, idle_timeout_s=60 if layer == "l4" else 3)
             for one in services(layer, "tracked", algorithm="random")]
    with Lab("flat", brief, clients=12) as lab:
        web = f"/services/{lab.services[0].name}"
        found = connect(lab, sockets, 12)
        held = Counter(who(found))
        lab.wait("the count", lambda: {server["name"]: server["active"] for server in lab.api("GET", web)["servers"]}
                 == {name: held[name] for name in lab.topo.server_names()})
        used = held.most_common(1)[0][0]
        lab.api("PATCH", f"{web}/backends/{used}", {"draining": True})
        assert lab.events("Drained") == []
        for sock in found:
            sock.close()
        lab.wait("the last to be gone", lambda: [event["backend"] for event in lab.events("Drained")] == [used])


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_slots_that_follow_the_load_move_nobody(layer: str, sockets: list[socket.socket]) -> None:
    with Lab("flat", services(layer, "tracked", algorithm="least-connections", weights=(1, 1, 4)), clients=12) as lab:
        found = connect(lab, sockets, 48)
        before = who(found)
        slots = layer != "l4" and Counter(rule.cookie.backend for rule in rules()
                                          if rule.cookie and rule.cookie.kind is Kind.SLOT)
        lab.api("PATCH", f"/services/{lab.services[0].name}/backends/srv3", {"weight": 1})  # it has too much now
        lab.wait("the loop to act", lambda: not slots or slots != Counter(
            rule.cookie.backend for rule in rules() if rule.cookie and rule.cookie.kind is Kind.SLOT))
        assert who(found) == before
        assert lab.events("PacketIn") == []


@both_frameworks
@pytest.mark.parametrize("realisation", IN_SWITCH)
def test_a_dead_servers_connections_end_and_no_others(realisation: str, sockets: list[socket.socket]) -> None:
    """Hashed: of the others' connections only those in slots that Maglev's table moves, 1 % at the most beyond that."""
    with Lab("flat", services("l4", realisation, algorithm="random"), clients=4) as lab:
        found = connect(lab, sockets, 120)
        before = who(found)
        subprocess.run(["ip", "link", "set", "s1-eth2", "down"], check=True)
        lab.wait("srv2 to be down", lambda: len(lab.events("Down")) == len(lab.services))
        after = who(found)
        dead = [now for now, then in zip(after, before, strict=True) if then == "srv2"]
        assert set(dead) == {""}, "reset by the server that has their slot now, at once"
        moved = [then for now, then in zip(after, before, strict=True) if then not in ("srv2", now)]
        assert len(moved) <= (0 if realisation == "tracked" else moved_by_maglev(120)), moved
        assert set(who(connect(lab, sockets, 30))) == {"srv1", "srv3"}


def moved_by_maglev(connections: int) -> float:
    """How many of the others' connections the table itself moves when srv2 leaves: its part of the slots, 5 sigma."""
    from balancing.maglev import table

    before, after = table({"srv1": 1, "srv2": 1, "srv3": 1}, SLOTS), table({"srv1": 1, "srv3": 1}, SLOTS)
    part = sum(one not in ("srv2", other) for one, other in zip(before, after, strict=True)) / SLOTS
    return connections * part + 5 * (connections * part * (1 - part)) ** 0.5


@pytest.mark.parametrize("realisation", IN_SWITCH)
@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_with_nobody_left_a_client_hears_so_at_once_and_is_served_again_later(layer: str, realisation: str) -> None:
    with Lab("flat", services(layer, realisation, algorithm="random"), clients=2) as lab:
        web = lab.services[0].name
        for name in lab.topo.server_names():
            lab.api("PATCH", f"/services/{web}/backends/{name}", {"draining": True})
        host = lab.clients()[0]
        with session(host) as own:
            lab.wait("a refusal", lambda: ask(own, host, "http://vip/", "fresh").error in (
                "Connection refused", "No route to host"))
            lab.api("PATCH", f"/services/{web}/backends/srv3", {"draining": False})
            lab.wait("an answer", lambda: ask(own, host, "http://vip/", "fresh").server == "srv3")
        assert get(lab, "h2", "http://vip/")[0].server == "srv3"


@both_frameworks
@pytest.mark.parametrize("realisation", IN_SWITCH)
def test_the_controller_may_die_and_return(realisation: str, sockets: list[socket.socket]) -> None:
    with Lab("flat", services("l4", realisation, algorithm="random"), clients=4) as lab:
        found = connect(lab, sockets, 40)
        before = who(found)
        held = [rule.text.split("actions=")[1] for rule in rules()]
        dead = lab.processes.pop("controller")
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait(10)
        assert set(who(connect(lab, sockets, 30))) == {"srv1", "srv2", "srv3"}, "new ones don't need it"
        lab.start_controller()
        lab.connect_controller()
        lab.wait("the second controller's rules", lambda: len(lab.events("Ready")) == 2 * len(lab.services))
        assert who(found) == before
        assert sorted(rule.text.split("actions=")[1] for rule in rules()) == sorted(held)


def test_many_groups_are_told_in_several_messages_and_all_of_them_are_read() -> None:
    """Of six services the groups are some 80 KiB, and a message has 64 at the most."""
    found = [dataclasses.replace(pair("l4", number, realisation="tracked", algorithm="random")[0],
                                 name=f"web{number}", health=None) for number in range(6)]
    with Lab("flat", found, clients=1) as lab:
        restart(lab, list(lab.services[:5]))
        for one in lab.services:
            get(lab, "h1", f"http://{one.vip}/")
        groups = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-groups", "s1"], check=True,
                                capture_output=True, text=True).stdout.count("group_id")
        assert groups == 5, "the sixth is nobody's any more"


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_what_an_earlier_realisation_left_is_cleared(layer: str) -> None:
    """Tracked, then reactive, then hashed: no rule and no group is left that nobody knows of."""
    with Lab("flat", services(layer, "tracked", algorithm="random"), clients=4) as lab:
        kinds: dict[str, set[Kind]] = {}
        for realisation in ("tracked", "reactive", "hashed"):
            get(lab, "h1", "http://vip/")
            kinds[realisation] = {rule.cookie.kind for rule in rules() if rule.cookie}
            groups = subprocess.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-groups", "s1"], check=True,
                                    capture_output=True, text=True).stdout.count("group_id")
            assert groups == (layer == "l4" and realisation != "reactive")
            following = {"tracked": "reactive", "reactive": "hashed", "hashed": "hashed"}[realisation]
            changed = [dataclasses.replace(one, realisation=following) for one in lab.services]
            restart(lab, changed)
        assert Kind.SLOT not in kinds["reactive"]
        assert Kind.ACT not in kinds["reactive"]
        assert Kind.UNIT not in kinds["hashed"]
        assert Kind.UNKNOWN not in kinds["hashed"]


def restart(lab: Lab, changed: list[Service]) -> None:
    """A controller that is started with other services, on the same switch."""
    dead = lab.processes.pop("controller")
    dead.kill()
    dead.wait(10)
    ready = len(lab.events("Ready"))
    lab.services = tuple(changed)
    lab.write_services()
    lab.start_controller()
    lab.connect_controller()
    lab.wait("the next controller's rules", lambda: len(lab.events("Ready")) == ready + len(changed))


@pytest.mark.parametrize("realisation", IN_SWITCH)
@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_every_cell_there_is(layer: str, realisation: str) -> None:
    """A lab with a VIP for each algorithm that can be had so, TCP and UDP: all at once, and each by its own slots."""
    words = [name for name in ALGORITHMS if not why_not(LAYERS[layer], name, realisation)]
    found = [dataclasses.replace(one, id=one.id + 10 * number, name=f"{one.name} {name}", health=CHECK)
             for number, name in enumerate(words)
             for one in pair(layer, number, algorithm=name, realisation=realisation)]
    assert len(words) >= 5
    with Lab("flat", found, clients=6) as lab:
        for one in lab.services:
            for client in lab.clients():
                if one.protocol == "tcp":
                    answers = get(lab, client.name, f"http://{one.vip}/", times=2)
                else:
                    answers = answered(datagrams(client, str(one.vip), 7, ["a", "b"], sockets="kept"))
                assert len({answer.server for answer in answers}) == 1, one
        assert lab.events("PacketIn") == []


def test_a_slot_that_the_switch_refuses_is_an_error_with_the_rule_in_it_and_nothing_is_half_done() -> None:
    with Lab("flat", services("l3", "reactive"), clients=1) as lab:
        lab.net["s1"].cmd("ovs-vsctl -- --id=@full create Flow_Table flow_limit=100 overflow_policy=refuse"
                          " -- set bridge s1 flow_tables:3=@full")
        hashed = [dataclasses.replace(one, realisation="hashed", algorithm="random") for one in lab.services]
        restart(lab, hashed)
        (refused,) = lab.events("Refused")
        assert re.search(r"table=3, .*reg1=\d+,reg2=1 actions=load", refused["rule"])
        assert refused["service"] == "l3"
        assert not [rule for rule in rules() if rule.cookie and rule.cookie.kind in (Kind.SLOT, Kind.ACT)]
