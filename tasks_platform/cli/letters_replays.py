"""``tasks-platform letters replays``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console

from tasks_platform.cli.application import application
from tasks_platform.cli.letters_options import as_json
from tasks_platform.cli.showing import a_console, a_table, in_colour, printable
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.letters.replays import KnownReplay, known_replays

#: Figures of a replay that are told if there are any, and how.
_FIGURES: Final = {
    "recovered": "recovered",
    "skipped": "skipped",
    "back": "came back",
    "left": "left",
    "out": "on their way",
    "todo": "not sent",
}


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="Show at most so many.")
@as_json
def replays(limit: int, *, as_json: bool) -> None:
    """List the replays of many letters.

    The newest comes first. One that was interrupted goes on with 'replay --resume' and its id. They are kept for a
    month.
    """
    found = known_replays(DeadLetterQueue(application()).store, limit)
    if as_json:
        click.echo(json.dumps([_described(replay) for replay in found], indent=2))
    elif found:
        _print(a_console(), found)
    else:
        click.echo("There was no replay of many letters.")


def _described(replay: KnownReplay) -> dict[str, Any]:
    groups = asdict(replay.status)["groups"]
    return {**{name: value for name, value in asdict(replay).items() if name != "status"}, "groups": groups}


def _print(console: Console, found: list[KnownReplay]) -> None:
    table = a_table()
    for column in ("replay", "state", "begun", "letters"):
        table.add_column(column, no_wrap=True, justify="right" if column == "letters" else "left")
    table.add_column("of what, and how far", ratio=1, overflow="fold")
    for replay in found:
        counts = {words: replay.status.count(name) for name, words in _FIGURES.items()}
        figures = ", ".join(f"{count} {words}" for words, count in counts.items() if count)
        table.add_row(
            replay.id,
            in_colour(replay.state),
            f"{datetime.fromtimestamp(replay.begun_at, UTC).astimezone():%m-%d %H:%M}",
            str(replay.status.count("letters")),
            printable(f"{_in_words(replay.asked)}\n{figures}"),
        )
    console.print(table)


def _in_words(asked: Mapping[str, Any]) -> str:
    """Say what was asked for as it was typed."""
    if "letters" in asked:
        return "letters that were named"
    filters = {**asked["where"], **({} if asked["text"] is None else {"text": asked["text"]})}
    return " ".join(["--all", *(f"--{name} {value}" for name, value in filters.items())])
