"""The compiled modules: used only while the sources are what they were made of, and as good as those."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from l7proxy import compiled
from tests.l7proxy.conftest import ROOT

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


ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n"
SAME = """
import itertools, sys
from ipaddress import ip_address
sys.path.insert(0, {root!r})
from tests.l7proxy.conftest import Recorder, service
from balancing import Pool
from l7proxy.balancer import Balancer
from l7proxy.conversation import Conversation
from l7proxy.limits import Limits
from l7proxy.outside import Site
from l7proxy.routing import Routed, router
from tests.l7proxy.test_http1 import STREAMS
for stream in STREAMS:
    out = Recorder()
    out.idle = ["s1"] * 9
    rows = [(None, Routed("web", Balancer(Pool(service([8001])))))]
    it = Conversation(out, Site(router(rows), Limits(), b"a:1", itertools.count(1)), ip_address("10.0.1.1"))
    it.client_bytes(stream)
    if it.exchange is not None:
        it.upstream_bytes({answer!r})
    print(out.script)
"""


def test_they_say_the_same(built):
    """Every stream of test_http1.py, interpreted and compiled: the same transcript."""
    script = SAME.format(root=str(ROOT), answer=ANSWER)
    said = [subprocess.run([sys.executable, "-P", "-c", script], cwd=ROOT, check=True, text=True, capture_output=True,
                           env=os.environ | {"PYTHONPATH": str(ROOT), "LAYER_LAB_COMPILED": word}).stdout
            for word in ("0", "1")]
    assert said[0] == said[1]
    assert said[0].count("dial s1") > 5
