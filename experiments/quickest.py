"""Tests and nothing else: whoever the last test found quickest takes all, until the next test says otherwise.

    ./lab shell --layer l7 --algorithm experiments/quickest.py:Quickest

It is what "balance by response time" says when taken at its word, and shows what is wrong with it: between two tests
everybody runs to the same server (./lab run feedback).
"""

from balancing import Server, Stateless, Unit


class Quickest(Stateless):
    """The server of the lowest response time; one without a result yet is tried first."""

    def choose(self, unit: Unit) -> Server:
        return min(self.pool.candidates, key=lambda server: server.response_s or 0.0)
