"""A unit: what a balancer moves as one. A MAC, an address, a connection or a request."""

from __future__ import annotations

from typing import NamedTuple


class Unit(NamedTuple):
    """One thing to place.

    id:  what tells it from every other unit of its service: the values of its layer's `unit`
         fields (two units are equal when these are).
    key: the bytes that a hash reads: the source MAC at L2, the source address from L3 up.

    >>> Unit(("10.0.1.1", 40000), b"\\x0a\\x00\\x01\\x01")
    <Unit 10.0.1.1 40000>
    """

    id: tuple[str | int, ...]
    key: bytes

    def __repr__(self) -> str:
        return f"<Unit {self}>"

    def __str__(self) -> str:
        return " ".join(map(str, self.id))
