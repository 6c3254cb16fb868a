"""How the server starts, refuses and ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def refused(*words: str) -> str:
    """What the server says when it doesn't start."""
    done = subprocess.run([sys.executable, "-m", "experiments.server", *words], cwd=ROOT, text=True,
                          capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(("words", "why"), [
    (["--port", "0", "--workers", "-1"], "--workers is -1"),
    (["--port", "0", "--workers", "0"], "--workers is 0"),
    (["--port", "70000"], "a port is 70000"),
    (["--port", "http"], "invalid int value: 'http'"),
    (["--port", "0", "--service-time", "nan"], "--service-time is nan"),
    (["--port", "0", "--body", "-5"], "--body is -5"),
    (["--port", "0", "--name", "a\r\nb"], "name is 'a\\r\\nb'"),
    (["--port", "0", "--address", "nowhere"], "--address is 'nowhere'"),
    (["--port", "0", "--address", "192.0.2.1"], "192.0.2.1: Cannot assign requested address"),
    ([], "no port"),
    (["--pork", "0"], "--pork"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_bad_input_is_refused_with_the_reason(words: list[str], why: str) -> None:
    assert why in refused(*words)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_in_use_is_refused_by_its_number(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        port = str(holder.getsockname()[1])
        said = refused("--port" if kind == socket.SOCK_STREAM else "--udp", port, "--address", "127.0.0.1")
    assert f"port {port} of 127.0.0.1: Address already in use" in said
    assert "ss -lntup" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_even_with_a_client_connected(server, number: signal.Signals) -> None:
    with socket.create_connection(("127.0.0.1", server.ports[0])):
        server.process.send_signal(number)
        assert server.process.wait(20) == 0
    assert server.process.stderr.read() == ""


def test_a_port_can_be_taken_again_at_once(start) -> None:
    first = start("s1", "--port", "0", "--address", "127.0.0.1")
    with socket.create_connection(("127.0.0.1", first.ports[0])) as sock:
        first.process.terminate()
        assert sock.recv(1) == b"", "the server's side closes first and is left in TIME_WAIT"
    first.process.wait(20)
    assert start("s2", "--port", str(first.ports[0]), "--address", "127.0.0.1").ports == first.ports


def test_every_port_is_in_the_ready_line(start) -> None:
    server = start("s1", "--port", "0", "--port", "0", "--udp", "0", "--udp", "0")
    assert (len(set(server.ports)), len(set(server.udp_ports))) == (2, 2)
    assert all(port > 0 for port in server.ports + server.udp_ports)


def test_it_imports_nothing_that_makes_a_lab_start_slowly() -> None:
    code = "import sys, experiments.server.__main__; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split()
    assert not {"click", "rich", "requests", "uvloop", "scapy", "mininet", "ryu"} & set(loaded)
