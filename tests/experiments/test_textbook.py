"""The textbook's rules, as text: who has how many rows or buckets in which state."""

from __future__ import annotations

import dataclasses

import pytest

from balancing import Service
from controller import rules
from controller.flows import Load
from experiments.services import service
from experiments.textbook import BUCKETS, MODULO, NO_PORT, TEXTBOOK, flow_text, rules_text
from layerlab import LabError


def made(draining: str = "", weights: tuple[int, ...] = (1, 1, 1)) -> Service:
    one = service("l4", health=None, weights=weights)
    return one.with_backends(tuple(dataclasses.replace(backend, draining=backend.name == draining)
                                   for backend in one.backends))


def group(scheme: str, one: Service, gone: tuple[str, ...] = ()) -> list[str]:
    """The buckets of the scheme's group."""
    (line,) = [line for line in rules_text(scheme, one, gone) if line.startswith("group")]
    return line.split(",bucket=")[1:]


@pytest.mark.parametrize(("gone", "rows"), [((), "123"), (("srv2",), "13")])
def test_modulo_has_a_row_a_server_and_hashes_over_their_number(gone: tuple[str, ...], rows: str) -> None:
    lines = rules_text(MODULO, made(), gone)
    assert [line.split("set_field:10.0.10.")[1][0] for line in lines if "reg1=" in line] == list(rows)
    assert f"modulo_n,{len(rows)},0,reg1" in " ".join(lines)


def test_modulo_has_a_row_a_unit_of_weight() -> None:
    lines = rules_text(MODULO, made(weights=(1, 3, 1)))
    assert sum("reg1=" in line and "10.0.10.2" in line for line in lines) == 3
    assert "modulo_n,5,0,reg1" in " ".join(lines)


@pytest.mark.parametrize(("scheme", "left"), [
    ("select group, bucket deleted", ["weight:1", "weight:1"]),
    ("select group, weight 0", ["weight:1", "weight:0", "weight:1"]),
    ("select group, dead watch port", ["weight:1", "weight:1", "weight:1"]),
])
def test_a_select_group_lets_a_server_go_in_its_own_way(scheme: str, left: list[str]) -> None:
    assert [bucket.split(",")[0] for bucket in group(scheme, made(), ("srv2",))] == left


def test_a_watch_port_is_the_servers_and_a_dead_one_while_it_drains() -> None:
    ports = [bucket.split(",")[1] for bucket in group("select group, dead watch port", made(draining="srv3"))]
    assert ports == ["watch_port:1", "watch_port:2", f"watch_port:{NO_PORT}"]


@pytest.mark.parametrize("scheme", BUCKETS)
def test_a_bucket_has_its_servers_weight(scheme: str) -> None:
    assert [bucket.split(",")[0] for bucket in group(scheme, made(weights=(1, 3, 2)))] == [
        "weight:1", "weight:3", "weight:2"]


@pytest.mark.parametrize("scheme", TEXTBOOK)
def test_it_rewrites_what_the_lab_rewrites(scheme: str) -> None:
    text = " ".join(rules_text(scheme, made()))
    assert "set_field:02:00:0a:00:02:01->eth_dst,set_field:10.0.10.1->ip_dst,set_field:8001->tcp_dst,NORMAL" in text
    assert "ipv4" not in text, "OXM's word, not ovs-ofctl's"


@pytest.mark.parametrize("scheme", TEXTBOOK)
def test_with_nobody_left_it_says_so(scheme: str) -> None:
    with pytest.raises(LabError, match="nobody is left to serve"):
        rules_text(scheme, made(), ("srv1", "srv2", "srv3"))


def test_a_rule_is_put_into_ovs_ofctls_words() -> None:
    rule = rules.classify(made(), (Load("in_port_nxm", 0xFFFF, 16),))
    assert flow_text(rule).endswith("ip_dst=10.0.0.100,tcp_dst=80 actions=load:0xffff->NXM_OF_IN_PORT[]")
