"""``tasks-platform letters purge``."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from tasks_platform.cli.application import application
from tasks_platform.cli.letters_filters import UNITS
from tasks_platform.cli.letters_options import as_json, by, dry_run, yes
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.letters.purging import Purged
from tasks_platform.letters.purging import purge as purge_letters


class _Age(click.ParamType[timedelta]):
    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if (found := re.fullmatch(r"(\d+)([smhdw])", value)) is None:
            self.fail(f"{value!r} is no age such as 12h, 30d or 8w")
        return timedelta(**{UNITS[found[2]]: int(found[1])})


@click.command()
@click.option(
    "--older-than", type=_Age(), metavar="AGE", help="Drop what died so long ago: 30d. TASKS_LETTERS__KEEP_FOR."
)
@click.option(
    "--keep", type=click.IntRange(min=0), metavar="N", help="Drop the oldest of more. TASKS_LETTERS__KEEP_MOST."
)
@dry_run
@yes
@by
@as_json
def purge(  # noqa: PLR0913 - options of a command
    older_than: timedelta | None, keep: int | None, by: str | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Drop dead letters that are too old or too many.

    Workers do it by themselves every minute. Letters that a flow, chain or chord waits for, and those that are being
    replayed, are kept: only discard gives them up. 0 is no bound.
    """
    queue = DeadLetterQueue(application(), by=by)
    bounds = queue.settings.letters
    keep_for = (bounds.keep_for if older_than is None else older_than).total_seconds()
    keep_most = bounds.keep_most if keep is None else keep
    found = purge_letters(queue, keep_for=keep_for, keep_most=keep_most, dry_run=True)
    if not dry_run:
        if found.dropped and not yes:
            click.confirm(f"Drop {_in_words(found)}?", abort=True, err=True)
        found = purge_letters(queue, keep_for=keep_for, keep_most=keep_most)
    if as_json:
        click.echo(json.dumps({**asdict(found), "dry_run": dry_run}, indent=2))
    else:
        click.echo(f"{_in_words(found)} {'would be' if dry_run else 'were'} dropped")


def _in_words(purged: Purged) -> str:
    kept = f"; {purged.kept} more are kept, for something waits for them" if purged.kept else ""
    return f"{purged.dropped} dead letters ({purged.by_age} too old, {purged.by_count} too many{kept})"
