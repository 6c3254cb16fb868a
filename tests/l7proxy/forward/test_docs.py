"""docs/forward.md is true: its files are read, and all of its commands are run, from top to bottom."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from l7proxy.config_file import read_file
from tests.conftest import ROOT
from tests.test_operating import fits, steps
from topologies import capsule

PAGE = (ROOT / "docs" / "forward.md").read_text()
FILES = dict(re.findall(r"^```toml\n# (\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))


class Mirror(BaseHTTPRequestHandler):
    """An origin that answers with the head of the request that it got."""

    def do_GET(self):
        page = f"{self.requestline}\r\n{self.headers}".replace("\r\n", "\n").rstrip() + "\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if self.path.startswith("/kept/"):
            self.send_header("Cache-Control", "max-age=60")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *words):
        pass


class Typist:
    """Types commands in a folder; those that end with & go on until the end."""

    def __init__(self, folder):
        self.folder, self.running = folder, []
        program = folder / "lab-proxy"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m l7proxy "$@"\n')
        program.chmod(0o755)
        self.environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def type(self, command):
        if command.endswith(" &"):
            self.running.append(subprocess.Popen(
                ["bash", "-c", "exec " + command.removesuffix(" &")], cwd=self.folder, env=self.environment,
                stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True))
            said = self.running[-1].stderr.readline()
        else:
            said = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.environment, text=True, timeout=60,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        return re.sub(r"lab-[0-9a-f]{8}", "lab-7f3a9c2e", said)

    def end(self):
        for process in self.running:
            process.terminate()
            assert process.communicate(timeout=30)[1] == ""
            assert process.returncode == 0


@pytest.mark.parametrize("name", FILES)
def test_its_files_are_right(name, tmp_path):
    (tmp_path / "users").touch()
    (tmp_path / name).write_text(FILES[name])
    assert read_file(tmp_path / name).forward is not None


def test_the_example_is_right():
    assert read_file(ROOT / "examples" / "forward.toml").forward is not None


@pytest.mark.live
def test_its_commands_say_what_it_says(tmp_path):
    """In a capsule, whose ports and names are free."""
    assert capsule.OUTSIDE.exists()
    Path("/etc/hosts").write_text("127.0.0.1 localhost shop.lab\n")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    with ThreadingHTTPServer(("127.0.0.1", 8001), Mirror) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        typist, played = Typist(tmp_path), list(steps(PAGE))
        try:
            for step in played:
                said = typist.type(step.command)
                assert fits(step.says, said), f"$ {step.command}\n{said}\nThe page says\n{step.says}"
        finally:
            typist.end()
            server.shutdown()
    assert len(played) > 20
