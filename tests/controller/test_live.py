"""The switch's layers on real traffic: what must hold whatever happens, under Ryu and under os-ken."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess

import pytest

from controller.cookies import MARK, MARK_MASK, Cookie, Kind
from experiments.clients import ClientHost, session
from experiments.datagrams import datagrams
from experiments.flowtable import rules
from experiments.lab import Lab
from experiments.netns import socket_in
from experiments.services import pair, service
from experiments.traffic import ask
from tests.live import Wire, answered, get, kinds
from topologies import addresses

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("framework")]
SWITCH_LAYERS = ["l2", "l3", "l4"]


def one(layer: str, **options: int) -> Lab:
    return Lab("flat", pair(layer), clients=4, **options)


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_the_client_sees_only_the_vip_and_the_servers_see_the_client(layer: str) -> None:
    with one(layer) as lab:
        web = lab.services[0]
        wire = Wire(lab, "h1")
        (answer,) = get(lab, "h1", f"http://{web.vip}/")
        packets = wire.packets()
        assert len(packets) >= 8, "a handshake, a request, its answer and an end"
        assert {packet["ip_src"] for packet in packets} == {"10.0.1.1", str(web.vip)}
        assert {packet["ip_dst"] for packet in packets} == {"10.0.1.1", str(web.vip)}
        assert answer.client_seen.startswith("10.0.1.1:")
        macs = {packet["eth_src"] for packet in packets if packet["ip_src"] == str(web.vip)}
        server = web.backends[0].mac
        assert macs == ({server} if layer == "l2" else {web.vmac}), "L2 returns directly, L3 and L4 as the VIP"


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_udp_is_answered_from_the_vip(layer: str) -> None:
    with one(layer) as lab:
        for client in lab.clients():
            echoes = datagrams(client, str(lab.services[0].vip), 7, ["one", "two", "three"], sockets="kept")
            for answer in answered(echoes):
                assert answer.peer == f"{lab.services[0].vip}:7"
                assert answer.client_seen.split(":")[0] == lab.topo.nodeInfo(client.name)["ip"].split("/")[0]
        echo = lab.services[-1].name
        assert len(lab.events("Assigned", echo)) == 4, "one unit a client (one socket each): never one a datagram"


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_a_connection_never_changes_server(layer: str) -> None:
    with one(layer) as lab:
        for client in ("h1", "h2", "h3", "h4"):
            answers = get(lab, client, "http://vip/", times=20)
            assert len({(answer.server, answer.connection) for answer in answers}) == 1
            assert [answer.request for answer in answers] == list(range(1, 21))


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_an_idle_connection_outlives_its_flow(layer: str) -> None:
    """The switch forgets the unit after a second of silence; the controller doesn't."""
    brief = service(layer)
    brief = type(brief).from_json(brief.to_json() | {"idle_timeout_s": 1})
    with Lab("flat", [brief], clients=4) as lab:
        host = lab.clients()[0]
        with session(host) as own:
            first = answered([ask(own, host, "http://vip/")])[0]
            lab.wait("the unit's flow to expire", lambda: bool(lab.events("Released")))
            assert Kind.UNIT not in kinds()
            get(lab, "h2", "http://vip/")  # somebody else takes the next turn
            second = answered([ask(own, host, "http://vip/")])[0]
        assert (second.server, second.connection, second.request) == (first.server, first.connection, 2)


def test_a_new_connection_of_an_old_port_is_a_new_decision() -> None:
    """Two connections with the same 5-tuple, far apart: round robin goes on, it does not look back."""
    brief = service("l4")
    brief = type(brief).from_json(brief.to_json() | {"idle_timeout_s": 1})
    with Lab("flat", [brief], clients=4) as lab:
        assert b'"srv1"' in ask_from_port(lab, 40_000)
        lab.wait("the unit's flow to expire", lambda: bool(lab.events("Released")))
        assert b'"srv2"' in ask_from_port(lab, 40_000)
        assert {event["unit"] for event in lab.events("Assigned")} == {"10.0.1.1 40000"}


def ask_from_port(lab: Lab, port: int) -> bytes:
    """One request from h1's `port`, ended by a reset, so that the port is free at once."""
    with socket_in(lab.netns("h1")) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.settimeout(5)
        sock.bind(("10.0.1.1", port))
        sock.connect((str(lab.services[0].vip), 80))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
        return sock.recv(65_535)


@pytest.mark.parametrize("topology", ["flat", "routed", "nat"])
def test_everybody_reaches_everybody_beside_every_vip(topology: str) -> None:
    """All four apps loaded and used: pingall without loss, direct TCP to every server by its own address."""
    services = [service(layer, number) for number, layer in enumerate(("l2", "l3", "l4", "l7"))]
    with Lab(topology, services, clients=3) as lab:
        for web in services:
            for client in ("h1", "h2", "h3"):
                get(lab, client, f"http://{web.vip}/")
        assert lab.net.pingAll("2") == 0
        for client in ("h1", "proxy", "srv1"):
            for number, name in enumerate(lab.topo.server_names(), start=1):
                if client == name:
                    continue
                wire = Wire(lab, client)
                (answer,) = get(lab, client, f"http://{addresses.server(number)}:8001/")
                assert (answer.server, answer.local) == (name, f"{addresses.server(number)}:8001")
                asker = lab.net[client].IP()  # a server that asks also answers tests meanwhile
                talkers = {packet["ip_src"] for packet in wire.packets()
                           if packet.get("tp_src") == 8001 and packet["ip_dst"] == asker}
                assert talkers == {str(addresses.server(number))}, "the answer comes from the address asked"
        ping = lab.net["h1"].cmd(f"ping -c1 -W2 {addresses.vip(2)}")
        assert f"from {addresses.vip(2)}" in ping, "the switch answers for an L4 VIP"


def test_at_l2_the_answers_meet_no_rule_of_the_service() -> None:
    with one("l2") as lab:
        answers = get(lab, "h1", "http://vip/?bytes=100000", times=3)
        assert len({answer.server for answer in answers}) == 1
        met = {rule.cookie.kind: rule.packets for rule in rules() if rule.cookie}
        assert Kind.REPLY not in kinds()
        assert met[Kind.CLASSIFY] > 0
        assert met[Kind.SWITCHING] > 0, "answers are switched like anything else"


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_killing_the_controller_stops_nothing_that_flows(layer: str) -> None:
    with one(layer) as lab:
        host = lab.clients()[0]
        with session(host) as own:
            before = answered([ask(own, host, "http://vip/")])[0]
            dead = lab.processes.pop("controller")
            os.kill(dead.pid, signal.SIGKILL)
            dead.wait(10)
            after = answered(ask(own, host, "http://vip/") for _ in range(5))
            assert {(answer.server, answer.connection) for answer in after} == {(before.server, before.connection)}
            assert get(lab, "h4", f"http://{addresses.server(2)}/")[0].server == "srv2"
            assert lab.net.ping([lab.net["h2"], lab.net["srv3"]], timeout="2") == 0

            lab.start_controller()
            lab.connect_controller()
            lab.wait("the second controller's rules", lambda: len(lab.events("Ready")) == 2 * len(lab.services))
            again = answered([ask(own, host, "http://vip/")])[0]
            assert (again.server, again.connection) == (before.server, before.connection)
        get(lab, "h3", "http://vip/")


@pytest.mark.parametrize("layer", SWITCH_LAYERS)
def test_a_second_controller_goes_on_where_the_first_one_ended(layer: str) -> None:
    """Units keep their servers, stale rules of ours go, rules of others stay."""
    with one(layer) as lab:
        clients = lab.clients()
        own = [session(client) for client in clients]
        before = answered(ask(one, client, "http://vip/") for one, client in zip(own, clients, strict=True))
        units = kinds()[Kind.UNIT]
        dead = lab.processes.pop("controller")
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait(10)
        unit = next(rule.text for rule in rules() if rule.cookie and rule.cookie.kind is Kind.UNIT)
        ofctl("add-flow", soon_over(unit))
        stale = int(Cookie(Kind.UNIT, service=99, backend=1))
        for cookie, port in ((stale, 1), (0x1234, 2)):
            ofctl("add-flow", f"cookie={cookie:#x},table=1,priority=5,udp,tp_dst={port},actions=drop")

        lab.start_controller()
        lab.connect_controller()
        lab.wait("the second controller's rules", lambda: len(lab.events("Ready")) == 2 * len(lab.services))
        cookies = [rule.cookie for rule in rules()]
        assert cookies.count(None) == 1, "what is not ours stays"
        assert Cookie.read(stale) not in cookies
        assert sum(cookie is not None and cookie.kind is Kind.UNIT for cookie in cookies) == units
        assert sum("idle_timeout=30," in rule.text for rule in rules()) == 1, "its time goes on as it was"
        assigned = len(lab.events("Assigned"))
        ofctl("del-flows", f"cookie={MARK | Kind.UNIT:#x}/{MARK_MASK | 0xFFFF:#x}")
        after = answered(ask(one, client, "http://vip/") for one, client in zip(own, clients, strict=True))
        assert [(a.server, a.connection) for a in after] == [(a.server, a.connection) for a in before]
        assert len(lab.events("Assigned")) == assigned, "remembered, not decided anew"
        for one_session in own:
            one_session.close()


def soon_over(rule: str) -> str:
    """A rule as ovs-ofctl shows it, to be added in its place: it may be idle for 30 s, as if its unit had ended."""
    kept = re.sub(r"(duration|n_packets|n_bytes|idle_age)=[^,]*, ", "", rule)
    return "send_flow_rem, " + re.sub(r"idle_timeout=\d+,", "idle_timeout=30,", kept)


def ofctl(command: str, rule: str) -> None:
    """ovs-ofctl(8) on s1."""
    subprocess.run(["ovs-ofctl", command, "s1", rule], check=True)


def test_every_rule_says_what_it_is_for() -> None:
    services = [*pair("l2", 0), *pair("l3", 1), *pair("l4", 2)]
    with Lab("flat", services, clients=4) as lab:
        for web in services:
            if web.protocol == "tcp":
                get(lab, "h1", f"http://{web.vip}/")
        found = kinds()
        assert found[Kind.UNIT] == 3
        assert found[Kind.REPLY] == 3 + 3 + 3  # l3, l4 over TCP, l4 over UDP
        assert found[Kind.SWITCHING] == 1
        assert found[Kind.PROBE] == found[Kind.PROBE_ARP] == 1, "one for all services"
        known = {web.id for web in services} | {0}
        assert {rule.cookie.service for rule in rules() if rule.cookie} == known


def test_a_rule_that_the_switch_refuses_is_an_error_with_the_rule_in_it() -> None:
    with one("l4") as lab:
        lab.net["s1"].cmd("ovs-vsctl -- --id=@full create Flow_Table flow_limit=1 overflow_policy=refuse"
                          " -- set bridge s1 flow_tables:2=@full")
        host = ClientHost("h1", lab.netns("h1"))
        with session(host) as own:
            assert ask(own, host, "http://vip/").server, "the first packets are sent on all the same"
        lab.wait("the refusal", lambda: True)
        refused = lab.events("Refused")
        assert refused
        assert "ipv4_src=10.0.1.1" in refused[0]["rule"]


def test_what_no_service_wants_of_a_vip_is_flooded_to_nobody() -> None:
    with one("l4") as lab:
        wires = [Wire(lab, name) for name in lab.topo.server_names()]
        output = lab.net["h1"].cmd("curl -s --max-time 1 http://vip:81/; echo exit $?")
        assert "exit 28" in output, "nothing answers on a port without a service"
        assert not [packet for wire in wires for packet in wire.packets() if packet.get("tp_dst") == 81]
