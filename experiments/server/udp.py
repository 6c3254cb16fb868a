"""The UDP echo: answers every datagram with what it saw of it.

A server of the lab has several addresses: its host address, its service address, at L2 also the
VIP on `lo`. A TCP connection answers from the address that was called; a UDP socket bound to
0.0.0.0 does not: `sendto` takes whatever source address the route out prefers, and the client
drops an answer from an address that it never asked. So the address asked is received with the
datagram and sent back with the answer, as ancillary data (ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO):

    recvmsg ──► data, (pktinfo: came to 10.0.0.100), client
    sendmsg ◄── JSON, (pktinfo: leave from 10.0.0.100), client

The echo has no queue: capacity (capacity.py) is about requests. A health probe is answered like anything else and
not counted: looking must not change what is seen.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import struct

from experiments.endpoint import endpoint
from experiments.server.counts import Counts

IP_PKTINFO = 8  # linux/in.h; Python has no name for it before 3.12
IN_PKTINFO = struct.Struct("@i4s4s")  # ipi_ifindex, ipi_spec_dst, ipi_addr
IN6_PKTINFO = struct.Struct("@16si")  # ipi6_addr, ipi6_ifindex
MAX_DATAGRAM_BYTES = 65_535
PROBE = b"_probe"  # what a health check says (experiments/services.py)
BURST = 64  # datagrams per wake-up, so that a flood leaves HTTP its turn
encode = json.JSONEncoder(ensure_ascii=False).encode

Ancillary = tuple[int, int, bytes]  # level, type, data, as recvmsg and sendmsg have it


class Echo:
    """Answers the datagrams of one socket. Call `on_readable` when there are any."""

    def __init__(self, sock: socket.socket, server: str, counts: Counts) -> None:
        self._sock, self._server, self._counts = sock, server, counts
        self._port = sock.getsockname()[1]
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)

    def on_readable(self) -> None:
        """Answer what has arrived, BURST datagrams at most; the loop calls again for the rest."""
        for _ in range(BURST):
            try:
                data, ancillary, _, client = self._sock.recvmsg(MAX_DATAGRAM_BYTES, socket.CMSG_SPACE(IN6_PKTINFO.size))
            except BlockingIOError:
                return
            self._answer(data, ancillary[0], client)

    def _answer(self, data: bytes, pktinfo: Ancillary, client: tuple[str, int]) -> None:
        asked, source = address_asked(pktinfo)
        local = endpoint(asked, self._port)
        self._counts.udp[local] += data != PROBE
        answer = encode({
            "server": self._server,
            "client_ip": client[0], "client_port": client[1],
            "local_ip": asked, "local_port": self._port,
            "data": data.decode("utf-8", "backslashreplace"),
        })
        # UDP may lose it: a full buffer, no route back, an echo grown past 64 KiB.
        with contextlib.suppress(OSError):
            self._sock.sendmsg([answer.encode()], [source], 0, client)


def address_asked(pktinfo: Ancillary) -> tuple[str, Ancillary]:
    """Read the pktinfo of a received datagram.

    Returns the address that it was sent to, and the ancillary data that makes its answer leave from
    there. The interface is not kept: the way back is the routing table's business, and at L2 the
    VIP sits on `lo`, through which nobody else can be reached.
    """
    level, kind, data = pktinfo
    if level == socket.IPPROTO_IPV6:
        asked, in_if = IN6_PKTINFO.unpack(data)
        out_if = in_if if asked[:2] == b"\xfe\x80" else 0  # a link-local address means nothing without its link
        return str(ipaddress.ip_address(asked)), (level, kind, IN6_PKTINFO.pack(asked, out_if))
    # spec_dst is our own address even where the datagram was broadcast: a broadcast can't be a source.
    _, spec_dst, asked = IN_PKTINFO.unpack(data)
    return socket.inet_ntoa(asked), (level, kind, IN_PKTINFO.pack(0, spec_dst, bytes(4)))
