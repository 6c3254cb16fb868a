"""Which lab is meant, which of its services, and what its API says, on real sockets."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest

from balancing import Service
from experiments import pools
from experiments.pools import RunningLab, RunningPool, ask, concerned, labs, newest, the_lab
from experiments.services import pair
from layerlab import LabError
from tests.experiments.desks import DeskLab, Start


def test_the_only_lab_needs_no_name(start_desk: Start) -> None:
    start_desk(4711)
    assert the_lab() == the_lab(4711)
    assert str(the_lab()) == "4711 (flat: l4, l4-udp)"


def test_without_a_lab_it_says_how_to_start_one(start_desk: Start) -> None:
    with pytest.raises(LabError, match="no lab of yours runs") as error:
        the_lab()
    assert "./lab shell" in error.value.hint


def test_of_several_labs_one_must_be_named(start_desk: Start) -> None:
    start_desk(4711)
    start_desk(4722, pair("l2"), topology="routed")
    with pytest.raises(LabError, match=r"2 labs run: 4711 \(flat: l4, l4-udp\), 4722 \(routed: l2\)") as error:
        the_lab()
    assert (error.value.field, error.value.hint) == ("lab", "--lab 4722")
    assert the_lab(4722).topology == "routed"


def test_a_lab_that_does_not_run_is_answered_with_those_that_do(start_desk: Start) -> None:
    start_desk(4711)
    with pytest.raises(LabError, match="there is no lab 4712") as error:
        the_lab(4712)
    assert "4711 (flat" in error.value.expected


def test_of_many_services_a_few_are_named(start_desk: Start) -> None:
    services = [service for number, layer in enumerate(["l4", "l3", "l4", "l4"]) for service in pair(layer, number)]
    names = [f"web{number}" for number in range(len(services))]
    folder = start_desk(4711).folder
    (folder / "services.json").write_text(json.dumps([{"name": name} for name in names]))
    assert the_lab().summary == "web0, web1, web2, web3, 3 more"


def test_an_experiment_has_one_lab_after_another_and_the_last_is_meant(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for name in ("flat9", "routed10", "flat2", "notes"):
        (tmp_path / name).mkdir()
    assert newest(tmp_path) == tmp_path / "routed10"
    assert newest(tmp_path / "ended") is None


def test_a_capsule_without_a_lab_is_none(start_desk: Start) -> None:
    shutil.rmtree(start_desk(4711).folder)
    assert labs() == []


def test_a_lab_that_has_not_started_yet_says_so(start_desk: Start) -> None:
    lab = start_desk(4711)
    (lab.folder / "controller.sock").unlink()
    (lab.folder / "services.json").write_text("")  # just being written
    assert str(the_lab()) == "4711 (flat: starting)"
    with pytest.raises(LabError, match="lab 4711 does not answer yet"):
        the_lab().pools()


def test_a_lab_that_has_ended_says_so(start_desk: Start) -> None:
    lab = start_desk(4711)
    found = the_lab()
    shutil.rmtree(lab.folder)
    with pytest.raises(LabError, match="lab 4711 has ended"):
        found.pools()


def test_a_controller_that_has_ended_is_named_with_its_socket(start_desk: Start) -> None:
    lab = start_desk(4711)
    lab.close()
    with pytest.raises(LabError, match=r"nobody answers at .*/flat1/controller.sock: .*refused"):
        the_lab().pools()


def test_pools_of_controller_and_proxy_are_one_labs(start_desk: Start, tmp_path: Path) -> None:
    start_desk(4711)
    proxy = DeskLab(4799, tmp_path / "other", pair("l7", 1), socket_name="proxy.sock")
    (tmp_path / "other/flat1/proxy.sock").rename(tmp_path / "4711/flat1/proxy.sock")
    assert [pool.name for pool in the_lab().pools()] == ["l4", "l4-udp", "l7"]
    proxy.close()


def test_an_order_is_for_every_pool_that_has_the_server(start_desk: Start) -> None:
    lab = start_desk(4711)
    udp = lab.pools["l4-udp"]
    udp.remove(udp.server("srv3"))

    def names(service: str | None = None, server: str | None = None) -> list[str]:
        return [pool.name for pool in concerned(the_lab(), service, server)]

    assert names() == names(server="srv1") == ["l4", "l4-udp"]
    assert names(server="srv3") == ["l4"]
    assert names("l4-udp", "srv1") == ["l4-udp"]
    for wrong, right in ((("l4-tcp", None), "l4-udp"), ((None, "srv4"), "srv"), (("l4-udp", "srv3"), "srv")):
        with pytest.raises(LabError, match="there is no") as error:
            names(*wrong)
        assert right in error.value.hint


def test_what_the_api_says_no_to_is_said_in_its_words(start_desk: Start) -> None:
    socket_path = start_desk(4711).folder / "controller.sock"
    with pytest.raises(LabError) as error:
        ask(socket_path, "PATCH", "/services/l4/backends/srv1", {"weight": -1})
    assert error.value.saw == "backend 'srv1': weight is -1"
    assert error.value.expected == "a whole number from 0 to 65535"
    assert error.value.field == "weight"
    with pytest.raises(LabError, match="there is nothing at /pools"):
        ask(socket_path, "GET", "/pools")


def test_a_name_may_have_any_characters(tmp_path: Path) -> None:
    odd = "a/b ?&=ü%2F"
    (service, *_) = pair("l3")
    lab = DeskLab(1, tmp_path, [Service.from_json(service.to_json() | {"name": odd})])
    pool = RunningPool(lab.folder / "controller.sock", {"service": odd})
    assert pool.ask("PATCH", "backends", "srv1", form={"weight": 7}).server("srv1")["weight"] == 7
    lab.close()


def test_a_socket_may_lie_deeper_than_its_address_has_room_for(start_desk: Start, tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["deep" * 10] * 4)
    lab = DeskLab(1, deep, pair("l3"))
    path = lab.folder / "controller.sock"
    with socket.socket(socket.AF_UNIX) as plain, pytest.raises(OSError, match="too long"):
        plain.connect(str(path))
    assert [pool.name for pool in RunningLab(1, lab.folder).pools()] == ["l3"]
    lab.close()


def test_nobody_but_the_user_can_open_a_socket(start_desk: Start) -> None:
    assert (start_desk(4711).folder / "controller.sock").stat().st_mode & 0o777 == 0o600


def test_servers_are_named_in_their_order(tmp_path: Path) -> None:
    for name in ("srv10", "srv2", "srv1", "proxy", "controller"):
        (tmp_path / f"{name}.out").touch()
    assert pools.RunningLab(1, tmp_path).hosts == ["srv1", "srv2", "srv10"]
