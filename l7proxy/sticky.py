"""Sessions that stay at their server: by a cookie of the proxy's own, or by a hash of what the client says anyway.

     cookie "lab"     Set-Cookie: lab=2.9f3c...; Path=/; HttpOnly; SameSite=Lax     server 2, signed
                      comes back ──valid, server 2 takes it──► server 2
                                 └─otherwise──► the algorithm, and another Set-Cookie
     hash of header   X-User: ann ──► the unit's key ──► an algorithm that reads keys: source-hash, maglev
     hash of cookie   sid=77      ──► the same

Rules kept here:

1. A cookie tells nothing of the server but its number, and none is believed that we did not sign (HMAC, RFC 2104).
2. The cookie ends here: it is taken out of what goes on to the backend.
3. Whose server drains keeps it: a drain is for new sessions. Whose server is gone is pinned anew.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import NamedTuple

from balancing import Pool, Server
from l7proxy.messages import Field, RequestHead, field, values

_MAC_DIGITS = 32  # 128 bits


class Session(NamedTuple):
    """What is known of a request's session. server: where it lives. key: what a hash reads, else its client's address.

    pins:  whether the server that is chosen must be told to the client, if it is another one.
    known: whether it has lived somewhere, be it at a server that was removed.
    """

    server: Server | None = None
    key: bytes | None = None
    pins: bool = False
    known: bool = False


NO_SESSION = Session()


@dataclass(frozen=True)
class Sticky:
    """How sessions are known. kind: "own" for the proxy's own cookie, or "cookie" or "header" for a hash of one.

    name: of the cookie or header field. secret: signs the own cookie. secure: it is for https only.
    """

    kind: str
    name: str
    secret: bytes = b""
    secure: bool = False

    def session(self, head: RequestHead, pool: Pool) -> Session:
        """The session of `head`."""
        if self.kind == "own":
            number = self._read(cookie(head.fields, self.name.encode()), pool)
            return Session(pool.servers.get(number), None, pins=True, known=number >= 0)
        if self.kind == "cookie":
            return Session(key=cookie(head.fields, self.name.encode()))
        return Session(key=b", ".join(values(head.fields, self.name.lower().encode())) or None)

    def _read(self, value: bytes | None, pool: Pool) -> int:
        """The number of the server that a cookie of ours names; -1 for any other."""
        number, _, mac = (value or b"").partition(b".")
        if not hmac.compare_digest(mac, self._sign(number, pool)) or not number.isdigit():
            return -1
        return int(number)

    def _sign(self, number: bytes, pool: Pool) -> bytes:
        mac = hmac.new(self.secret, b"%b %b" % (pool.name.encode(), number), "sha256")
        return mac.hexdigest()[:_MAC_DIGITS].encode()

    def set_cookie(self, server: Server, pool: Pool) -> bytes:
        """The field line that tells the client where its session lives (RFC 6265 4.1)."""
        number = b"%d" % server.backend.id
        return b"Set-Cookie: %b=%b.%b; Path=/; HttpOnly; SameSite=Lax%b\r\n" % (
            self.name.encode(), number, self._sign(number, pool), b"; Secure" if self.secure else b"")

    def stripped(self, fields: list[Field]) -> list[Field]:
        """`fields` without our own cookie, which is nobody else's business."""
        if self.kind != "own":
            return fields
        ours = self.name.encode() + b"="
        return [kept for one in fields if (kept := _without(one, ours)) is not None]


def _without(one: Field, ours: bytes) -> Field | None:
    if one.name != b"cookie" or ours not in one.value:
        return one
    rest = [pair for pair in one.value.split(b";") if not pair.strip().startswith(ours)]
    return field(b"Cookie", b";".join(rest).strip()) if rest else None


def cookie(fields: list[Field], name: bytes) -> bytes | None:
    """The value of the cookie `name`: the first, which a browser lists first for its longer path (RFC 6265 5.4)."""
    for line in values(fields, b"cookie"):
        for pair in line.split(b";"):
            key, _, value = pair.strip().partition(b"=")
            if key == name:
                return value
    return None
