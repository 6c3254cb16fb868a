"""The command line: three ways to say what to serve, help that can be typed, and exit code 2 for what is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest
import requests

from tests.l7proxy.conftest import ROOT

FILE = """
[[listener]]
address = "127.0.0.1:8080"
[[pool]]
name = "web"
backends = ["127.0.0.1:8001"]
"""
WEB = {"id": 1, "name": "web", "vip": "127.0.0.1", "port": 80, "layer": "l7",
       "backends": [{"id": 1, "name": "s1", "ip": "127.0.0.1", "port": 8001}]}


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "l7proxy", *arguments], capture_output=True, text=True, timeout=60,
                          cwd=ROOT)


def file(tmp_path, text=FILE):
    path = tmp_path / "proxy.toml"
    path.write_text(text)
    return path


def test_check_prints_what_was_understood(tmp_path):
    done = run("reverse", "--config", file(tmp_path), "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  1  web  every request  pool web" in done.stdout
    done = run("reverse", "--listen", "127.0.0.1:1", "--backend", "127.0.0.1:8001=7", "--check")
    assert "127.0.0.1:8001 w=7" in done.stdout
    (tmp_path / "services.json").write_text(json.dumps([WEB]))
    assert "pool web" in run("--services", tmp_path / "services.json", "--check").stdout


def test_check_tells_every_fault_and_is_exit_2(tmp_path):
    done = run("reverse", "--config", file(tmp_path, FILE + "tris = 3\nqueue = -1\n"), "--check")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(re.findall(r"^.*proxy\.toml:\d+: ", done.stderr, re.MULTILINE)) == 2
    assert "Traceback" not in done.stderr


def test_help_has_examples_that_can_be_typed():
    done = run("reverse", "--help")
    assert done.returncode == 0
    examples = re.findall(r"^ +lab-proxy (reverse --listen.+)$", done.stdout, re.MULTILINE)
    assert examples
    for example in examples:
        assert run(*example.split(), "--check").returncode == 0
    assert "least-connections" in " ".join(done.stdout.split()).replace("- ", "-")
    assert "reverse" in run("--help").stdout


@pytest.mark.parametrize(("arguments", "saw"), [
    (["reverse"], "there is nothing to serve"),
    (["reverse", "--backend", "127.0.0.1:1"], "there is no --listen"),
    (["reverse", "--backend", "127.0.0.1:1", "--services", "x"], "there is --services and --backend"),
    (["reverse", "--config", "x.toml", "--listen", "127.0.0.1:1"], "--listen is given beside --config"),
    (["reverse", "--services", "x.json", "--log-format", "json", "--cache", "1B"], "--cache is given beside"),
    (["reverse", "--config", "none.toml"], "none.toml can't be read"),
    (["--services", "none.json"], "none.json can't be read"),
    (["reverse", "--listen", "127.0.0.1:1", "--backend", "x"], "--backend: address: 'x' is no address"),
])
def test_what_is_wrong_is_exit_2(arguments, saw):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(saw)
    assert "Traceback" not in done.stderr


def test_the_simple_case_in_flags(origins, tmp_path):
    ports = [origin.server_address[1] for origin in origins]
    process = subprocess.Popen(
        [sys.executable, "-m", "l7proxy", "reverse", "--listen", "127.0.0.1:0", "--backend", f"127.0.0.1:{ports[0]}",
         "--backend", f"127.0.0.1:{ports[1]}=2", "--algorithm", "weighted-round-robin", "--access-log", "-",
         "--log-format", "json"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = "http://" + process.stderr.readline().rpartition(" ")[2].strip()
    with requests.Session() as session:
        served = [session.get(f"{url}/{n}", timeout=20).text for n in range(6)]
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, served.count("s1"), served.count("s2")) == (0, 2, 4)
    assert [json.loads(line)["target"] for line in out.splitlines()] == [f"/{n}" for n in range(6)]
