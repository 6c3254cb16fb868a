"""Names that mean something else each time they are asked for, and name servers that say nothing.

A capsule has networks and mounts of its own: there the test is the name server, and a public address is ours.
"""

from __future__ import annotations

import itertools
import socket
import subprocess
import threading
from ipaddress import ip_address

import pytest

from tests.l7proxy.forward.running import everything
from topologies import capsule

PUBLIC, PORT = "93.184.215.14", 80
A, AAAA = 1, 28


class NameServer:
    """Answers by `answers`: for a name, the addresses of one question after another, the last for ever.

    asked: the names. Whoever is in no row is not answered at all.
    """

    def __init__(self, answers):
        self.turns = {name: iter([*them[:-1], *itertools.repeat(them[-1], 1000)]) for name, them in answers.items()}
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            asked, client = self.socket.recvfrom(4096)
            name, end = self._name(asked)
            kind = int.from_bytes(asked[end:end + 2], "big")
            self.asked.append((name, kind))
            if name in self.turns:
                found = ip_address(next(self.turns[name])).packed if kind == A else b""
                self.socket.sendto(self._answer(asked[:end + 4], found), client)

    @staticmethod
    def _name(asked):
        labels, at = [], 12
        while length := asked[at]:
            labels.append(asked[at + 1:at + 1 + length].decode())
            at += length + 1
        return ".".join(labels), at + 1

    @staticmethod
    def _answer(question, address):
        """RFC 1035 4.1: the header, the question as it came, and one record that holds for no time."""
        counts = b"\0\1" + (b"\0\1" if address else b"\0\0") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + address if address else b""
        return question[:2] + b"\x81\x80" + counts + question[12:] + record


def site(address, word):
    """An origin at port 80 of an address, which says `word`."""
    server = socket.create_server((address, PORT))

    def serve():
        while True:
            link, _ = server.accept()
            link.recv(65_536)
            link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(word), word))
            link.close()
    threading.Thread(target=serve, daemon=True).start()


def ask(proxy, host, port=PORT):
    return proxy.say(b"GET http://%b:%d/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (host.encode(), port))


def be_asked(folder, answers):
    """Be the name server of this capsule. No fixture: those run outside of it."""
    assert capsule.OUTSIDE.exists()
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    for command in (f"mount --bind {folder}/resolv.conf /etc/resolv.conf", f"ip addr add {PUBLIC}/32 dev lo"):
        subprocess.run(command.split(), check=True)
    return NameServer(answers)


@pytest.mark.live
def test_a_name_that_changes_its_mind(forward, tmp_path):
    """The address that was checked is dialled: not the name a second time. A later answer is checked again."""
    server = be_asked(tmp_path, {"turns.example": [PUBLIC, "127.0.0.1"],
                                 "inside.example": ["127.0.0.1"],
                                 "mapped.example": ["0.0.0.0"]})
    site(PUBLIC, b"public")
    site("127.0.0.1", b"inside")
    proxy = forward('default = "allow"\n')
    assert ask(proxy, "turns.example").endswith(b"public")
    assert [one for one in server.asked if one[1] == A] == [("turns.example", A)]
    for name, kind in (("inside.example", b"loopback"), ("mapped.example", b"unspecified")):
        said = ask(proxy, name)
        assert said.startswith(b"HTTP/1.1 403 ")
        assert kind in said
        assert b"error=destination_ip_prohibited" in said
    again = forward('default = "allow"\n')  # remembers nothing
    assert ask(again, "turns.example").startswith(b"HTTP/1.1 403 ")
    for spelling in ("TURNS.example", "turns.example."):
        assert ask(proxy, spelling).endswith(b"public")


@pytest.mark.live
def test_name_servers_that_say_nothing_hold_up_nobody_for_long(forward, tmp_path):
    """Each question holds a thread for minutes; those whose clients have gone are not asked, nor is the end late."""
    server = be_asked(tmp_path, {"known.example": [PUBLIC]})
    site(PUBLIC, b"public")
    proxy = forward('default = "allow"\n', "connect_s = 1\nkeep_alive_s = 1")
    links = []
    for number in range(60):
        links.append(socket.create_connection(("127.0.0.1", proxy.port), 20))
        links[-1].sendall(b"GET http://n%d.example/ HTTP/1.1\r\nHost: a\r\n\r\n" % number)
    for link in links:
        with link:
            said = everything(link)
        assert said.startswith(b"HTTP/1.1 504 ")
        assert b"error=dns_timeout" in said
    assert len({name for name, _ in server.asked}) <= 16
    assert ask(proxy, PUBLIC).endswith(b"public")
    assert len(proxy.stop()) == 61
