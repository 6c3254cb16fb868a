"""docs/handouts: a page for each experiment, one page long; its commands are known, its figures are what comes out."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from experiments.catalog import EXPERIMENTS
from experiments.cli import cli
from experiments.everything import everything
from tests.handout import HEADINGS, Expected, Handout, constant, holds, value

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "handouts"
PAGES = [Handout.read(path) for path in sorted(FOLDER.glob("*.md")) if path.name != "README.md"]
LINES, COLUMNS = 60, 100  # of a page that is printed
SECONDS = 110             # an experiment that takes longer with --quick hangs
OF_THE_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_every_experiment_has_a_page_and_every_page_an_experiment() -> None:
    assert [page.name for page in PAGES] == sorted(one.name for one in everything())


@OF_THE_PAGE
def test_a_page_is_one_page_with_its_headings_in_order(page: Handout) -> None:
    lines = page.text.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= COLUMNS
    assert page.headings == HEADINGS
    assert 2 <= len(re.findall(r"^\d\. .*", page.section("Predict"), re.MULTILINE)) <= 4
    assert page.section("Predict").count("____") >= 2, "a student writes something down"


@OF_THE_PAGE
def test_a_page_names_the_claims_that_its_experiment_tries(page: Handout) -> None:
    told = {int(number) for number in re.findall(r"[Cc]laim (\d+)", page.text.partition("\n## ")[0])}
    assert told == set(EXPERIMENTS[page.name].lecture)


@OF_THE_PAGE
def test_its_commands_are_such_that_the_lab_knows(page: Handout) -> None:
    typed = [shlex.split(command)[1:] for command in page.commands]
    assert any(words[0] in ("run", page.name) and page.name in words and "--quick" in words for words in typed)
    assert any(words[0] == "report" for words in typed)
    for words in typed:
        parsed(words)


def parsed(words: list[str]) -> None:
    """Read words as the command line does, without doing what they say; a word that it doesn't know fails."""
    command = cli.commands[words[0]]
    with command.make_context(words[0], words[1:], resilient_parsing=False) as context:
        assert isinstance(context, click.Context)


@OF_THE_PAGE
def test_what_is_to_be_changed_is_there(page: Handout) -> None:
    assert page.changes
    for file, name, said in page.changes:
        assert (ROOT / file).exists()
        assert constant(file, name) == value(said), f"{file}: {name}"


@OF_THE_PAGE
def test_a_page_expects_something(page: Handout) -> None:
    assert len(page.expected) >= 4
    assert len({(one.table, one.row, one.figure) for one in page.expected}) == len(page.expected)


@pytest.mark.parametrize("link", sorted({(page.name, link) for page in [*PAGES, Handout.read(FOLDER / "README.md")]
                                         for link in re.findall(r"\]\(([^)#:]+)\)", page.text)}))
def test_a_link_leads_somewhere(link: tuple[str, str]) -> None:
    assert (FOLDER / link[1]).exists()


def test_the_teachers_list_has_every_page_and_known_commands() -> None:
    teachers = Handout.read(FOLDER / "README.md")
    assert set(re.findall(r"\]\(([\w-]+)\.md\)", teachers.text)) == {page.name for page in PAGES}
    for command in teachers.commands:
        parsed(shlex.split(command)[1:])


# -- live --------------------------------------------------------------------------------------


@pytest.mark.live
@OF_THE_PAGE
def test_the_figures_are_what_comes_out(page: Handout, tmp_path: Path) -> None:
    """As a student would: the quick command; and once more, where a machine that was busy had it come out otherwise."""
    wrong, said = ran(page, tmp_path / "run.json")
    if wrong:
        wrong, said = ran(page, tmp_path / "again.json")
    assert not wrong, "\n".join([*wrong, said])


def ran(page: Handout, written: Path) -> tuple[list[str], str]:
    """What was otherwise than the page expects, and what the run printed."""
    done = subprocess.run([sys.executable, "-P", "-m", "experiments", "run", page.name, "--quick", "--json",
                           str(written)], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: otherwise than predicted; by how much, the page says
    tables = json.loads(written.read_text())["tables"]
    assert tables["verdicts"]
    return [line for one in page.expected for line in one.wrong(tables)], done.stdout


# -- the reader itself -------------------------------------------------------------------------

TABLES = {"faults": [{"layer": "l2", "fault": "killed", "noticed": 0, "rounds": 2, "share": {"srv1": 3}, "s": None},
                     {"layer": "l4", "fault": "killed", "noticed": 2, "rounds": 2, "share": {"srv1": 9}, "s": 0.5}]}


@pytest.mark.parametrize(("row", "figure", "expected", "wrong"), [
    ("l2", "noticed", "0", 0), ("l2", "noticed", "1", 1), ("l4 / killed", "noticed of rounds", "all", 0),
    ("l2", "noticed of rounds", "all", 1), ("l2", "noticed of rounds", "none", 0),
    ("every", "rounds", "2", 0), ("every", "noticed", "at least 1", 1), ("l4", "share.srv1", "more than 9", 1),
    ("l4", "s", "0.4 to 0.6", 0), ("l4", "s", "less than 0.5", 1), ("l4", "s", "at most 0.5", 0),
    ("l2", "s", "nothing", 0), ("l4", "fault", "frozen", 1), ("l4", "fault", "killed", 0),
])
def test_a_figure_is_held_against_what_is_expected(row: str, figure: str, expected: str, wrong: int) -> None:
    assert len(list(Expected("faults", row, figure, expected).wrong(TABLES))) == wrong


@pytest.mark.parametrize("row", ["l3", "killed"])
def test_a_row_that_is_not_there_or_not_one_is_told(row: str) -> None:
    with pytest.raises(AssertionError, match="row"):
        list(Expected("faults", row, "noticed", "0").wrong(TABLES))


def test_an_expectation_that_says_nothing_is_told() -> None:
    with pytest.raises(AssertionError, match="nothing that a number can be"):
        holds(3, "quite many")


@pytest.mark.parametrize("command", ["run nowhere --quick", "run failover --quickly", "shell --layer l5"])
def test_a_command_that_the_lab_does_not_know_is_told(command: str) -> None:
    with pytest.raises(Exception, match=r"nowhere|quickly|l5"):
        parsed(shlex.split(command))
