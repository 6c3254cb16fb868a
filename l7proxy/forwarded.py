"""Who asked: what a backend is told of the client, and what it is not.

    client ──"X-Forwarded-For: 6.6.6.6"──► proxy ──► backend
      untrusted    what it says is dropped    Forwarded: for=10.0.1.1;host="shop";proto=https, X-Forwarded-For: 10.0.1.1
      trusted      ours is added behind it    X-Forwarded-For: 6.6.6.6, 10.0.1.1
      mode off     what it says is dropped    nothing

Rules kept here:

1. Whoever is not trusted says nothing of others: only the address that it connects from is a fact (RFC 7239 8.1).
2. What is the same for all requests of a connection is written once for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from l7proxy.messages import Field, values


@dataclass(frozen=True)
class Forwarding:
    """on: backends are told of the client. trusted: the networks of proxies in front of this one."""

    on: bool = True
    trusted: tuple[IPv4Network | IPv6Network, ...] = ()

    def trusts(self, peer: IPv4Address | IPv6Address) -> bool:
        """Whether what `peer` says of those before it is believed."""
        return any(peer in network for network in self.trusted)


class Origin:
    """The client of one connection, as its backends see it. client: its address. scheme: what it speaks."""

    __slots__ = ("_host", "_lines", "client", "forwarding", "scheme", "trusted")

    def __init__(self, forwarding: Forwarding, client: str, scheme: bytes, trusted: bool) -> None:
        self.forwarding, self.client, self.scheme, self.trusted = forwarding, client.encode(), scheme, trusted
        self._host: bytes | None = None
        self._lines = b""

    def lines(self, host: bytes, said: Sequence[Field]) -> bytes:
        """The field lines of a request for `host`; said: what its client said itself (framing.FORWARDED)."""
        if not self.forwarding.on:
            return b""
        if said and self.trusted:
            return self._behind(host, said)
        if host != self._host:
            self._host, self._lines = host, self._alone(host)
        return self._lines

    def _node(self) -> bytes:
        """RFC 7239 6: an IPv6 address in brackets and quotes."""
        return b'"[%b]"' % self.client if b":" in self.client else self.client

    def _alone(self, host: bytes) -> bytes:
        return (b"X-Forwarded-For: %b\r\nX-Forwarded-Host: %b\r\nX-Forwarded-Proto: %b\r\n"
                b'Forwarded: for=%b;host="%b";proto=%b\r\n') % (
                    self.client, host, self.scheme, self._node(), host, self.scheme)

    def _behind(self, host: bytes, said: Sequence[Field]) -> bytes:
        """Lists get one more element, what the first proxy saw stays as it is (RFC 7239 4)."""
        ours = b'for=%b;host="%b";proto=%b' % (self._node(), host, self.scheme)
        return b"X-Forwarded-For: %b\r\nX-Forwarded-Host: %b\r\nX-Forwarded-Proto: %b\r\nForwarded: %b\r\n" % (
            b", ".join((*values(said, b"x-forwarded-for"), self.client)),
            next(values(said, b"x-forwarded-host"), host),
            next(values(said, b"x-forwarded-proto"), self.scheme),
            b", ".join((*values(said, b"forwarded"), ours)))
