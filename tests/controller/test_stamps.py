"""What is stamped is, byte for byte, what the framework would have laid out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancing import Backend, Unit
from controller import framework, messages
from controller.drawing import sample
from controller.rules import forward, unit_flow
from controller.stamps import Stamps

DATAPATH: Any = SimpleNamespace(ofproto=framework.ofproto,
                                ofproto_parser=framework._module("ofproto.ofproto_v1_3_parser"))
UNITS = {
    "l2": st.tuples(st.binary(min_size=6, max_size=6).map(lambda mac: mac.hex(":"))),
    "l3": st.tuples(st.ip_addresses(v=4).map(str)),
    "l4": st.tuples(st.ip_addresses(v=4).map(str), st.integers(0, 65_535)),
}
CASES = [("l2", "tcp"), ("l3", "tcp"), ("l4", "tcp"), ("l4", "udp")]


def laid_out(message: Any, xid: int = 0) -> bytes:
    message.set_xid(xid)
    message.serialize()
    return bytes(message.buf)


@pytest.mark.parametrize(("layer", "protocol"), CASES)
@given(data=st.data(), xid=st.integers(0, 2**32 - 1))
def test_a_units_flow(layer: str, protocol: str, data: st.DataObject, xid: int) -> None:
    web = sample(layer, "reactive", protocol)
    unit = Unit(data.draw(UNITS[layer]), b"")
    wanted = laid_out(messages.add(DATAPATH, unit_flow(web, unit, web.backends[0])), xid)
    assert Stamps(DATAPATH, web, web.backends[0]).flow_mod(unit, xid) == wanted


@pytest.mark.parametrize(("layer", "protocol"), CASES)
@given(frame=st.binary(min_size=14, max_size=1514), in_port=st.integers(1, 0xFFFF))
def test_a_packet_that_is_sent_on(layer: str, protocol: str, frame: bytes, in_port: int) -> None:
    web = sample(layer, "reactive", protocol)
    wanted = laid_out(messages.packet_out(DATAPATH, frame, forward(web, web.backends[0]), in_port))
    assert Stamps(DATAPATH, web, web.backends[0]).packet_out(frame, in_port) == wanted


def test_a_mark_that_stands_twice_is_an_error_and_no_wrong_byte() -> None:
    web = sample("l3", "reactive")
    twin = Backend(1, "srv1", "203.0.113.217", "02:00:0a:00:02:01")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="mark of ipv4_src"):
        Stamps(DATAPATH, web.with_backends((twin,)), twin)
