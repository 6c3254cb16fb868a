"""Where a proxy is measured: alone on a core, with the load and the backend on the others.

    core 1   the proxy under test, and nothing else of ours
    core 0   wrk ──► (the proxy) ──► nginx as the backend, which answers from memory; and the benchmark itself

All on loopback, in the capsule's own network, one proxy at a time, always at the same port. With one core the proxy is
not alone, and that is said. A proxy's CPU time is that of its whole process tree, from the clocks that the kernel keeps
in nanoseconds (clock_getcpuclockid(3)): proc(5) has ticks of 10 ms, too coarse for a turn of a second. How long it
waited for its core, while others had it, is from there as well (schedstat).
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers_setup
from benchmarks.peers import BACKEND, LOAD, OURS, Peer
from benchmarks.peers_install import Found
from benchmarks.peers_setup import ADDRESS, BACKEND_PORT, PORT, Setting
from experiments.authority import Authority
from experiments.programs import Programs, listens, wait
from layerlab import LabError

WANTED_OPEN = 40_000  # 10,000 clients' connections, as many to the backend, and some
STOP_S = 5.0  # tinyproxy sometimes goes on waiting for a client after SIGTERM


@dataclass(frozen=True)
class Cores:
    """Which core the proxy has, and which ones all else; of one core both have it."""

    proxy: int
    others: tuple[int, ...]

    @property
    def alone(self) -> bool:
        """Whether the proxy has its core to itself."""
        return self.proxy not in self.others


def cores() -> Cores:
    """The last core is the proxy's."""
    *others, last = sorted(os.sched_getaffinity(0))
    return Cores(last, tuple(others) or (last,))


@dataclass(frozen=True)
class Load:
    """What wrk says. requests, seconds: answered, and in what time. bad: answers that were not 2xx or 3xx."""

    requests: int
    seconds: float
    bad: int = 0
    broken: int = 0


def read(said: str) -> Load:
    """Read what wrk prints. broken: connections that could not be made, read or written, or waited too long.

    >>> read("  98034 requests in 3.10s, 109.76MB read\\n  Socket errors: connect 0, read 2, write 0, timeout 1\\n")
    Load(requests=98034, seconds=3.1, bad=0, broken=3)
    """
    whole = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", said)
    if not whole:
        raise LabError(f"wrk said {said.strip()[-200:]!r}", "how many requests were answered")
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    seconds = float(whole[2]) * {"ms": 0.001, "s": 1, "m": 60}[whole[3]]
    return Load(int(whole[1]), seconds, int(bad[1]) if bad else 0, sum(map(int, broken.groups())) if broken else 0)


@dataclass(frozen=True)
class Sample:
    """What a proxy did under load. cpu_s: its process tree's. waited_s: for a core that others had meanwhile."""

    load: Load
    cpu_s: float
    waited_s: float = 0.0

    @property
    def per_cpu_second(self) -> float:
        """Requests for a second of its CPU."""
        return self.load.requests / self.cpu_s

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.load.requests / self.load.seconds

    @property
    def busy(self) -> float:
        """What part of its core it used."""
        return self.cpu_s / self.load.seconds

    @property
    def waited(self) -> float:
        """What part of the time it waited for a core."""
        return self.waited_s / self.load.seconds


class Running:
    """A proxy that runs. pid: of the process that was started."""

    def __init__(self, name: str, pid: int, setting: Setting, wrk: Found) -> None:
        self.name, self.pid, self.setting, self._wrk = name, pid, setting, wrk

    def pids(self) -> list[int]:
        """Of the whole process tree, as it is now."""
        return tree(self.pid)

    def cpu_s(self) -> float:
        """CPU time of the process tree so far, in seconds."""
        return sum(map(cpu_s, self.pids()))

    def waited_s(self) -> float:
        """How long it has waited for a core so far, all its processes, in seconds."""
        return sum(map(waited_s, self.pids()))

    def asks(self, path: str) -> list[str]:
        """What wrk is to ask for: its last arguments."""
        return [f"http{'s' * self.setting.tls}://{ADDRESS}:{PORT}{path}"]

    def under_load(self, path: str, connections: int, seconds: int) -> Sample:
        """As many requests as come back, from so many connections. Raises LabError if answers are bad."""
        threads = max(1, len(os.sched_getaffinity(0)) // 2)
        before_s, waited_s = self.cpu_s(), self.waited_s()
        done = subprocess.run(
            [*self._wrk.command, f"-t{threads}", f"-c{connections}", f"-d{seconds}", *self.asks(path)],
            capture_output=True, text=True, check=False)
        load, used_s = read(done.stdout + done.stderr), self.cpu_s() - before_s
        waited_s = self.waited_s() - waited_s
        if load.bad or not load.requests or not used_s:
            raise LabError(f"{self.name} gave {load.requests} answers, of which {load.bad} were errors", "good answers")
        return Sample(load, used_s, waited_s)


class Stage:
    """The backend, and the place for one proxy at a time. found: peers by name."""

    setups = peers_setup.SETUPS
    running = Running

    def __init__(self, folder: Path, found: Mapping[str, Found]) -> None:
        for needed in (BACKEND, LOAD):
            if why_not := found[needed.name].why_not:
                raise LabError(f"{needed.name}: {why_not}", "it, for the backend and the load",
                               f"apt-get install --no-install-recommends {' '.join(needed.debian)}")
        self.folder, self.found, self.cores = folder, {**found, OURS: Found(Peer(OURS, "python"))}, cores()

    def __enter__(self) -> Stage:
        room_for_files()
        self._before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.cores.others)  # what is started from here inherits it
        self.folder.mkdir(parents=True)
        self._backend = Programs(self.folder)
        workers = max(1, len(self.cores.others) // 2)
        self._backend.spawn("backend", peers_setup.backend(self.found[BACKEND.name], self.folder, workers))
        wait("the backend", lambda: listens(BACKEND_PORT), self._backend.check)
        return self

    def __exit__(self, *error: object) -> None:
        self._backend.stop()
        os.sched_setaffinity(0, self._before)

    def asked(self) -> int:
        """How many requests the backend has had so far (nginx's stub_status)."""
        with urllib.request.urlopen(f"http://{ADDRESS}:{BACKEND_PORT}/status") as answer:
            return int(answer.read().split()[9])

    @contextmanager
    def proxy(self, name: str, tls: bool = False, cache: bool = False) -> Iterator[Running]:
        """Start a proxy on its core, and end it in the end; its files are gone then."""
        setting = Setting(self.folder / "proxy", tls, cache)
        setting.folder.mkdir()
        programs = Programs(setting.folder)
        try:
            if tls:
                certify(setting.folder)
            command = self.setups[name](self.found[name], setting)
            programs.spawn(name, ["taskset", "--cpu-list", str(self.cores.proxy), *command])
            wait(f"{name} to listen", lambda: listens(PORT), programs.check)
            yield self.running(name, programs[name].pid, setting, self.found[LOAD.name])
        finally:
            programs.stop(STOP_S)
            wait("the port to be free", lambda: not listens(PORT), lambda: None)
            shutil.rmtree(setting.folder)


def certify(folder: Path) -> None:
    """Make a certificate for this turn (P-256): cert.pem, key.pem, and both.pem for those that want one file."""
    made = Authority(folder / "authority").issue("bench.test", ADDRESS)
    cert, key = made.cert.read_bytes(), made.key.read_bytes()
    for name, content in (("cert.pem", cert), ("key.pem", key), ("both.pem", cert + key)):
        (folder / name).write_bytes(content)


def cpu_s(pid: int) -> float:
    """CPU time that a process, all its threads, has used so far. Raises OSError if it is gone."""
    return time.clock_gettime(~pid << 3 | 2)  # as clock_getcpuclockid(3) makes the clock's number


def waited_s(pid: int) -> float:
    """How long a process's first thread has been ready to run, and did not; 0 where the kernel doesn't count it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0


def tree(pid: int) -> list[int]:
    """A process and all that it has started, as they are now (proc(5), ppid)."""
    children: dict[int, list[int]] = {}
    for one in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            parent = int(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(parent, []).append(one)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def room_for_files() -> None:
    """Let the proxies have WANTED_OPEN files, or as many as the system allows."""
    unlimited, (_, hard) = resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (WANTED_OPEN, hard):  # more than the hard limit is for those whom the system lets
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard if hard == unlimited else max(hard, most)))
            return
        except (ValueError, OSError):
            continue
