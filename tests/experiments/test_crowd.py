"""The crowd is who it says, nothing of it gets lost, and a loss is seen."""

from __future__ import annotations

import subprocess

import pytest

from controller.frame import parse
from experiments.crowd import Size, frames, lab_for, measure, moral
from experiments.services import service

SMALL = Size(clients=60, packets=2)


def test_every_client_has_a_mac_an_address_and_a_port_of_its_own() -> None:
    one = service("l3", protocol="udp")
    found = [parse(frame) for frame in frames(one, SMALL, seed=1)]
    assert len(found) == 120
    for field in ("eth_src", "ip_src", "tp_src"):
        assert len({fields[field] for fields in found if fields}) == 60
    assert {fields["ip_dst"] for fields in found if fields} == {str(one.vip)}


def test_everybody_comes_before_anybody_goes_on() -> None:
    found = frames(service("l3", protocol="udp"), SMALL, seed=1)
    assert len(set(found[:60])) == len(set(found[60:])) == 60


def test_same_seed_same_crowd() -> None:
    one = service("l3", protocol="udp")
    assert frames(one, SMALL, 1) == frames(one, SMALL, 1) != frames(one, SMALL, 2)


@pytest.mark.live
def test_all_is_delivered_and_remembered() -> None:
    with lab_for(SMALL) as lab:
        for row in measure(lab, SMALL, seed=1):
            assert row.packets_delivered == row.packets_sent == 120, row
            assert row.share == {"srv1": 40, "srv2": 40, "srv3": 40}
            assert row.units == row.flow_entries == 60
            assert row.packet_ins >= 60
            assert "every packet that was sent" in moral([row])


@pytest.mark.live
def test_a_loss_is_seen() -> None:
    with lab_for(SMALL) as lab:
        subprocess.run(["ovs-ofctl", "add-flow", "s1", "priority=999,udp,tp_src=10007,actions=drop"], check=True)
        row = next(measure(lab, SMALL, seed=1))
    assert row.packets_delivered == row.packets_sent - 2
    assert "2 packets were lost" in moral([row])
