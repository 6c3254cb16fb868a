"""Maglev's table: consistent hashing as a lookup table of a fixed size.

    s1's permutation of the slots   5 3 1 6 4 2 0 ──┐   each server in its turn takes the first slot
    s2's                            0 4 1 5 2 6 3 ──┼──► of its own permutation that is still free,
    s3's                            3 2 6 4 1 0 5 ──┘   until none is:  s2 s2 s1 s1 s2 s1 s3

Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section 3.4. Equal servers
own the same number of slots to within one, and when a server leaves, hardly any slot but its own changes hands.
Weights as in the section's last remark: a server takes its turn so much more rarely. Then one with the part p of all
weights owns p of the slots to within 1 + p (n - 2), for n servers: a handful of 65,537.

A server's permutation comes from its name alone, so every controller and proxy makes the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from math import gcd

SIZE = 65_537  # a prime, and more than 100 slots a server for up to 655 of them (section 5.3)


def table(weights: Mapping[str, int], size: int = SIZE) -> list[str]:
    """The owner of each of `size` slots.

    weights: by name, whole numbers from 1, at least one server. size: any; a prime has the most permutations.
    """
    slots: list[str] = [""] * size
    orders = {name: _permutation(name, size) for name in sorted(weights)}
    most, purse, free = max(weights.values()), dict.fromkeys(orders, 0), size
    while free:
        for name, order in orders.items():
            purse[name] += weights[name]
            if purse[name] < most:
                continue  # not yet its turn
            purse[name] -= most
            slots[next(slot for slot in order if not slots[slot])] = name
            free -= 1
            if not free:
                break
    return slots


def _permutation(name: str, size: int) -> Iterator[int]:
    """Every slot once, and then all over: offset, offset + skip, offset + 2 skip, ... modulo the size."""
    digest = blake2b(name.encode(), digest_size=16).digest()
    slot = int.from_bytes(digest[:8], "big") % size
    skip = int.from_bytes(digest[8:], "big") % (size - 1) + 1 if size > 1 else 1
    while gcd(skip, size) > 1:  # or slots would be missed; with a prime never so
        skip += 1
    while True:
        yield slot
        slot = (slot + skip) % size
