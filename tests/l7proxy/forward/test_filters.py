"""What a client gets of an answer: taken by type, size, host, URL and words, and put right where it was changed."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from l7proxy.forward.destination import destination
from l7proxy.forward.filters import HOLD_BYTES, Blocked, FilterRule, Filters, Partial
from l7proxy.messages import CHUNKED, NO_BODY
from layerlab import LabError
from tests.l7proxy.forward.conftest import fields, lines, read_response

HTML = "Content-Type: text/html; charset=utf-8"
BAD = FilterRule("bad", "block", words=("secret",))
NICE = FilterRule("nice", "replace", words=("damn", "heck"), by="d*mn")


def plan(*rules, url="http://shop.example/a"):
    return Filters(rules).plan(destination(b"GET", url.encode()))


def through(rules, said, pieces, status="200 OK", method=b"GET"):
    """(head, what of the body goes on) of an answer; pieces: as they come."""
    head, body = plan(*rules).answer(read_response(*said, status=status, method=method))
    if body is None:
        return head, b"".join(pieces)
    return head, b"".join([out for piece in pieces for out in body.feed(piece)] + list(body.end()))


def blocked(rules, said=(HTML, "Content-Length: 9"), pieces=(), **more):
    with pytest.raises(Blocked) as stopped:
        through(rules, said, pieces, **more)
    return stopped.value.verdict


# By what the head says.

@pytest.mark.parametrize(("rule", "said", "stopped"), [
    ({"types": ("image/*",)}, ["Content-Type: image/png"], True),
    ({"types": ("image/*",)}, ["Content-Type: IMAGE/PNG ; x=y"], True),
    ({"types": ("image/png", "video/*")}, ["Content-Type: image/gif"], False),
    ({"types": ("image/*",)}, [], False),
    ({"types": ("application/x-msdownload",)}, ["Content-Type: application/x-msdownload"], True),
    ({"over_bytes": 8}, ["Content-Length: 9"], True),
    ({"over_bytes": 9}, ["Content-Length: 9"], False),
    ({"over_bytes": 8, "types": ("video/*",)}, ["Content-Length: 9"], False),
    ({"over_bytes": 8, "types": ("video/*",)}, ["Content-Length: 9", "Content-Type: video/mp4"], True),
    ({"over_bytes": 8, "hosts": ("other.example",)}, ["Content-Length: 9"], False),
    ({"over_bytes": 8, "urls": ("*/a",)}, ["Content-Length: 9"], True),
])
def test_an_answer_is_stopped_by_its_head(rule, said, stopped):
    made = plan(FilterRule("it", "block", **rule))
    if not stopped:
        assert made is None or made.answer(read_response(*said))[0] == read_response(*said)
        return
    with pytest.raises(Blocked) as found:
        made.answer(read_response(*said))
    assert (found.value.verdict.rule, found.value.verdict.status) == ("it", 403)


@pytest.mark.parametrize(("rule", "target", "stopped"), [
    ({"hosts": (".ads.example",)}, "http://x.ads.example/", True),
    ({"hosts": (".ads.example",)}, "http://shop.example/", False),
    ({"urls": ("*/banner/*",)}, "http://shop.example/banner/1", True),
    ({"hosts": (".ads.example",), "urls": ("*/banner/*",)}, "http://shop.example/banner/1", False),
    ({"hosts": (".ads.example",)}, "x.ads.example:443", True),
    ({"urls": ("*",)}, "x.ads.example:443", False),
    ({}, "http://shop.example/", True),
])
def test_what_needs_no_answer_is_stopped_before_it_is_asked_for(rule, target, stopped):
    goal = destination(b"GET" if "/" in target else b"CONNECT", target.encode())
    filters = Filters([FilterRule("it", "block", **rule)])
    if stopped:
        with pytest.raises(Blocked):
            filters.plan(goal)
    else:
        assert filters.plan(goal) is None


def test_rules_are_taken_in_their_order():
    png = ["Content-Type: image/png"]
    good = FilterRule("good", "allow", hosts=("shop.example",))
    images = FilterRule("images", "block", types=("image/*",))
    pngs = FilterRule("pngs", "allow", types=("image/png",))
    rest = FilterRule("rest", "block")
    assert plan(good, images) is None
    assert plan(pngs, images).answer(read_response(*png))[1] is None
    assert blocked([images, pngs], png).rule == "images"
    assert blocked([pngs, rest], [HTML]).rule == "rest"
    assert plan(pngs, rest).answer(read_response(*png))[1] is None
    with pytest.raises(Blocked):
        plan(rest)


def test_of_a_tunnel_only_the_name_is_seen():
    goal = destination(b"CONNECT", b"shop.example:443")
    assert Filters([BAD, NICE, FilterRule("images", "block", types=("image/*",))]).plan(goal) is None
    rest = FilterRule("rest", "block", hosts=("shop.example",))
    assert Filters([FilterRule("good", "allow", hosts=("shop.example",)), rest]).plan(goal) is None
    with pytest.raises(Blocked):
        Filters([FilterRule("pngs", "allow", types=("image/png",)), rest]).plan(goal)


def test_a_part_counts_as_long_as_the_whole():
    rule = FilterRule("long", "block", over_bytes=100)
    assert blocked([rule], ["Content-Length: 10", "Content-Range: bytes 0-9/1000"], status="206 Partial Content")
    assert through([rule], ["Content-Length: 10", "Content-Range: bytes 0-9/100"], [b"x" * 10],
                   status="206 Partial Content")[1] == b"x" * 10


def test_a_length_that_nobody_told_is_counted():
    rule = FilterRule("long", "block", over_bytes=10)
    chunked = ["Transfer-Encoding: chunked"]
    assert through([rule], chunked, [b"12345", b"67890"])[1] == b"1234567890"
    assert blocked([rule], chunked, [b"12345", b"67890", b"1"]).rule == "long"
    _, body = plan(rule).answer(read_response(*chunked))
    assert list(body.feed(b"12345")) == [b"12345"]


def test_head_is_stopped_as_get_is():
    assert blocked([FilterRule("long", "block", over_bytes=8)], method=b"HEAD").rule == "long"


# By words.

def test_a_word_is_found_wherever_it_is_cut():
    for cut in range(1, 20):
        text = b"this is a SeCrEt, see"
        assert blocked([BAD], pieces=[text[:cut], text[cut:]]).rule == "bad"
    assert through([BAD], [HTML, "Content-Length: 9"], [b"secre", b"!"])[1] == b"secre!"


def test_blocking_changes_nothing_of_what_goes_on():
    said = [HTML, 'ETag: "x"', "Content-Encoding: gzip", "Cache-Control: no-transform", "Repr-Digest: sha-256=:eA==:",
            "Content-Length: 9"]
    coded = gzip.compress(b"all is well")
    head, out = through([BAD], said, [coded[:7], coded[7:]])
    assert head == read_response(*said)
    assert out == coded


@pytest.mark.parametrize(("coding", "code"), [
    ("gzip", gzip.compress), ("deflate", zlib.compress), ("X-Gzip", gzip.compress)])
def test_a_word_is_found_in_what_is_packed(coding, code):
    coded = code(b"a secret, see")
    for cut in range(1, len(coded)):
        verdict = blocked([BAD], [HTML, f"Content-Encoding: {coding}"], [coded[:cut], coded[cut:]])
        assert (verdict.rule, verdict.status) == ("bad", 403)


def test_no_transform_does_not_keep_a_block_from_happening():
    assert blocked([BAD], [HTML, "Cache-Control: no-transform"], [b"secret"]).rule == "bad"


def test_nothing_goes_before_the_beginning_was_looked_at():
    _, body = plan(BAD).answer(read_response(HTML))
    assert list(body.feed(b"x" * HOLD_BYTES)) == []
    assert sum(map(len, body.feed(b"y" * 10))) == HOLD_BYTES + 10
    assert list(body.feed(b"z")) == [b"z"]
    _, body = plan(BAD).answer(read_response(HTML))
    assert list(body.feed(b"short")) == []
    assert list(body.end()) == [b"short"]


def test_events_are_not_held():
    _, body = plan(BAD).answer(read_response("Content-Type: text/event-stream"))
    assert list(body.feed(b"data: x\n\n")) == [b"data: x\n\n"]
    with pytest.raises(Blocked):
        list(body.feed(b"data: secret"))


@pytest.mark.parametrize("said", [["Content-Type: image/png"], ["Content-Type: application/octet-stream"], []])
def test_what_is_no_text_is_not_looked_into(said):
    assert plan(BAD).answer(read_response(*said))[1] is None


def test_types_say_what_else_is_looked_into():
    assert blocked([FilterRule("it", "block", types=("application/x-lab",), words=("secret",))],
                   ["Content-Type: application/x-lab"], [b"secret"]).rule == "it"


@pytest.mark.parametrize("said", ["br", "zstd", "gzip, br", "gzip, gzip"])
def test_what_can_not_be_looked_into_is_blocked_and_not_replaced(said):
    verdict = blocked([BAD], [HTML, f"Content-Encoding: {said}"], [b"x"])
    assert "can't be looked into" in verdict.why
    unchanged = [HTML, f"Content-Encoding: {said}", 'ETag: "x"']
    assert through([NICE], unchanged, [b"damn"]) == (read_response(*unchanged), b"damn")


@pytest.mark.parametrize("data", [b"plain", gzip.compress(b"half of it", mtime=0)[:-4],
                                  gzip.compress(bytes(2**25), mtime=0)])
def test_what_is_damaged_or_a_bomb_is_a_502(data):
    verdict = blocked([BAD], [HTML, "Content-Encoding: gzip"], [data])
    assert (verdict.status, verdict.error) == (502, "http_response_content_coding")
    assert blocked([NICE], [HTML, "Content-Encoding: gzip"], [data]).status == 502


# Replaced.

SAID = [HTML, 'ETag: "x"', "Content-MD5: eA==", "Digest: md5=eA==", "Repr-Digest: sha-256=:eA==:",
        "Vary: Accept-Encoding", "Content-Digest: sha-256=:eA==:", "Accept-Ranges: bytes",
        "Last-Modified: Tue, 24 Nov 2026 18:00:00 GMT"]
RIGHT = [HTML, 'ETag: W/"x"', "Vary: Accept-Encoding", "Last-Modified: Tue, 24 Nov 2026 18:00:00 GMT"]


def test_a_word_is_replaced_and_what_that_makes_untrue_is_put_right():
    head, out = through([NICE], [*SAID, "Content-Length: 15"], [b"oh da", b"mn and HECK no"])
    assert out == b"oh d*mn and d*mn no"
    assert lines(head.fields) == RIGHT
    assert head.body == CHUNKED


@pytest.mark.parametrize(("coding", "code"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_what_was_packed_goes_on_as_plain_text(coding, code):
    coded = code(b"oh damn " * 1000)
    head, out = through([NICE], [*SAID, f"Content-Encoding: {coding}"], [bytes([octet]) for octet in coded])
    assert out == b"oh d*mn " * 1000
    assert lines(head.fields) == RIGHT


@pytest.mark.parametrize("more", ["no-transform", "max-age=60, No-Transform", "public,no-transform"])
def test_no_transform_is_respected(more):
    said = [*SAID, f"Cache-Control: {more}", "Content-Length: 4"]
    assert through([NICE], said, [b"damn"]) == (read_response(*said), b"damn")


@pytest.mark.parametrize("coded", [[], ["Content-Encoding: gzip"]])
@pytest.mark.parametrize("rule", [BAD, NICE])
def test_a_part_of_a_text_can_not_be_looked_into(rule, coded):
    """Else a word is fetched in two halves."""
    said = [HTML, *coded, "Content-Range: bytes 5-9/99"]
    with pytest.raises(Partial) as refused:
        plan(rule).answer(read_response(*said, status="206 Partial Content"))
    assert "can't be looked into" in refused.value.verdict.why
    video = ["Content-Type: video/mp4", "Content-Range: bytes 5-9/99"]
    assert through([BAD], video, [b"x"], status="206 Partial Content")[1] == b"x"


def test_a_directive_of_another_name_is_not_it():
    assert through([NICE], [HTML, "Cache-Control: x-no-transform, no-transformer"], [b"damn"])[1] == b"d*mn"


def test_a_part_of_what_is_not_to_be_transformed_goes_on():
    said = [*SAID, "Cache-Control: no-transform", "Content-Length: 4", "Content-Range: bytes 0-3/9"]
    assert through([NICE], said, [b"damn"], status="206 Partial Content") == (
        read_response(*said, status="206 Partial Content"), b"damn")


@pytest.mark.parametrize("rule", [BAD, NICE, FilterRule("images", "block", types=("image/*",))])
def test_parts_in_one_answer_do_not_say_what_they_are(rule):
    said = ["Content-Type: multipart/byteranges; boundary=x"]
    with pytest.raises(Partial):
        plan(rule).answer(read_response(*said, status="206 Partial Content"))


@pytest.mark.parametrize(("method", "status"), [(b"HEAD", "200 OK"), (b"GET", "304 Not Modified")])
def test_what_has_no_body_says_what_one_with_a_body_would(method, status):
    head, body = plan(NICE).answer(read_response(*SAID, "Content-Length: 15", method=method, status=status))
    assert body is None
    assert lines(head.fields) == RIGHT
    assert (head.body, head.declared) == (NO_BODY, NO_BODY)


@pytest.mark.parametrize(("rule", "more", "tag"), [(NICE, [], 'W/"x"'), (BAD, [], '"x"'),
                                                   (NICE, ["Cache-Control: no-transform"], '"x"')])
def test_a_304_that_does_not_say_its_type_may_be_of_a_text(rule, more, tag):
    head, body = plan(rule).answer(read_response('ETag: "x"', *more, status="304 Not Modified"))
    assert (lines(head.fields)[0], body) == (f"ETag: {tag}", None)


@pytest.mark.parametrize(("charset", "text", "out"), [
    ("utf-8", "na\u00efve", "\u00fc"), ("iso-8859-1", "na\u00efve", "\u00fc"), ("windows-1252", "na\u00efve", "\u00fc"),
])
def test_words_are_looked_for_in_the_texts_own_charset(charset, text, out):
    rule = FilterRule("it", "replace", words=("na\u00efve",), by="\u00fc")
    said = [f"Content-Type: text/html; charset={charset}"]
    assert through([rule], said, [text.encode(charset)])[1] == out.encode(charset)


@pytest.mark.parametrize("charset", ["gbk", "utf-16", "iso-8859-99", "windows-1259", "x"])
def test_in_a_charset_of_another_kind_nothing_is_replaced_and_ascii_still_found(charset):
    said = [f"Content-Type: text/html; charset={charset}"]
    assert through([NICE], said, [b"damn"])[1] == b"damn"
    assert blocked([BAD], said, [b"secret"]).rule == "bad"


def test_what_a_charset_has_not_is_written_as_a_reference():
    rule = FilterRule("it", "replace", words=("damn",), by="\u2665")
    assert through([rule], ["Content-Type: text/html; charset=iso-8859-1"], [b"damn"])[1] == b"&#9829;"


def test_case_can_be_told_apart():
    rule = FilterRule("it", "replace", words=("Damn",), by="-", any_case=False)
    assert through([rule], [HTML], [b"Damn damn DAMN"])[1] == b"- damn DAMN"


def test_blocking_and_replacing_work_on_one_text():
    assert through([NICE, BAD], [HTML], [b"damn sec", b"rat"])[1] == b"d*mn secrat"
    assert blocked([NICE, BAD], [HTML], [b"damn sec", b"ret"]).rule == "bad"


def test_trailers_that_are_no_longer_true_are_left_out():
    trailers = fields("Repr-Digest: sha-256=:eA==:", "X-A: b")
    _, body = plan(NICE).answer(read_response(HTML, "Transfer-Encoding: chunked"))
    assert lines(body.trailers(trailers)) == ["X-A: b"]
    _, body = plan(BAD).answer(read_response(HTML, "Transfer-Encoding: chunked"))
    assert body.trailers(trailers) == trailers


@given(st.lists(st.sampled_from([b"damn", b"da", b"mn", b"secre", b"heck", b" ", b"x" * 50]), max_size=30),
       st.integers(1, 9), st.booleans())
def test_however_it_comes_the_same_goes_on(parts, size, packed):
    text = b"".join(parts)
    data = gzip.compress(text) if packed else text
    said = [HTML, *(["Content-Encoding: gzip"] if packed else [])]
    pieces = [data[at:at + size] for at in range(0, len(data), size)]
    assert through([NICE, BAD], said, pieces)[1] == text.replace(b"damn", b"d*mn").replace(b"heck", b"d*mn")


# What is asked for.

@pytest.mark.parametrize(("said", "coding"), [
    (["Accept-Encoding: gzip, deflate, br, zstd"], "gzip"), (["Accept-Encoding: br"], "identity"), ([], "identity"),
    (["Accept-Encoding: br;q=1.0, GZIP;q=0.5"], "gzip"), (["Accept-Encoding: gzip;q=0"], "identity"),
    (["Accept-Encoding: gzip;q=0.000, br"], "identity"), (["Accept-Encoding: br", "Accept-Encoding: x-gzip"], "gzip"),
    (["Accept-Encoding: *"], "identity"), (["Accept-Encoding: notgzip"], "identity"),
])
def test_an_origin_is_asked_for_what_can_be_looked_into(said, coding):
    asked = plan(BAD).asks(fields("A: b", *said, "Range: bytes=0-9"))
    assert lines(asked) == ["A: b", "Range: bytes=0-9", f"Accept-Encoding: {coding}"]


def test_where_no_words_are_nothing_else_is_asked_for():
    asked = fields("Accept-Encoding: br", "Range: bytes=0-9")
    assert plan(FilterRule("images", "block", types=("image/*",))).asks(asked) is asked


@pytest.mark.parametrize("rule", [
    {"action": "remove"}, {"action": "replace"}, {"action": "block", "words": ("",)},
    {"action": "block", "over_bytes": -1}, {"action": "allow", "words": ("x",)}, {"action": "allow", "over_bytes": 1},
    {"action": "block", "hosts": ("a b",)}, {"action": "block", "words": ("x",), "over_bytes": 1},
    {"action": "block", "name": "a b"},
])
def test_what_can_not_be_meant_is_refused(rule):
    with pytest.raises(LabError):
        FilterRule(**{"name": "it"} | rule)


def test_ways_to_meet_some_rules_and_not_others_fill_no_memory():
    filters = Filters([FilterRule(f"r{number}", "block", urls=(f"*/{number}/*",), types=("x/y",))
                       for number in range(12)])
    for chosen in range(4096):
        path = "".join(f"/{number}" for number in range(12) if chosen >> number & 1)
        filters.plan(destination(b"GET", f"http://a{path}/x".encode()))
    assert len(filters._plans) <= 256
