"""Network namespaces: only this thread, only for the block, and what can't be entered is said."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from experiments.netns import inside, socket_in
from layerlab import LabError

ROOT = Path(__file__).parents[2]


def here() -> int:
    """This thread's network namespace, as a number."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def test_a_thread_goes_in_and_comes_back_and_others_stay(start_alone) -> None:
    home, there = here(), start_alone("s1", "--port", "80").host.netns
    inner: list[int] = []
    arrived, looked = threading.Event(), threading.Event()

    def visit() -> None:
        with inside(there):
            arrived.set()
            looked.wait(20)
            inner.append(here())
        inner.append(here())

    thread = threading.Thread(target=visit)
    thread.start()
    assert arrived.wait(20)
    assert here() == home, "another thread is inside, this one isn't"
    looked.set()
    thread.join()
    assert inner == [os.stat(there).st_ino, home]


def test_whatever_happens_inside_the_thread_comes_back(start_alone) -> None:
    home, server = here(), start_alone("s1", "--port", "80")
    with pytest.raises(ZeroDivisionError), inside(server.host.netns):
        1 / (here() - os.stat(server.host.netns).st_ino)
    assert here() == home


def test_one_inside_another(start_alone) -> None:
    home = here()
    first, second = (start_alone(name, "--port", "80").host.netns for name in ("s1", "s2"))
    with inside(first):
        with inside(second):
            assert here() == os.stat(second).st_ino
        assert here() == os.stat(first).st_ino
    assert here() == home


def test_a_socket_stays_where_it_was_opened(start_alone) -> None:
    """Port 80 of 127.0.0.1 is the server only from within its own namespace."""
    server = start_alone("s1", "--port", "80", "--address", "127.0.0.1")
    with socket_in(server.host.netns) as sock:
        sock.settimeout(20)
        sock.connect(("127.0.0.1", 80))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b'"server": "s1"' in sock.recv(4096)


def test_no_open_file_is_left_behind(start_alone) -> None:
    netns = start_alone("s1", "--port", "80").host.netns
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with inside(netns):
            pass
    assert len(os.listdir("/proc/self/fd")) == before


def test_none_means_stay_here() -> None:
    home = here()
    with inside(None):
        assert here() == home


@pytest.mark.parametrize(("netns", "why"), [
    ("/proc/0/ns/net", "No such file or directory"),
    ("/proc/self/ns/uts", "Invalid argument"),
    ("/etc/passwd", "Invalid argument"),
])
def test_what_is_no_namespace_is_refused_and_the_thread_stays(start_alone, netns: str, why: str) -> None:
    home = here()
    with pytest.raises(LabError, match=why) as caught, inside(netns):
        pytest.fail("must not get inside")
    assert netns in str(caught.value)
    assert here() == home


def test_it_needs_no_root_within_a_user_namespace() -> None:
    """The way a lab runs as an ordinary user: all of it within one user namespace of its own."""
    script = """if True:
        import os, subprocess
        from experiments.netns import socket_in
        host = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        netns = f"/proc/{host.pid}/ns/net"
        home = os.stat("/proc/self/ns/net").st_ino
        while os.stat(netns).st_ino == home: pass
        with socket_in(netns) as sock:
            print("got in")
        host.communicate(b"")
    """
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", script],
                          cwd=ROOT, capture_output=True, text=True, timeout=30)
    if "unshare failed" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert (done.stdout, done.returncode) == ("got in\n", 0), done.stderr


def test_who_might_not_come_back_does_not_go() -> None:
    """In a user namespace, but not in a network namespace that it owns: there is a way out and none home."""
    script = """if True:
        import os, subprocess
        from experiments.netns import inside
        host = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        home = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{host.pid}/ns/net").st_ino == home: pass
        try:
            with inside(f"/proc/{host.pid}/ns/net"): print("got in")
        except Exception as error:
            print(repr(error), os.stat("/proc/thread-self/ns/net").st_ino == home)
        host.communicate(b"")
    """
    done = subprocess.run(["unshare", "--user", "--map-root-user", sys.executable, "-c", script],
                          cwd=ROOT, capture_output=True, text=True, timeout=30)
    if "unshare failed" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert "can't enter /proc/thread-self/ns/net: Operation not permitted" in done.stdout
    assert done.stdout.endswith(" True\n"), done.stdout + done.stderr


def test_ipv6_and_udp_sockets(start_alone) -> None:
    netns = start_alone("s1", "--port", "80").host.netns
    with socket_in(netns, socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        assert (sock.family, sock.type) == (socket.AF_INET6, socket.SOCK_DGRAM)
