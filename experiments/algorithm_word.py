"""`--algorithm` on the command line: a word of ours, or FILE.py:CLASS for a class of your own."""

from __future__ import annotations

import click

from balancing import ALGORITHMS, find_algorithm
from balancing.algorithms import full_name


class AlgorithmWord(click.ParamType):
    """An algorithm, looked up and, where it is your own, tried: before anything is built."""

    name = "algorithm"

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        find_algorithm(value)
        return full_name(value)  # controller and proxy may run elsewhere

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "|".join([*ALGORITHMS, "FILE.py:CLASS"])
