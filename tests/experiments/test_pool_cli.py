"""`./lab pool` as it is typed: every command and every wrong word, against the real API on a real socket."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest

from balancing import ALGORITHMS, Unit
from experiments import cli, pool_view
from experiments.services import pair
from tests.experiments.desks import DeskLab, Start

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Said:
    """What a command has said, and its exit code."""

    code: int
    out: str
    err: str


Type = Callable[[str], Said]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Type `./lab pool WORDS`."""
    def type_it(words: str) -> Said:
        with monkeypatch.context() as here:
            here.setenv("PATH", "/usr/bin")
            here.setattr("sys.argv", ["./lab", "pool", *words.split()])
            code = 0
            try:
                cli.main()
            except SystemExit as error:
                code = int(error.code or 0)
        said = capsys.readouterr()
        return Said(code, "\n".join(line.rstrip() for line in said.out.splitlines()), said.err)

    return type_it


@pytest.fixture
def lab(start_desk: Start) -> DeskLab:
    """One that runs, with l4 and l4-udp on srv1, srv2 and srv3."""
    return start_desk(4711)


def occupy(lab: DeskLab, server: str, units: int, service: str = "l4") -> None:
    pool = lab.pools[service]
    for _ in range(units):
        pool.take(pool.server(server))


def rows(text: str) -> list[list[str]]:
    """A table's lines, by words."""
    return [line.split() for line in text.splitlines() if line.startswith(("  srv", "  web"))]


# -- show ------------------------------------------------------------------------------------------


def test_show_has_a_table_for_each_pool(lab: DeskLab, typed: Type) -> None:
    occupy(lab, "srv2", 12)
    said = typed("show")
    assert said.code == 0
    assert "l4: vip 10.0.0.100:80/tcp, l4 round-robin (reactive)\n" in said.out
    assert "l4-udp: vip 10.0.0.100:7/udp, l4 round-robin (reactive)\n" in said.out
    assert rows(said.out)[:3] == [["srv1", "10.0.10.1:8001", "up", "1", "0", "–"],
                                  ["srv2", "10.0.10.2:8001", "up", "1", "12", "–"],
                                  ["srv3", "10.0.10.3:8001", "up", "1", "0", "–"]]


@pytest.mark.parametrize(("layer", "vip", "address"), [
    ("l2", "10.0.0.100", "10.0.10.1"), ("l3", "10.0.0.100", "10.0.10.1"),
    ("l4", "10.0.0.100:80/tcp", "10.0.10.1:8001"), ("l7", "10.0.0.100:80/tcp", "10.0.10.1:80")])
def test_ports_are_shown_where_the_layer_knows_them(layer: str, vip: str, address: str, start_desk: Start,
                                                    typed: Type) -> None:
    start_desk(1, pair(layer))
    said = typed("show")
    assert f"{layer}: vip {vip}, {layer} round-robin (" in said.out
    assert rows(said.out)[0][1] == address


def test_a_state_is_a_word(lab: DeskLab, typed: Type) -> None:
    pool = lab.pools["l4"]
    for name in ("srv1", "srv2"):
        pool.drain(pool.server(name))
    occupy(lab, "srv2", 1)
    pool.set_up(pool.server("srv3"), False)
    assert [row[2] for row in rows(typed("show --service l4").out)] == ["drained", "draining", "down"]


def test_a_slow_start_is_shown_while_it_lasts(lab: DeskLab, typed: Type) -> None:
    pool = lab.pools["l4"]
    server = pool.server("srv1")
    pool.set_weight(server, 10)
    for _ in range(9):
        pool.failed(server, "it is dead")
    for now_s in (100.0, 101.0):
        pool.passed(server, now_s, 0.002)
    said = typed("show --service l4")
    assert "effective" in said.out
    assert rows(said.out)[0] == ["srv1", "10.0.10.1:8001", "up", "10", "1.000", "0", "2.000"]
    pool.tick(200.0)
    assert "effective" not in typed("show --service l4").out


def test_json_is_what_the_api_says(lab: DeskLab, typed: Type) -> None:
    found = json.loads(typed("show --json").out)
    assert [form["service"] for form in found] == ["l4", "l4-udp"]
    assert {"vip", "layer", "algorithm", "realisation", "servers"} <= set(found[0])
    assert {"name", "ip", "port", "state", "weight", "active", "response_ms"} <= set(found[0]["servers"][0])


def interrupt_at(monkeypatch: pytest.MonkeyPatch, look: int, before: Callable[[int], object]) -> None:
    """Ctrl-C in the pause after so many looks; `before` is called in every pause."""
    pauses = iter(range(1, 100))

    def pause(seconds: float) -> None:
        before(number := next(pauses))
        if number == look:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", pause)


def test_watch_shows_it_again_and_again(lab: DeskLab, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, 3, lambda number: occupy(lab, "srv1", 1))
    said = typed("show --service l4 --watch 0.5")
    assert said.code == 0, "Ctrl-C is how it ends"
    assert said.err == ""
    assert [row[4] for row in rows(said.out) if row[0] == "srv1"] == ["0", "1", "2"]


def test_watch_in_json_is_a_line_each_time(lab: DeskLab, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_at(monkeypatch, 2, lambda number: None)
    lines = typed("show --watch --json").out.splitlines()
    assert [[form["service"] for form in json.loads(line)] for line in lines] == [["l4", "l4-udp"]] * 2


def test_on_a_terminal_watch_stays_in_its_place(lab: DeskLab, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes it for a terminal then, of this kind
    monkeypatch.setenv("TERM", "xterm")
    interrupt_at(monkeypatch, 2, lambda number: occupy(lab, "srv1", 1))
    said = typed("show --watch --service l4")
    assert said.code == 0
    pictures = said.out.split("l4: vip 10.0.0.100:80/tcp")[1:]
    assert len(pictures) >= 2
    assert "\x1b[1A" in pictures[0], "the cursor goes up again"
    last = re.sub(r"\x1b\[[\d;?]*\w", "", pictures[-1])
    assert rows(last)[0][:5] == ["srv1", "10.0.10.1:8001", "up", "1", "1"]


def test_watch_ends_with_the_lab(lab: DeskLab, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: shutil.rmtree(lab.folder))
    said = typed("show --watch")
    assert (said.code, said.err.splitlines()[0]) == (2, "lab: lab 4711 has ended")


# -- changes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "says", "is_so"), [
    ("weight srv1 3", "weight of srv1 is 3, and was 1 (round-robin doesn't look at it)", {"srv1": ("up", 3)}),
    ("weight srv1 0", "weight of srv1 is 0, and was 1: srv1 gets no new units, and has no unit: it is drained",
     {"srv1": ("draining", 0)}),
    ("drain srv2", "srv2 gets no new units, and has no unit: it is drained", {"srv2": ("draining", 1)}),
    ("undrain srv2", "srv2 gets new units again", {"srv2": ("up", 1)}),
    ("remove srv3", "srv3 was removed", {"srv3": None}),
    ("algorithm maglev", "algorithm is maglev, and was round-robin", {}),
])
def test_a_change_is_said_and_made_in_every_service(words: str, says: str, is_so: Mapping[str, object], lab: DeskLab,
                                                    typed: Type) -> None:
    said = typed(words)
    assert said.code == 0, said.err
    assert said.out.splitlines()[:3] == [f"l4: {says}", f"l4-udp: {says}", ""]
    assert said.out.partition("\n\n")[2] == typed("show").out, "then, the pools as they are"
    for pool in lab.pools.values():
        for name, expected in is_so.items():
            now = {server.name: (server.state, server.weight) for server in pool.servers.values()}
            assert now.get(name) == expected
    if "algorithm" in words:
        assert {pool.service.algorithm for pool in lab.pools.values()} == {"maglev"}


def test_a_service_that_is_named_is_the_only_one(lab: DeskLab, typed: Type) -> None:
    said = typed("weight srv1 3 --service l4-udp --lab 4711")
    assert said.out.startswith("l4-udp: weight of srv1 is 3")
    assert [pool.server("srv1").weight for pool in lab.pools.values()] == [1, 3]


def test_a_weight_that_counts_is_said_without_a_but(lab: DeskLab, typed: Type) -> None:
    typed("algorithm weighted-round-robin")
    assert typed("weight srv1 3").out.startswith("l4: weight of srv1 is 3, and was 1\n")


def test_units_that_are_left_are_counted(lab: DeskLab, typed: Type) -> None:
    occupy(lab, "srv1", 2)
    assert "l4: srv1 gets no new units, and has 2 units left\n" in typed("drain srv1").out
    said = typed("remove srv1")
    assert said.code == 2
    assert said.err.splitlines()[0] == "lab: srv1 still has 2 units"
    assert "--now" in said.err
    assert "l4: srv1 was removed, and 2 units let go\nl4-udp: srv1 was removed\n" in typed("remove srv1 --now").out


def test_the_first_that_refuses_ends_it_and_what_was_done_is_said(lab: DeskLab, typed: Type) -> None:
    occupy(lab, "srv1", 1, "l4-udp")
    said = typed("remove srv1")
    assert (said.code, said.out) == (2, "l4: srv1 was removed")
    assert "srv1 still has 1 unit\n" in said.err
    lab.pools["l4-udp"].server("srv1").active = 0
    assert typed("remove srv1").out.startswith("l4-udp: srv1 was removed\n"), "only there is it left"


def test_who_has_no_weight_is_not_undrained(lab: DeskLab, typed: Type) -> None:
    typed("weight srv1 0")
    assert "srv1 has weight 0 and still gets no units: ./lab pool weight srv1 1" in typed("undrain srv1").out


def test_who_is_down_is_undrained_for_later(lab: DeskLab, typed: Type) -> None:
    lab.pools["l4"].set_up(lab.pools["l4"].server("srv1"), False)
    assert "l4: srv1 gets new units again, once it is up\n" in typed("undrain srv1").out


@pytest.mark.parametrize("layer", ["l2", "l3", "l4", "l7"])
def test_where_a_server_of_the_lab_is_the_plan_knows(layer: str, start_desk: Start, typed: Type) -> None:
    """Back it is what it was before it was taken out, but for its id, which is new."""
    lab = start_desk(1, pair(layer, 7, servers=4))
    before = {name: pool.server("srv2").backend for name, pool in lab.pools.items()}
    typed("remove srv2")
    said = typed("add srv2 --weight 5")
    assert said.code == 0, said.err
    assert "srv2 was added, 10.0.17.2" in said.out
    for name, pool in lab.pools.items():
        now, then = pool.server("srv2").backend, before[name]
        assert (now.ip, now.mac, pool.service.port_of(now)) == (then.ip, then.mac, pool.service.port_of(then))
        assert now.weight == 5


def test_what_is_given_goes_before_the_plan(lab: DeskLab, typed: Type) -> None:
    typed("remove srv3")
    typed("add srv3 --service l4 --port 8002 --mac 02:00:00:00:00:03")
    backend = lab.pools["l4"].server("srv3").backend
    assert (str(backend.ip), backend.port, backend.mac) == ("10.0.10.3", 8002, "02:00:00:00:00:03")


def test_a_server_that_the_plan_does_not_know_is_described(lab: DeskLab, typed: Type) -> None:
    said = typed("add web9 --service l4 --ip 10.0.99.9 --mac 02:00:00:00:00:09 --port 9 --weight 2")
    assert said.out.startswith("l4: web9 was added, 10.0.99.9:9, weight 2\n")


def test_an_algorithm_of_ones_own_is_found_from_where_one_is(lab: DeskLab, typed: Type,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples")
    said = typed("algorithm last_byte.py:LastByte")
    assert f"l4: algorithm is {ROOT}/examples/last_byte.py:LastByte, and was round-robin\n" in said.out
    assert "l4: vip 10.0.0.100:80/tcp, l4 last_byte.py:LastByte (reactive)\n" in said.out
    for pool in lab.pools.values():
        assert type(pool.algorithm).__name__ == "LastByte"


# -- drain --wait ----------------------------------------------------------------------------------


def release(lab: DeskLab, server: str, service: str = "l4") -> None:
    pool = lab.pools[service]
    pool.release(Unit((ip_address("10.0.1.1"),), b"1"), pool.server(server))


def test_waiting_counts_down_and_ends_with_the_last_unit(lab: DeskLab, typed: Type,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    occupy(lab, "srv1", 2)
    occupy(lab, "srv1", 1, "l4-udp")
    steps = iter([lambda: release(lab, "srv1"), lambda: None, lambda: release(lab, "srv1"),
                  lambda: release(lab, "srv1", "l4-udp")])
    monkeypatch.setattr(pool_view.time, "sleep", lambda seconds: next(steps)())
    said = typed("drain srv1 --wait")
    assert said.code == 0
    assert said.err.splitlines() == ["srv1: 2 units left in l4, 1 unit left in l4-udp",
                                     "srv1: 1 unit left in l4, 1 unit left in l4-udp", "srv1: 1 unit left in l4-udp"]
    assert said.out.endswith("srv1 is drained: no unit is left on it")


def test_ctrl_c_ends_the_wait_and_not_the_draining(lab: DeskLab, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    occupy(lab, "srv1", 1)
    monkeypatch.setattr(pool_view.time, "sleep", lambda seconds: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    said = typed("drain srv1 --wait")
    assert said.code == 130
    assert signal.getsignal(signal.SIGINT) is before
    assert said.err.endswith("lab: srv1 goes on draining (./lab pool undrain srv1 takes that back)\n")
    assert lab.pools["l4"].server("srv1").state == "draining"


def test_nobody_waits_for_a_server_that_is_not_draining(lab: DeskLab, typed: Type,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    occupy(lab, "srv1", 1)
    monkeypatch.setattr(time, "sleep", lambda seconds: lab.pools["l4"].drain(lab.pools["l4"].server("srv1"), False))
    said = typed("drain srv1 --wait")
    assert said.code == 2
    assert "l4: srv1 takes units again" in said.err


def test_a_server_that_is_removed_meanwhile_is_not_waited_for(lab: DeskLab, typed: Type,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    occupy(lab, "srv1", 1)
    monkeypatch.setattr(time, "sleep", lambda seconds: lab.pools["l4"].remove(lab.pools["l4"].server("srv1")))
    assert typed("drain srv1 --wait").code == 0


# -- wrong words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "saw", "helps"), [
    ("shwo", "there is no command 'shwo'", "show"),
    ("weight srv1 -1", "backend 'srv1': weight is -1", "from 0 to 65535"),
    ("weight srv1 65536", "backend 'srv1': weight is 65536", "from 0 to 65535"),
    ("weight srv1 heavy", "weight is 'heavy'", "a whole number"),
    ("weight srv1 1.5", "weight is '1.5'", "a whole number"),
    ("weight srv1", "Missing argument 'WEIGHT'", "weight --help"),
    ("weight srv9 1", "there is no server 'srv9'", "one of srv1, srv2, srv3"),
    ("drain srv11", "there is no server 'srv11'", "srv1 (did you mean that?)"),
    ("undrain web", "there is no server 'web'", "one of srv1, srv2, srv3"),
    ("remove srv", "there is no server 'srv'", "one of srv1, srv2, srv3"),
    ("show --service l3", "there is no service 'l3'", "l4 (did you mean that?)"),
    ("show --lab 4712", "there is no lab 4712", "4711 (flat: l4, l4-udp)"),
    ("show --lab flat", "'flat' is not a valid integer", "show --help"),
    ("show --watch 0", "0.1<=x<=3600", "show --help"),
    ("show --jsn", "--jsn", "--json"),
    ("algorithm robin", "there is no algorithm 'robin'", "round-robin (did you mean that?)"),
    ("algorithm nowhere.py:Mine", "nowhere.py", "FILE.py:CLASS"),
    ("add srv1", "two backends with name 'srv1'", "each name once"),
    ("add srv4", "this lab has no host srv4", "./lab shell --servers 4"),
    ("add web9", "backend 'web9' has no ip", "ip"),
    ("add web9 --ip 10.0.10.300", "ip is '10.0.10.300'", "an IP address"),
    ("add web9 --ip 10.0.10.9", "backend 'web9' has no mac", "l4 rewrites eth_dst"),
    ("add web9 --ip 10.0.10.9 --mac 02:00", "mac is '02:00'", "six bytes in hex"),
    ("add web9 --ip 10.0.10.9 --mac 02:00:00:00:00:09 --port 0", "port is 0", "from 1 to 65535"),
    ("add web9 --ip 10.0.10.9 --mac 02:00:00:00:00:09 --port http", "port is 'http'", "from 1 to 65535"),
    ("add web9 --ip 10.0.10.9 --mac 02:00:00:00:00:09 --weight -1", "weight is -1", "from 0 to 65535"),
])
def test_a_wrong_word_is_answered_and_nothing_is_changed(words: str, saw: str, helps: str, lab: DeskLab,
                                                         typed: Type) -> None:
    before = typed("show").out
    said = typed(words)
    assert said.code == 2
    assert saw in said.err
    assert helps in said.err
    assert said.out == ""
    assert typed("show").out == before


def test_the_last_server_stays(start_desk: Start, typed: Type) -> None:
    start_desk(1, pair("l3", servers=1))
    said = typed("remove srv1")
    assert said.code == 2
    assert "service 'l3' has no backends" in said.err


def test_the_labs_are_listed(start_desk: Start, typed: Type) -> None:
    assert typed("labs").out == "labs: no rows"
    start_desk(4711)
    folder = start_desk(4722, pair("l2"), topology="routed").folder
    found = [line.split() for line in typed("labs").out.splitlines()[4:6]]
    assert found[0][:4] == ["4711", "flat", "l4,", "l4-udp"]
    assert found[1] == ["4722", "routed", "l2", str(folder)]
    said = typed("show")
    assert said.code == 2
    assert "2 labs run" in said.err
    assert typed("show --lab 4722").out.startswith("l2: vip")


@pytest.mark.parametrize("command", ["", "show", "weight", "drain", "undrain", "add", "remove", "algorithm", "labs"])
def test_help_has_examples(command: str, typed: Type) -> None:
    said = typed(f"{command} --help")
    assert said.code == 0
    assert f"Usage: ./lab pool {command}".strip() in said.out
    assert f"./lab pool {command or 'show'}" in said.out.partition("Example")[2]
    if command == "algorithm":
        assert all(name in said.out for name in ALGORITHMS)
