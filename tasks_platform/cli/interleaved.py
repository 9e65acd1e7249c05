"""The logs of several parts as one: for people, with the part's name in its colour, or for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import cycle
from types import MappingProxyType

import click
from rich.console import Console
from rich.text import Text

from tasks_platform.cli.showing import printable

_COLOURS = ("cyan", "yellow", "green", "magenta", "blue")
#: The name under which the command itself speaks.
_SELF = "up"


class TerminalScreen:
    """A line of a log with its part in front, in a colour of its own on a terminal."""

    environment: Mapping[str, str] = MappingProxyType({"TASKS_LOGS__FORMAT": "console"})

    def __init__(self, console: Console, parts: Iterable[str]) -> None:
        self._width = max(map(len, (_SELF, *parts)))
        self._console = console
        self._next = cycle(_COLOURS)
        self._colours = {_SELF: "bold"}

    def line(self, part: str, text: str) -> None:
        """Print a line, unless there is nothing on it."""
        if not text.strip():
            return
        colour = self._colours.get(part) or self._colours.setdefault(part, next(self._next))
        self._console.print(Text.assemble((f"{part:<{self._width}} | ", colour), printable(text)), soft_wrap=True)

    def say(self, event: str, text: str, **details: str) -> None:
        """Print what happens to the parts."""
        self.line(_SELF, text)

    def ready(self, places: Mapping[str, str], login: str) -> None:
        """Print where everything is; the login goes to the error output alone."""
        self.line(_SELF, "ready; Ctrl-C ends everything")
        for name, place in places.items():
            self.line(_SELF, f"  {name:<8} {place}")
        _print_login(login)


class JsonScreen:
    """An object per line; where a part's own line is one, its fields are kept."""

    environment: Mapping[str, str] = MappingProxyType({"TASKS_LOGS__FORMAT": "json"})

    def line(self, part: str, text: str) -> None:
        """Print a line."""
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        _print((fields if isinstance(fields, dict) else {"line": text}) | {"part": part})

    def say(self, event: str, text: str, **details: str) -> None:
        """Print what happens to the parts."""
        _print({"part": _SELF, "event": event, "line": text, "details": details})

    def ready(self, places: Mapping[str, str], login: str) -> None:
        """Print where everything is; the login goes to the error output alone."""
        self.say("ready", "ready", **places)
        _print_login(login)


def _print(fields: Mapping[str, object]) -> None:
    click.echo(json.dumps(fields, ensure_ascii=False))


def _print_login(login: str) -> None:
    if login:
        click.echo(f"Flower asks for a login: {login}", err=True)
