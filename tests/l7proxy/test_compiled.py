"""The compiled modules: used only while the sources are what they were made of, and as good as those."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from l7proxy import compiled
from tests.l7proxy.conftest import ROOT
from tests.l7proxy.test_http1 import STREAMS

LOOK = "import l7proxy, l7proxy.http1 as it; print(l7proxy.COMPILED, it.__file__.rpartition('.')[2])"


def look(root, **more):
    return subprocess.run([sys.executable, "-P", "-c", LOOK], cwd=root, capture_output=True, text=True, check=True,
                          env=os.environ | {"PYTHONPATH": str(root)} | more).stdout.split()


@pytest.fixture(scope="module")
def built():
    """The compiled modules of this checkout; made now if nobody has."""
    if words := compiled.missing():
        pytest.skip(f"there is not {words}")
    return compiled.build()


def test_they_are_used_unless_told_otherwise(built):
    assert look(ROOT) == ["True", "so"]
    assert look(ROOT, LAYER_LAB_COMPILED="0") == ["False", "py"]


def test_a_source_that_was_changed_is_used_as_it_stands(built, tmp_path):
    for part in ("l7proxy", "balancing"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "layerlab.py", tmp_path)
    assert look(tmp_path) == ["True", "so"]
    with (tmp_path / "l7proxy" / "write.py").open("a") as file:
        file.write("# changed\n")
    assert look(tmp_path) == ["False", "py"]


def told(running, stream):
    """All that a client hears that says `stream` and no more; without what is never the same."""
    with running.connect() as client:
        client.sendall(stream)
        client.shutdown(socket.SHUT_WR)
        heard = b""
        while data := client.recv(65_536):
            heard += data
    return re.sub(rb"(Date|X-Connection|X-Served-By): [^\r]*\r\n", b"", heard)


def test_they_say_the_same(built, proxy, origins, monkeypatch):
    """Every stream of test_http1.py to a proxy that is interpreted, and one that is compiled."""
    heard = []
    for word in ("0", "1"):
        monkeypatch.setenv("LAYER_LAB_COMPILED", word)
        running = proxy([origins[0].server_port])
        heard.append([told(running, stream) for stream in STREAMS])
        running.stop()
    assert heard[0] == heard[1]
    assert sum(one.startswith(b"HTTP/1.1 200 ") for one in heard[0]) >= 4
