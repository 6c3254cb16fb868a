"""What the commands of `./lab` share: how they take words, and how they answer wrong ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from layerlab import choice

HELP: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100}}


class Word(click.ParamType):
    """One of a few words; a wrong one gets the nearest right one."""

    def __init__(self, kind: str, words: Iterable[str]) -> None:
        self.name, self.words = kind, list(words)

    def convert(self, value: str, param: click.Parameter | None, context: click.Context | None) -> str:
        return choice(self.name, value, self.words)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "|".join(self.words)


class Commands(click.Group):
    """A group whose wrong words get the nearest right one."""

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        choice("command", args[0], self.list_commands(context))
        return super().resolve_command(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which a newcomer wants them
