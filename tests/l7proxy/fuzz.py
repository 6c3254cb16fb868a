"""A fuzzer that follows coverage, to be run by hand. What it finds becomes a row of corpus/found.py.

    pip install atheris                       (Google's, on libFuzzer; it is no dependency of the lab)
    python -m tests.l7proxy.fuzz 60           for a minute; it ends sooner where a rule of judge.py is broken

The first octet says which side of which proxy speaks and what is asked for, the second and third where the octets are
cut; all others are what is said. It begins with the whole corpus, so it spends its time on what comes next.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["LAYER_LAB_COMPILED"] = "0"  # what is compiled can't be followed

import atheris

with atheris.instrument_imports(include=["l7proxy"]):
    from tests.l7proxy import judge
    from tests.l7proxy.forward import hostile
from tests.l7proxy.corpus import answers, found, requests
from tests.l7proxy.forward.test_hostile import GOALS

METHODS = (b"GET", b"HEAD", b"GET", b"GET")
LEVELS = ("transparent", "anonymous", "elite", "elite")
WORDS = [b"Transfer-Encoding: chunked\r\n", b"Content-Length: ", b"Host: a\r\n", b"Connection: ", b"Upgrade: ",
         b"\r\n\r\n", b"HTTP/1.1", b"0\r\n\r\n", b"Expect: 100-continue\r\n", b"TE: trailers\r\n",
         b"close", b"chunked", b"GET / ", b"CONNECT ", b"http://", b"a:443", b"@", b"[::1]",
         b"Proxy-Authorization: Basic ", b"Via: 1.1 ", b"Max-Forwards: "]


def one(data: bytes) -> None:
    """One run. Raises what judge.py raises."""
    if len(data) < 4:
        return
    how, first, second, raw = data[0], data[1], data[2], data[3:]
    cuts = [first, first + second] if how & 8 else range(len(raw)) if how & 16 else [first * second]
    if how & 64:
        hostile.judge(raw, list(cuts), LEVELS[how >> 1 & 3])
    elif how & 1:
        judge.judge_requests(raw, list(cuts))
    else:
        judge.judge_answer(METHODS[how >> 1 & 3], raw, list(cuts), ends=bool(how & 32))


def seeds() -> list[bytes]:
    """The corpus, as this fuzzer writes it."""
    asked = [raw for raw, *_ in (requests.REFUSED | requests.BROKEN | requests.PASSED).values()] + found.REQUESTS
    said = [*answers.REFUSED.values(), *answers.CUT.values(), *(row[1] for row in answers.PASSED.values())]
    return [b"\x09\x10\x20" + raw for raw in asked if len(raw) < 4000] + [
        b"\x48\x10\x20" + raw for raw in found.FORWARD] + [
        b"\x48\x10\x20" + raw.replace(b" /", b" http://a/", 1) for raw in asked if len(raw) < 4000] + [
        b"\x48\x10\x20GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % goal for goal in GOALS] + [
        b"\x48\x10\x20CONNECT %b HTTP/1.1\r\nHost: a\r\n\r\nGET" % goal for goal in GOALS] + [
        bytes((how,)) + b"\x10\x20" + raw for raw in said + found.ANSWERS for how in (8, 40)]


def main() -> None:
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    with tempfile.TemporaryDirectory() as name:
        for number, seed in enumerate(seeds()):
            Path(name, str(number)).write_bytes(seed)
        words = Path(name, "words.dict")
        words.write_text("\n".join(map(_quoted, WORDS)) + "\n")
        atheris.Setup([sys.argv[0], name, f"-max_total_time={seconds}", "-max_len=4096", f"-dict={words}",
                       f"-artifact_prefix={os.environ.get('TMPDIR', tempfile.gettempdir())}/"], one)
        atheris.Fuzz()


def _quoted(word: bytes) -> str:
    """A line of libFuzzer's dictionary."""
    return '"' + "".join(f"\\x{octet:02x}" for octet in word) + '"'


if __name__ == "__main__":
    main()
