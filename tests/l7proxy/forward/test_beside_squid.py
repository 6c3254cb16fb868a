"""The same requests through Squid and through the forward proxy: what both write into their logs, column by column."""

from __future__ import annotations

import select
import shutil
import signal
import socket
import subprocess
import time

import pytest

from tests.l7proxy.conftest import closed_port

SQUID = """
http_port 127.0.0.1:{port}
pid_filename none
access_log udp://127.0.0.1:{log} squid
cache_log /dev/null
cache deny all
pinger_enable off
shutdown_lifetime 0 seconds
strip_query_terms off
acl tunnels port {origin} {dead}
acl CONNECT method CONNECT
acl ads dstdomain .ads.example
http_access deny CONNECT !tunnels
http_access deny ads
http_access allow all
"""
OURS = """default = "allow"
reachable = ["127.0.0.0/8"]
connect_ports = [{origin}, {dead}]
[[forward.rule]]
name = "ads"
action = "deny"
hosts = [".ads.example"]
"""
COLUMNS = ("code/status", "method", "url", "user", "hierarchy/peer", "type")
ASKED = (
    ["http://127.0.0.1:{origin}/a?b=c"], ["-I", "http://127.0.0.1:{origin}/"],
    ["-d", "abc", "http://127.0.0.1:{origin}/echo"], ["http://127.0.0.1:{origin}/chunked"],
    ["http://x.ads.example/?q=1"], ["-p", "http://127.0.0.1:{origin}/bytes/1000"], ["-p", "http://127.0.0.1:22/"],
)


def columns(line):
    """What both must say the same."""
    _, _, _, code, octets, *rest = line.split()
    assert octets.isdigit()
    return dict(zip(COLUMNS, (code, *rest), strict=True))


@pytest.fixture
def squid(origins, dead):
    """(its port, what ends it and returns the lines of its log)."""
    if shutil.which("squid") is None:
        pytest.skip("there is no squid here")
    with closed_port() as holder:
        port = holder.getsockname()[1]
    log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    log.bind(("127.0.0.1", 0))
    conf = SQUID.format(port=port, log=log.getsockname()[1], origin=origins[0].server_address[1], dead=dead)
    process = subprocess.Popen(["squid", "-N", "-f", "/dev/stdin"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdin.write(conf.encode())
    process.stdin.close()
    until_s = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None, "squid has ended"
            assert time.monotonic() < until_s, "squid does not listen"
            time.sleep(0.05)

    def end():
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(30)
        said = b""
        while select.select([log], [], [], 0.2)[0]:
            said += log.recv(65_536)
        return [line for line in said.decode().splitlines() if " error:" not in line]
    yield port, end
    end()
    log.close()


def test_the_columns_are_the_same(squid, forward, origins, dead):
    port, end = squid
    ports = {"origin": origins[0].server_address[1], "dead": dead}
    proxy = forward(OURS.format(**ports))
    file = proxy.folder / "forward.toml"
    file.write_text(file.read_text().replace('"json"', '"squid"'))
    proxy.process.send_signal(signal.SIGHUP)
    assert proxy.process.stderr.readline() == "read anew: logs\n"
    asked = [[word.format(**ports) for word in words] for words in ASKED]
    for words in asked:
        for through in (f"http://127.0.0.1:{port}", proxy.url):
            subprocess.run(["curl", "-s", "-o", "/dev/null", "-m", "20", "-x", through, *words], timeout=60)
    proxy.process.send_signal(signal.SIGTERM)
    proxy.process.communicate(timeout=30)
    ours = (proxy.folder / "access.ndjson").read_text().splitlines()
    assert list(map(columns, ours)) == list(map(columns, end()))
