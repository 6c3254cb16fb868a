"""docs/operating.md is one session with one lab: it is played from top to bottom, and says what the page says.

    $ command        is typed in another terminal      mininet> command    at the lab's prompt
    ...              any lines, or none                4711, 4712          the lab's id, and pid 1 of its capsule
    response times are whatever they are
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from balancing import api
from experiments.cli import cli
from experiments.pools import the_lab
from tests.shells import Shell, shell

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "operating.md").read_text()
PROXY_PAGE = (ROOT / "docs" / "seeing.md").read_text()
PROMPTS = ("$ ", "mininet> ")
LAB = f"{sys.executable} -P -m experiments"
RESPONSE_MS = r"(?:\d+\.\d{1,3}|–|null)"
FOLDER = "/proc/4712/root/run/lab/flat1"


@dataclass(frozen=True)
class Step:
    """A command of the page, and what the page says that it says."""

    prompt: str
    command: str
    says: str


def steps(page: str = PAGE) -> Iterator[Step]:
    """The page's commands, in their order."""
    for block in re.findall(r"^```console\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        for step in re.split(r"^(?=\$ |mininet> )", block, flags=re.MULTILINE)[1:]:
            line, _, says = step.partition("\n")
            prompt = next(prompt for prompt in PROMPTS if line.startswith(prompt))
            yield Step(prompt, line.removeprefix(prompt), says)


def fits(says: str, said: str) -> bool:
    """Whether what was said is what the page says."""
    pattern = "".join(_line(line) if line.strip() != "..." else r"(?:.*\n)*?" for line in _lines(says))
    return bool(re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(said))))


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _line(line: str) -> str:
    """A pattern for a line: its words with any spaces between, any response time at its end; a rule of any length."""
    if set(line.strip()) == {"─"}:
        return r" *─+\n"
    words = [re.escape(word) for word in line.split()]
    if words and ("response_ms" in line or line.startswith("  srv")) and re.fullmatch(RESPONSE_MS, line.split()[-1]):
        words[-1] = RESPONSE_MS
    return r"\s*" + r"\s+".join(words) + "\n"


class Session:
    """One lab, and what is typed to it."""

    def __init__(self, lab: Shell) -> None:
        self.lab, self.set = lab, ""
        self.folder = str(the_lab().folder)

    def say(self, step: Step) -> str:
        """What a command says, in the page's names."""
        command = step.command.replace(FOLDER, self.folder)
        said = self.lab.typed(command) if step.prompt == "mininet> " else self._outside(command)
        said = said.replace(self.folder, FOLDER).replace(f"{ROOT}/", "/srv/layer-lab/")
        return re.sub(rf"^( +){self.lab.id}(?= +flat)", r"\g<1>4711", said, flags=re.MULTILINE)

    def _outside(self, command: str) -> str:
        if re.match(r"\w+=", command):  # for the commands after it
            self.set += f"{command}\n"
            return ""
        done = subprocess.run(["bash", "-c", self.set + command.replace("./lab", LAB)], cwd=ROOT, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert done.returncode == (2 if done.stdout.startswith("lab: ") else 0), done.stdout
        return done.stdout


@pytest.mark.live
def test_the_page_says_what_the_lab_says() -> None:
    with shell() as lab:
        session = Session(lab)
        for step in steps():
            said = session.say(step)
            assert fits(step.says, said), f"{step.prompt}{step.command}\n{said}\nThe page says\n{step.says}"


@pytest.mark.parametrize(("says", "said"), [
    ("one\ntwo\n", "one\n"), ("one\n...\n", "two\n"), ("...\nnine\n", "one\ntwo\n"), ("", "one\n"),
    ("  srv1   up   1   2.5\n", "  srv1   down   1   2.5\n"), ('"weight": 3,\n', '"weight": 30,\n'),
])
def test_a_page_that_is_wrong_is_seen(says: str, said: str) -> None:
    assert not fits(says, said)


@pytest.mark.parametrize(("says", "said"), [
    ("one\n...\nfour\n", "one\n  two\nthree\n four\n"), ("...\n", ""), ("  srv1  up  2.5\n", "  srv1   up   –  \n"),
    ('  "response_ms": 1.25\n', '      "response_ms": null\n'),
])
def test_what_may_differ_is_let_through(says: str, said: str) -> None:
    assert fits(says, said)


def test_every_command_and_every_request_is_in_it_or_in_the_page_on_the_proxy() -> None:
    typed = [step.command for page in (PAGE, PROXY_PAGE) for step in steps(page)]
    for command in cli.commands["pool"].commands:  # type: ignore[attr-defined]
        assert any(f"./lab pool {command}" in line for line in typed), command
    requests = re.findall(r"^    (GET|PATCH|POST|DELETE) +(\S+)", api.__doc__ or "", re.MULTILINE)
    assert len(requests) == 8
    for method, path in requests:
        target = re.sub(r"[A-Z]+\d?$", r"\\S+", path.replace("WEB/", r"\S+/"))
        asks = rf"curl .*{f'-X {method} ' if method != 'GET' else ''}.*http://lab{target}(?:\s|$)"
        assert any(re.search(asks, line) for line in typed), (method, path)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", PAGE))))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()
