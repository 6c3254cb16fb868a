"""An algorithm of your own, in ten lines: ./lab shell --algorithm examples/last_byte.py:LastByte"""

from balancing import Server, Stateless, Unit


class LastByte(Stateless):
    """By the last byte of the client's address: neighbours never share a server, as long as there are two."""

    def choose(self, unit: Unit) -> Server:
        candidates = self.pool.candidates
        return candidates[unit.key[-1] % len(candidates)]
