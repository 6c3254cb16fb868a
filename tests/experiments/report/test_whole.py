"""The whole report, and two runs side by side: well formed, sufficient to themselves, and right about the verdicts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from experiments.envelope import Envelope
from experiments.everything import write_report
from experiments.lecture import LECTURE
from experiments.report import beside, whole, write_beside, write_whole_run
from experiments.report.chapters import LOOKS
from experiments.report.verdicts import tally
from experiments.report.verdicts_plot import beside as placed
from experiments.runs import read_run
from experiments.verdicts import Rule, read
from tests.experiments.report import rows
from tests.experiments.report.test_page import FETCHES, HOSTILE, Parsed

CLOSER = [{"layer": layer, "where": where, "text": f"{layer} <{where}>"}
          for layer in rows.LAYERS for where in ("rule", "packet before", "packet after")]
RUN = [rows.envelope(closer=CLOSER), Envelope("crowd", 7, {"size": "quick"}, {"crowd": rows.crowd()})]


@cache
def one() -> str:
    """The page of RUN."""
    return whole(RUN)


@cache
def two() -> str:
    """RUN beside another one."""
    return beside(RUN, other(), ("mine", "yours"))


@cache
def same() -> str:
    """RUN beside itself."""
    return beside(RUN, RUN, ("mine", "mine"))


@pytest.fixture(scope="module")
def parsed() -> Parsed:
    return Parsed(one())


def other() -> list[Envelope]:
    changed = [row | {"verdict": "doesn't hold", "figure": 0.2, "low": 0.1, "high": 0.3}
               if str(row["claim"]).startswith("8.") else row for row in rows.verdicts()]
    return [dataclasses.replace(rows.envelope(verdicts=changed), environment={"cores": 64})]


@pytest.mark.parametrize("page", [one, two])
def test_a_page_is_well_formed_and_needs_nothing_but_itself(page: Callable[[], str]) -> None:
    parsed = Parsed(page())
    assert parsed.wrong == []
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for _, attributes in parsed.tags for name, value in attributes.items()
              if name.endswith("href") and value.startswith("#")}
    wanted |= {word for _, attributes in parsed.tags for word in attributes.get("aria-labelledby", "").split()}
    assert wanted <= set(ids)
    assert not FETCHES & {name for _, attributes in parsed.tags for name in attributes}
    assert not {"script", "link", "iframe", "object", "img"} & {tag for tag, _ in parsed.tags}
    assert not re.search(r"url\((?!#)", page())


def test_every_claim_has_a_chapter_with_verdict_plot_network_command_and_a_closer_look() -> None:
    chapters = {int(number): body for number, body in
                re.findall(r'<h2 id="c(\d+)">(.*?)</section>', one(), re.DOTALL)}
    assert list(chapters) == list(LECTURE)
    for number, chapter in chapters.items():
        told = " ".join(re.sub(r"<[^>]+>", "", chapter).split())
        assert "with 95" in told
        assert "It holds if" in told
        assert "<svg" in chapter
        assert 'class="network"' in chapter
        assert "./lab run compare --seed 7" in told
        for layer in LOOKS[number].layers:
            assert f"{layer} &lt;packet before&gt;" in chapter


def test_the_list_at_the_top_says_what_came_of_each(parsed: Parsed) -> None:
    for words in ("✓ 1 holds", "✗ 1 doesn’t hold", "? 1 undecided", "✓ 1 holds and 1 by construction",
                  "holds only if it rains"):
        assert words in " ".join(parsed.words.split()), words


def test_a_claim_that_was_not_tried_is_said() -> None:
    some = [dataclasses.replace(rows.envelope(), tables={"verdicts": rows.verdicts()[:2]})]
    assert Parsed(whole(some)).words.count("not tried in this run") == len(LECTURE) - 1
    none = [Envelope("crowd", 1, {}, {"crowd": rows.crowd(), "verdicts": []})]
    assert "no claims were tried" in Parsed(whole(none)).words


def test_two_runs_are_told_apart() -> None:
    found = " ".join(Parsed(two()).words.split())
    assert "1 with another verdict" in found
    assert "mine beside yours" in found
    assert "64" in found
    assert "0 with another verdict, 0 with intervals that don’t meet" in " ".join(Parsed(same()).words.split())


def test_both_sides_of_every_picture_are_there() -> None:
    assert same().count("<svg") % 2 == 0
    assert same().count("<svg") > 10


@pytest.mark.parametrize(("rule", "value", "right"), [
    (Rule("a", ">", 2), 3.0, True), (Rule("a", ">", 2), 1.0, False), (Rule("a", "<", 2), 1.0, True),
    (Rule("a", ">", 0), 1.0, True), (Rule("a", ">", 0), -1.0, False), (Rule("a", "<", 0), 0.5, False),
    (Rule("a", ">", 0.5), 0.0, False),
])
def test_right_of_the_line_is_where_it_holds(rule: Rule, value: float, right: bool) -> None:
    assert (placed(rule, value) > 0) is right


def test_a_tally_counts_each_kind() -> None:
    words = tally([read(row) for row in rows.verdicts()])
    assert words == "11 hold, 1 doesn’t hold, 1 holds under a condition, 1 undecided and 1 by construction"


def test_what_comes_from_a_run_stays_text() -> None:
    row = rows.verdicts()[0] | {"claim": f"1. {HOSTILE}"}
    tables = {"verdicts": [row], HOSTILE: [{HOSTILE: HOSTILE}], "closer": [{"layer": "l4", "where": HOSTILE,
                                                                            "text": HOSTILE}]}
    hostile = [Envelope("../" + HOSTILE, 1, {HOSTILE: HOSTILE}, tables)]
    for page in (whole(hostile), beside(hostile, hostile, (HOSTILE, HOSTILE))):
        found = Parsed(page)
        assert found.wrong == []
        assert not found.all("script")
        assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)


def test_every_link_of_a_written_report_leads_to_a_file(tmp_path: Path) -> None:
    write_report(tmp_path, RUN)
    links = {unquote(link["href"]) for link in Parsed((tmp_path / "report.html").read_text()).all("a")}
    files = {path.name for path in tmp_path.iterdir()} - {"report.html"}
    assert {link for link in links if not link.startswith("#")} <= files
    assert read_run(tmp_path) == RUN


def test_they_are_written_whole(tmp_path: Path) -> None:
    assert write_whole_run(RUN[1:], tmp_path) == tmp_path / "report.html"
    assert write_beside(RUN[1:], RUN[1:], tmp_path, names=("a", "b")) == tmp_path / "beside.html"
    assert all(path.read_text().endswith("</html>\n") for path in tmp_path.iterdir())
