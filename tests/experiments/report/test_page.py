"""The page: whole, valid, sufficient to itself, the same each time; and nothing in it that a run could smuggle in."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from experiments.envelope import Envelope
from experiments.experiment import Options
from experiments.report import page, write
from experiments.report.sections import SECTIONS
from layerlab import LabError
from tests.experiments.report import rows

VOID = {"meta", "link", "br", "img", "input", "hr"}
FETCHES = {"src", "srcset", "data", "poster", "action", "background"}
HOSTILE = "</style></title><script>alert(1)</script>\" onload='x' $x$ &amp; 😀"


class Parsed(HTMLParser):
    """A page taken apart; `wrong` says where it isn't well formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.wrong: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


def made(**tables: rows.Rows) -> str:
    return page(rows.envelope(**tables), question="what can be seen?", command="./lab run compare --seed 7")


@pytest.fixture(scope="module")
def text() -> str:
    return made(other=[{"a": 1, "b": "x"}], empty=[])


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    return Parsed(text)


def test_it_is_well_formed(parsed: Parsed) -> None:
    assert parsed.wrong == []


def test_ids_are_unique_and_every_reference_leads_to_one(parsed: Parsed, text: str) -> None:
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for _, attributes in parsed.tags for name, value in attributes.items()
              if name.endswith("href") and value.startswith("#")}
    wanted |= {word for _, attributes in parsed.tags for word in attributes.get("aria-labelledby", "").split()}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted <= set(ids)


def test_it_needs_nothing_but_itself(parsed: Parsed, text: str) -> None:
    assert not FETCHES & {name for _, attributes in parsed.tags for name in attributes}
    assert not {"script", "link", "iframe", "object", "img", "image", "base"} & {tag for tag, _ in parsed.tags}
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)
    namespaces = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    assert "http:" not in namespaces
    assert "https:" not in namespaces


def test_links_lead_to_the_files_beside_it(parsed: Parsed, tmp_path: Path) -> None:
    files = {path.name for path in rows.envelope(other=[{"a": 1}], empty=[]).write_report(tmp_path)}
    assert {link["href"] for link in parsed.all("a") if not link["href"].startswith("#")} == files


def test_every_table_is_there_with_its_pictures(parsed: Parsed) -> None:
    tables = rows.envelope().tables
    assert len(parsed.all("table")) == len(tables) + 1, "the one without a section as well, the empty one not"
    for name in (*tables, "other"):
        assert f"Table {name}" in parsed.words
    pictures = sum(len(SECTIONS[name].pictures) for name in tables)
    assert len(parsed.all("svg")) == pictures + 4, "and four networks"
    assert "This table has no rows." in parsed.words


def test_it_says_what_was_asked_where_and_how_to_ask_again(parsed: Parsed) -> None:
    for words in ("What can be seen?", "2000-01-01 00:00 UTC", "test data", "seed", "./lab run compare --seed 7"):
        assert words in parsed.words


def test_who_cannot_see_it_is_told(parsed: Parsed) -> None:
    assert parsed.all("html") == [{"lang": "en"}]
    for svg in parsed.all("svg"):
        assert svg["role"] == "img"
        assert len(svg["aria-labelledby"].split()) == 2, "title and description"
    assert {head.get("scope") for head in parsed.all("th")} == {"row", "col"}
    assert len(parsed.all("figcaption")) == len(parsed.all("figure"))
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}


def test_plots_have_no_colour_of_their_own(text: str) -> None:
    """Or it would be wrong in one of the two themes."""
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert not re.search(r"#[0-9a-fA-F]{6}\b|(?:fill|stroke): (?!none|var)", svg)
        ElementTree.fromstring(svg)
    named = set(re.findall(r"var\(--([\w-]+)\)", text))
    assert named <= set(re.findall(r"--([\w-]+):", text))


def test_a_badge_follows_the_rows() -> None:
    assert "otherwise than predicted" not in made()
    broken = [row | {"share": rows.share(48, 0, 0), "servers_used": 1} for row in rows.ladder()]
    assert made(ladder=broken).count("✗ otherwise than predicted") == 2, "in the list at the top and at the table"


def test_what_comes_from_a_run_stays_text() -> None:
    share = {HOSTILE: 3, "srv2": 4}
    ladder = [row | {"share": share, "servers_used": 2} for row in rows.ladder()]
    distinguish = [{"layer": "l4", "by": HOSTILE, "requests": 1, "as_wished": 1, "distinguished": True}]
    algorithms = [row | {"case": HOSTILE, "algorithm": HOSTILE, "share": share} for row in rows.algorithms()[:1]]
    best = [row | {"case": HOSTILE, "lowest_p95": HOSTILE, "winner": HOSTILE, "level_with": [HOSTILE]}
            for row in rows.best()[:1]]
    failover = [row | {"fault": HOSTILE} for row in rows.failover()[:2]]
    tables = {"ladder": ladder, "distinguish": distinguish, "algorithms": algorithms, "best": best,
              "failover": failover, HOSTILE: [{HOSTILE: HOSTILE}]}
    envelope = Envelope("../" + HOSTILE, 1, {HOSTILE: HOSTILE}, tables)
    found = Parsed(page(envelope, question=HOSTILE, command=HOSTILE))
    assert found.wrong == []
    assert not found.all("script")
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
    assert HOSTILE in found.words
    assert all(link["href"].startswith(("#", "..%2F", "../%3C")) for link in found.all("a"))


@pytest.mark.parametrize("servers", [1, 2, 5, 9, 40])
def test_any_number_of_servers(servers: int) -> None:
    share = {f"srv{number}": 10 for number in range(1, servers + 1)}
    table = [row | {"share": share, "servers_used": servers} for row in rows.ladder()]
    found = Parsed(made(ladder=table))
    assert found.wrong == []
    assert f"srv{servers}" in found.words


def test_the_same_envelope_gives_the_same_bytes() -> None:
    code = "from tests.experiments.report.test_page import made; import hashlib, sys; " \
           "sys.stdout.write(hashlib.sha256(made().encode()).hexdigest())"
    found = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
             for _ in range(2)}
    assert len(found) == 1


def test_it_is_written_beside_the_raw_files_and_whole(tmp_path: Path) -> None:
    path = write(rows.envelope(), tmp_path, question="what?", command="./lab")
    assert path == tmp_path / "compare.html"
    assert path.read_text().endswith("</html>\n")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(LabError, match="there is no folder"):
        write(rows.envelope(), tmp_path / "nowhere", question="what?", command="./lab")


def test_who_wants_no_report_does_not_wait_for_matplotlib() -> None:
    code = "import sys, experiments.__main__, experiments.catalog, experiments.compare; " \
           "sys.exit(bool({'matplotlib', 'jinja2'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("options", "command"), [
    (Options(), "./lab run compare --seed 1 --report DIR"),
    (Options(quick=True, seed=9, size={"clients": 3}), "./lab compare --clients 3 --quick --seed 9 --report DIR"),
])
def test_the_command_that_asks_again(options: Options, command: str) -> None:
    assert options.command("compare") == command
