"""Content codings undone while they come, within a bound on how much comes out (RFC 9110 8.4.1).

     gzip, x-gzip   members one after another (RFC 1952 2.2); what follows the last and is none is left out, as
                    browsers do
     deflate        in zlib's wrapping, or without it, as some servers send it (RFC 9110 8.4.1.2)

Rules kept here:

1. Out comes a step at a time, of at most STEP_BYTES, however much one octet stands for.
2. More than `ratio` octets for each that came, beyond the first FREE_BYTES, is a bomb.
3. What is cut or damaged is no body: an error, never half a text for a whole one.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator, Sequence

from l7proxy.messages import Field, values

STEP_BYTES = 65_536
FREE_BYTES = 2**20
CODINGS = frozenset((b"gzip", b"x-gzip", b"deflate"))
_GZIP, _ZLIB, _RAW = 31, 15, -15  # zlib's wbits
_MAGIC = b"\x1f\x8b"


class Undecodable(Exception):
    """A body that isn't what its Content-Encoding says, or too much of one."""


def codings(fields: Sequence[Field]) -> list[bytes]:
    """The codings of a body, in the order in which they were applied."""
    said = b",".join(values(fields, b"content-encoding")).lower().split(b",")
    return [coding for one in said if (coding := one.strip(b" \t")) not in (b"", b"identity")]


class Decoder:
    """What undoes the coding of one body. coding: one of CODINGS. ratio: rule 2."""

    def __init__(self, coding: bytes, ratio: int) -> None:
        self.coding, self.ratio = coding, ratio
        self._begun = b""        # the first octet of a member, until there are two
        self._inflate = zlib.decompressobj()
        self._inside = self._over = False
        self._members = 0
        self._taken = 0
        self._made = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The text in `data`, in steps. Raises Undecodable."""
        self._taken += len(data)
        data, self._begun = self._begun + data, b""
        try:
            while data and not self._over:
                if self._inside:
                    data = yield from self._steps(data)
                elif len(data) < 2:
                    self._begun, data = data, b""
                else:
                    self._begin(data[:2])
        except zlib.error as error:
            raise Undecodable(f"the body is not what its Content-Encoding says ({error})") from None

    def _begin(self, two: bytes) -> None:
        """Another member, by its first two octets."""
        if self.coding == b"deflate":
            wrapped = two[0] & 15 == 8 and int.from_bytes(two, "big") % 31 == 0  # RFC 1950 2.2
            self._over = self._members > 0
            self._inflate = zlib.decompressobj(_ZLIB if wrapped else _RAW)
        else:
            self._over = self._members > 0 and two != _MAGIC
            self._inflate = zlib.decompressobj(_GZIP)
        self._inside = not self._over

    def _steps(self, data: bytes) -> Generator[bytes, None, bytes]:
        """What this member makes of `data`; returns what follows it."""
        inflate = self._inflate
        while True:
            piece = inflate.decompress(data, STEP_BYTES)
            data = inflate.unconsumed_tail
            self._made += len(piece)
            if self._made > FREE_BYTES + self.ratio * self._taken:
                raise Undecodable(f"the body unpacks to more than {self.ratio} times its size")
            if piece:
                yield piece
            if inflate.eof:
                self._inside = False
                self._members += 1
                return inflate.unused_data
            if not data and len(piece) < STEP_BYTES:
                return b""

    def end(self) -> None:
        """The body is over. Raises Undecodable if a member isn't."""
        if self._taken and (self._inside or not self._members):
            raise Undecodable("the body ends within its Content-Encoding")
