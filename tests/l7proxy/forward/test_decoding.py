"""Codings undone in steps, within a bound, and nothing damaged taken for whole."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.decoding import FREE_BYTES, STEP_BYTES, Decoder, Undecodable, codings
from tests.l7proxy.forward.conftest import fields

TEXT = b"all there is, all there is. " * 100


def raw(data):
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


WAYS = {"gzip": (b"gzip", gzip.compress), "zlib": (b"deflate", zlib.compress), "raw": (b"deflate", raw),
        "x-gzip": (b"x-gzip", gzip.compress)}


def decoded(coding, pieces, ratio=100):
    decoder = Decoder(coding, ratio)
    out = b"".join(step for piece in pieces for step in decoder.feed(piece))
    decoder.end()
    return out


@pytest.mark.parametrize("way", WAYS)
@given(data=st.binary(max_size=300), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_however_it_is_cut_the_same_comes_out(way, data, sizes):
    coding, code = WAYS[way]
    coded, pieces, at = code(data), [], 0
    for size in (*sizes, 10_000):
        pieces.append(coded[at:at + size])
        at += size
    assert decoded(coding, pieces) == data
    assert decoded(coding, [bytes([octet]) for octet in coded]) == data


def test_what_waits_within_zlib_is_fetched():
    """Its output may be full when its input is used up: up to 258 octets are then still inside (RFC 1951 3.2.5)."""
    for size in range(STEP_BYTES, STEP_BYTES + 600):
        assert decoded(b"deflate", [raw(bytes(size))], ratio=2000) == bytes(size)


def test_members_follow_one_another_and_other_octets_are_left_out():
    assert decoded(b"gzip", [gzip.compress(b"one") + gzip.compress(b"two")]) == b"onetwo"
    assert decoded(b"gzip", [gzip.compress(b"one"), b"\x1f", b"\x8b" + gzip.compress(b"two")[2:]]) == b"onetwo"
    assert decoded(b"gzip", [gzip.compress(b"one") + b"\0\0\0\0", gzip.compress(b"two")]) == b"one"
    assert decoded(b"gzip", [gzip.compress(b"one"), b"\x1f"]) == b"one"
    assert decoded(b"deflate", [zlib.compress(b"one") + b"garbage"]) == b"one"


@pytest.mark.parametrize("way", WAYS)
def test_half_a_body_is_none(way):
    coding, code = WAYS[way]
    for cut in range(1, len(code(TEXT))):
        with pytest.raises(Undecodable):
            decoded(coding, [code(TEXT)[:cut]])


def test_nothing_at_all_is_a_body_without_octets():
    assert decoded(b"gzip", []) == b""


@pytest.mark.parametrize(("coding", "data"), [
    (b"gzip", b"<html>plain"), (b"deflate", b"<html>plain"), (b"gzip", b"\x1f\x8b<<"), (b"gzip", zlib.compress(TEXT)),
    (b"gzip", b"x")])
def test_what_it_is_not_is_refused(coding, data):
    with pytest.raises(Undecodable):
        decoded(coding, [data])


def test_a_damaged_octet_is_seen():
    coded = bytearray(gzip.compress(TEXT))
    coded[-6] ^= 1  # in its checksum
    with pytest.raises(Undecodable, match="Content-Encoding"):
        decoded(b"gzip", [bytes(coded)])


def test_a_bomb_is_stopped_long_before_it_is_unpacked():
    bomb, decoder, steps = gzip.compress(bytes(200 * 2**20), 9), Decoder(b"gzip", 100), []

    def unpack():
        for at in range(0, len(bomb), 4096):
            for step in decoder.feed(bomb[at:at + 4096]):
                steps.append(len(step))
    with pytest.raises(Undecodable, match="100 times"):
        unpack()
    assert max(steps) <= STEP_BYTES
    assert sum(steps) < 4 * FREE_BYTES


def test_a_text_that_packs_well_is_no_bomb():
    assert decoded(b"gzip", [gzip.compress(bytes(FREE_BYTES))]) == bytes(FREE_BYTES)


@pytest.mark.parametrize(("said", "expected"), [
    ([], []), (["gzip"], [b"gzip"]), (["GZip, identity"], [b"gzip"]), (["gzip", "br"], [b"gzip", b"br"]), ([" , "], []),
])
def test_the_codings_of_a_body(said, expected):
    assert codings(fields(*(f"Content-Encoding: {one}" for one in said))) == expected
