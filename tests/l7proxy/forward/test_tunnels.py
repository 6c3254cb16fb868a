"""Tunnels by the thousand, clients that vanish and origins that stall: every one ends, and nothing of it stays.

     python -m tests.l7proxy.forward.test_tunnels 10000       says what it takes, by hand
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

import pytest

from tests.l7proxy.forward.running import FILE, Proxy, everything, head_of
from tests.outside import wait_until

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is closed is reset
RULES = 'default = "allow"\nreachable = ["127.0.0.0/8"]\nconnect_ports = [{}]\n'
SHORT = "answer_s = 0.5\nrelay_idle_s = 0.5\ntunnel_idle_s = 0.5\nbody_idle_s = 0.5\nhead_s = 0.5\nkeep_alive_s = 0.5\n"
AT_ONCE = 100
ENDS = ("client first", "origin first", "client only", "client resets", "origin resets", "client resets at once")


def files(proxy):
    return len(os.listdir(f"/proc/{proxy.process.pid}/fd"))


def memory_kib(proxy):
    text = Path(f"/proc/{proxy.process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0])


def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()


async def echo(reader, writer):
    """The origin: says what it heard, and ends as it is told by the first octet of that."""
    try:
        while data := await reader.read(65_536):
            if data[:1] == b"!":
                reset(writer)
                return
            writer.write(data)
            if data[:1] == b".":
                writer.write_eof()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def tunnel(proxy_port, port, end):
    """Open one, say something through it, hear it, and end it so."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy_port)
    writer.write(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % port)
    if end == "client resets at once":
        reset(writer)
        return
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    said = {"origin first": b".", "origin resets": b"!"}.get(end, b"?") * 4096
    writer.write(said)
    try:
        if end == "origin resets":
            assert await reader.read() == b""
        elif end == "origin first":
            assert await reader.read() == said
        else:
            assert await reader.readexactly(len(said)) == said
        if end == "client first":
            writer.write_eof()
            assert await reader.read() == b""
    except ConnectionError:
        assert end == "origin resets"
    if end == "client resets":
        reset(writer)
    writer.close()


def carry(folder, number):
    """Tunnels through a proxy of its own; return files and memory in KiB before and after."""
    async def run():
        server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024)
        port = server.sockets[0].getsockname()[1]
        (folder / "forward.toml").write_text(f"{FILE}[forward]\n{RULES.format(port)}")
        proxy = Proxy(folder)
        measured = []
        for share in (number // 4, number):  # what is needed once is there after a quarter
            turns = iter(range(share))

            async def one_after_another(turns=turns):
                for turn in turns:
                    await tunnel(proxy.port, port, ENDS[turn % len(ENDS)])
            await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
            await asyncio.to_thread(wait_until, lambda: files(proxy) <= 20, "the files to be closed", 60)
            measured.append((files(proxy), memory_kib(proxy)))
        server.close()
        log = proxy.stop()
        return measured, log
    return asyncio.run(run())


def test_files_and_memory_stay_as_they_are_over_thousands_of_tunnels(tmp_path):
    ((files_before, kib_before), (files_after, kib_after)), log = carry(tmp_path, 10_000)
    assert files_after <= files_before + 1
    assert kib_after < kib_before + 4096
    assert len(log) >= 12_500 * (len(ENDS) - 1) // len(ENDS)  # one that resets at once may not be heard at all


# Clients that vanish, at each stage.

def vanish(link):
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    link.close()


@pytest.fixture
def deaf():
    """The port of an origin whose queue is full: who connects waits until he has had enough."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        waiting = []
        for _ in range(3):
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(("127.0.0.1", port))
            waiting.append(link)
        yield port
        for link in waiting:
            link.close()


def test_clients_that_vanish_at_each_stage_leave_nothing(forward, listener, deaf, tmp_path):
    """While a name is looked up, credentials are checked, a connection is made, an answer is waited for or sent."""
    port = listener.getsockname()[1]
    (tmp_path / "users").write_text("# nobody\n")
    proxy = forward(f'reachable = ["127.0.0.0/8"]\nusers = "users"\nconnect_ports = [{port}, {deaf}]\n'
                    '[[forward.rule]]\nname = "mine"\naction = "deny"\nmethods = ["PUT"]\nusers = ["*"]\n'
                    '[[forward.rule]]\nname = "all"\naction = "allow"\n', "connect_s = 5\nkeep_alive_s = 1")
    before = files(proxy)
    stages = [b"GET http://nNUMBER.invalid/ HTTP/1.1\r\nHost: a\r\n\r\n",
              b"PUT http://nNUMBER.invalid/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic YTpi\r\n\r\n",
              b"PUT http://nNUMBER.invalid/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
              b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % deaf,
              b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % deaf,
              b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % port,
              b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\ntoo soon" % port]
    for number in range(30):
        links = [socket.create_connection(("127.0.0.1", proxy.port), 20) for _ in stages]
        for link, stage in zip(links, stages, strict=True):
            link.sendall(stage.replace(b"NUMBER", b"%d" % number))
        if number % 3:  # else they have gone before anything is begun for them
            assert proxy.status("http://10.0.0.7/") == 403
        for link in links:
            vanish(link)
    wait_until(lambda: files(proxy) <= before + 2, "the files to be closed", 60)
    assert proxy.status("http://10.0.0.7/") == 403


# Origins that stall, at each stage.

def asked(proxy, port, method=b"GET"):
    return proxy.say(b"%b http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (method, port))


def test_an_origin_that_never_takes_the_connection(forward, deaf):
    proxy = forward(RULES.format(deaf), "connect_s = 0.5")
    before = files(proxy)
    for said in (asked(proxy, deaf), proxy.say(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: a\r\n\r\n" % deaf)):
        assert said.startswith(b"HTTP/1.1 504 ")
        assert b"error=connection_timeout" in said
    wait_until(lambda: files(proxy) <= before + 1, "the files to be closed")


def test_an_origin_that_never_answers_or_stops_in_the_midst_of_it(forward, listener):
    port = listener.getsockname()[1]
    proxy = forward(RULES.format(port), SHORT)
    before = files(proxy)
    said = asked(proxy, port)  # the kernel has taken the connection
    assert said.startswith(b"HTTP/1.1 504 ")
    assert b"error=http_response_timeout" in said
    listener.accept()[0].close()
    for head in (b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n"):
        with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
            client.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\nHost: a\r\n\r\n" % port)
            with listener.accept()[0] as origin:
                head_of(origin)
                origin.sendall(b"HTTP/1.1 200 OK\r\n%b\r\n4\r\nhalf" % head)
                with pytest.raises(ConnectionResetError):
                    everything(client)
    wait_until(lambda: files(proxy) <= before + 1, "the files to be closed")


@pytest.mark.parametrize("half", ["neither", "client", "origin"])
def test_a_tunnel_in_which_nothing_is_said_ends(forward, listener, half):
    port = listener.getsockname()[1]
    proxy = forward(RULES.format(port), SHORT)
    before = files(proxy)
    client, _ = proxy.connect(f"127.0.0.1:{port}")
    with client, listener.accept()[0] as origin:
        origin.settimeout(20)
        if half != "neither":
            (client if half == "client" else origin).shutdown(socket.SHUT_WR)
        assert everything(client) == b""
        assert everything(origin) == b""
    wait_until(lambda: files(proxy) <= before + 1, "the files to be closed")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        found, lines = carry(Path(name), int(sys.argv[1]))
        print(*(f"{count} files, {kib} KiB" for count, kib in found), f"{len(lines)} answered", sep="\n")
