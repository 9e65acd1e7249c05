"""How the commands print: tables that fit the terminal, states in colour, and no text taken for markup."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Colours of states; the others are printed plainly.
STYLES: Final = {
    "succeeded": "green",
    "delivered": "green",
    "fired": "green",
    "active": "cyan",
    "running": "cyan",
    "interrupted": "yellow",
    "retrying": "magenta",
    "parked": "yellow",
    "replaying": "cyan",
    "sending": "cyan",
    "dead": "red",
    "missed": "red",
    "refused": "red",
    "cancelled": "red",
    "pending": "dim",
    "not yet": "dim",
}


def a_console(*, stderr: bool = False) -> Console:
    """Return a console that prints what it is given as it is: causes and names may hold brackets and colons."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def a_table(*columns: str, title: Text | None = None) -> Table:
    """Return an empty table."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False)
    table.padding = (0, 1, 0, 0)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def in_colour(state: str) -> Text:
    """Return a state as it is to be printed."""
    return Text(state, STYLES.get(state, ""))


def printable(text: object) -> str:
    """Return *text* without what would steer a terminal: it may come from a mail server, or from anybody's job."""
    return "".join(mark if mark.isprintable() or mark in "\n\t" else "\N{REPLACEMENT CHARACTER}" for mark in str(text))
