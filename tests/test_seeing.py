"""docs/seeing.md is one session with one lab of layer l7: it is played from top to bottom, as docs/operating.md is.

Octets and milliseconds are whatever they are.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shells import shell
from tests.test_operating import Session, fits, steps

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "seeing.md").read_text()
MILLISECONDS = re.compile(r"(?<![\d.])\d+\.\d{1,3}(?![\d.])")
OCTETS = re.compile(r'(?<="octets_up": )\d+|(?<="octets_down": )\d+')
ROW = re.compile(r"^  (?:srv\d|all) .*", re.MULTILINE)


def plain(text: str) -> str:
    """`text` with the same number in the place of all that are whatever they are."""
    text = ROW.sub(lambda row: re.sub(r"(?<= )\d{3,}(?= )", "1000", row[0]), text)
    return OCTETS.sub("1000", MILLISECONDS.sub("0.0", text))


@pytest.mark.live
def test_the_page_says_what_the_lab_says() -> None:
    with shell("--layer", "l7") as lab:
        session = Session(lab)
        for step in steps(PAGE):
            said = session.say(step)
            assert fits(plain(step.says), plain(said)), f"{step.prompt}{step.command}\n{said}\nThe page:\n{step.says}"


@pytest.mark.parametrize(("says", "said"), [
    ("  srv1   2   0   414   1433   1   0.000\n", "  srv1   3   0   414   1433   1   0.000\n"),
    ('"saved": 3,\n', '"saved": 4,\n'), ("tries=1; queue-ms=0.090\n", "tries=2; queue-ms=0.090\n"),
])
def test_a_page_that_is_wrong_is_seen(says: str, said: str) -> None:
    assert not fits(plain(says), plain(said))


@pytest.mark.parametrize(("says", "said"), [
    ("  srv1   2   0   414   1433   1   0.000\n", "  srv1   2   0   415   999   1   7.250\n"),
    ('"octets_up": 1234,\n', '"octets_up": 99,\n'), ("tries=1; queue-ms=0.090\n", "tries=1; queue-ms=12.5\n"),
])
def test_what_may_differ_is_let_through(says: str, said: str) -> None:
    assert fits(plain(says), plain(said))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE))))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
