"""The engine's inner modules as machine code: the same files, through mypyc, in about half the time a request.

     l7proxy/http1.py ──mypyc, gcc──► VENV/compiled/3f9c.../l7proxy/http1.cpython-311-x86_64-linux-gnu.so
                                          │ the name is a hash of the sources
     import l7proxy.http1 ──sources unchanged?──yes──► the compiled one
                                          └──no──► http1.py

`lab-proxy compile` makes it, `./lab setup` does so where there is a compiler; without it all works as well.

Rules kept here:

1. Whoever changes a file runs what is written there: another hash, and nothing is compiled until it is asked for.
2. LAYER_LAB_COMPILED=0 leaves it aside.
3. Only what is on a request's way is compiled, and nothing that students extend.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

KEPT = 5  # of other sources, or another Python
HERE = Path(__file__).resolve().parent
MODULES = ("accesslog", "balancer", "body", "caching", "conditions", "conversation", "counters", "dispatch", "exchange",
           "failures", "forwarded", "framing", "hiding", "http1", "limits", "lines", "messages", "outside", "refusal",
           "relay", "routing", "shell", "sticky", "target", "templates", "tls", "upstreams", "wheel", "witness",
           "write",
           "forward/addresses", "forward/anonymity", "forward/cached", "forward/destination", "forward/face",
           "forward/fetch", "forward/filtered", "forward/guard", "forward/loops", "forward/matching", "forward/names",
           "forward/rules", "forward/shaped", "forward/terms", "forward/traffic", "forward/turns", "forward/verdict",
           "cache/asking", "cache/cache", "cache/conditional", "cache/directives", "cache/entry", "cache/fields",
           "cache/freshness", "cache/httpdate", "cache/ranges", "cache/reply", "cache/status", "cache/storable",
           "cache/store", "cache/vary")


@functools.cache
def folder() -> Path:
    """Where the compiled modules of these sources are, or would be. The sources are read once for a process."""
    word = hashlib.sha256(f"{sys.version} {platform.machine()}".encode())
    for name in MODULES:
        word.update((HERE / f"{name}.py").read_bytes())
    return Path(sys.prefix, "compiled", word.hexdigest()[:16])


def use(path: list[str], package: str) -> bool:
    """Let `package`, whose __path__ is `path`, find its compiled modules first; return whether there are any."""
    if os.environ.get("LAYER_LAB_COMPILED") == "0":
        return False
    place = folder()
    inside = place / package.replace(".", "/")
    if not inside.is_dir():
        return False
    path.insert(0, str(inside))
    if str(place) not in sys.path:
        sys.path.append(str(place))  # what the modules share
    return True


def missing() -> str:
    """What is needed to compile and isn't here, in words; "" if nothing is."""
    if not shutil.which("cc"):
        return "a C compiler (apt-get install gcc libc6-dev)"
    if not Path(sysconfig.get_paths()["include"], "Python.h").exists():
        return "Python's headers (apt-get install python3-dev)"
    return ""


def build() -> Path:
    """Compile, if it is not done yet; return where it is. Raises CalledProcessError with the compiler's words."""
    place = folder()
    if place.exists():
        return place
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for part in ("l7proxy", "balancing"):
            shutil.copytree(HERE.parent / part, work / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("layerlab.py", "pyproject.toml"):
            if (HERE.parent / part).exists():  # where it was installed there is no pyproject.toml
                shutil.copy(HERE.parent / part, work / part)
        sources = [f"l7proxy/{module}.py" for module in MODULES]
        subprocess.run([sys.executable, "-m", "mypyc", *sources], cwd=work, check=True, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"PYTHONPATH": name})
        made = work / "made"
        for library in (*work.glob("*.so"), *work.glob("l7proxy/**/*.so")):
            target = made / library.relative_to(work)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(library, target)
        place.parent.mkdir(parents=True, exist_ok=True)
        for older in sorted(place.parent.iterdir(), key=os.path.getmtime)[:-KEPT]:
            shutil.rmtree(older, ignore_errors=True)
        shutil.copytree(made, place.with_suffix(".new"))
        place.with_suffix(".new").rename(place)
    return place


def main() -> None:
    """Compile, and say what became of it."""
    if words := missing():
        print(f"the proxy stays as it is, interpreted: there is not {words}", file=sys.stderr)
        return
    try:
        print(f"the proxy's inner modules are compiled, in {build()}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"the proxy stays as it is, interpreted: it can't be compiled here\n{error.stdout[-2000:]}",
              file=sys.stderr)
        sys.exit(1)
