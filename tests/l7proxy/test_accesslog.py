"""What stands in the access log, and that nobody can write lines of his own into it."""

from __future__ import annotations

import json
import os
import re

import pytest

from l7proxy.accesslog import AccessLog
from l7proxy.messages import NO_BODY, RequestHead, field
from l7proxy.outside import Answered
from layerlab import LabError


def answered(target=b"/cart", *fields, head=True, **more):
    asked = RequestHead(b"GET", target, b"shop.example", 1, list(fields), NO_BODY, True) if head else None
    return Answered(**{"client": "10.0.1.1", "head": asked, "status": 200, "octets": 1273, "ended_s": 0.0,
                       "took_s": 0.000412, "server": "s1", "tries": 1, "note": ""} | more)


@pytest.fixture
def log(tmp_path):
    def build(form):
        return AccessLog(str(tmp_path / "access.log"), form, lambda seconds, call: None)
    return build


def lines(log):
    log.flush()
    with open(log.path) as file:
        return file.read().splitlines()


def test_the_combined_format(log):
    it = log("text")
    it.add(answered(b"/cart", field(b"User-Agent", b"curl/7.88"), field(b"Referer", b"http://a/")))
    it.add(answered(head=False, status=400, server="-", tries=0, note="http_request_error"))
    first, second = lines(it)
    assert re.fullmatch(r'10\.0\.1\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\] '
                        r'"GET /cart HTTP/1\.1" 200 1273 "http://a/" "curl/7\.88" 0\.000412 s1 1 -', first)
    assert second.endswith('"-" 400 1273 "-" "-" 0.000412 - 0 http_request_error')


@pytest.mark.parametrize("value", [b'" 200 1 "x', b"\xff\\", b"a\tb"])
def test_what_a_client_says_stays_between_its_marks(log, value):
    it = log("text")
    it.add(answered(b'/"x', field(b"User-Agent", value), field(b"Referer", value)))
    line, = lines(it)
    assert line.count('"') == 6
    assert line.isascii()
    assert line.isprintable()


def test_json_has_everything(log):
    it = log("json")
    it.add(answered(b"/cart", field(b"User-Agent", b'curl "x"\xff'), took_s=0.5))
    form = json.loads(lines(it)[0])
    assert form.pop("time") > 0
    assert form == {"client": "10.0.1.1", "method": "GET", "host": "shop.example", "target": "/cart", "version": "1.1",
                    "status": 200, "octets": 1273, "took_s": 0.5, "server": "s1", "tries": 1, "note": "",
                    "referer": "", "user_agent": 'curl "x"\xff'}


def test_it_goes_on_in_a_new_file_when_the_old_one_was_moved(log, tmp_path):
    it = log("text")
    it.add(answered(b"/1"))
    os.rename(it.path, tmp_path / "old.log")
    it.reopen()
    it.add(answered(b"/2"))
    assert [line.split()[6] for line in lines(it)] == ["/2"]
    assert "/1" in (tmp_path / "old.log").read_text()


def test_a_path_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(LabError, match="access log"):
        AccessLog(str(tmp_path / "no" / "such"), "text", lambda seconds, call: None)


def test_a_full_disk_loses_lines_and_says_how_many(log, capfd, tmp_path):
    it = log("text")
    whole, it._file = it._file, os.open("/dev/full", os.O_WRONLY)
    for _ in range(3):
        it.add(answered())
        it.flush()
    it._file = whole
    it.add(answered())
    assert len(lines(it)) == 1
    assert capfd.readouterr().err.splitlines() == [f"access log {it.path}: No space left on device",
                                                   f"access log {it.path}: 3 lines were lost"]
