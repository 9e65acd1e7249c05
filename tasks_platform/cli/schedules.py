"""``tasks-platform schedules``: list, next."""

from __future__ import annotations

import difflib
import json
from datetime import UTC, datetime
from itertools import islice

import click
from rich.text import Text

from tasks_platform.cli.application import application, import_tasks
from tasks_platform.cli.showing import a_console, a_table
from tasks_platform.errors import ScheduleError
from tasks_platform.schedules import Entry, declared_entries
from tasks_platform.schedules.entry import iso

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_name = click.argument("name", metavar="NAME")


@click.group()
def schedules() -> None:
    """Look after the schedule: what is sent by itself, and when."""


@schedules.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List the entries and when they come next."""
    on, off = _entries()
    coming = {name: next(entry.when.after(datetime.now(UTC)), None) for name, entry in on.items()}
    if as_json:
        rows = [
            _row(entry, "on" if entry.name in on else "off", coming.get(entry.name)) for entry in (on | off).values()
        ]
        click.echo(json.dumps(rows, indent=2))
    elif on or off:
        table = a_table("schedule", "when", "next in UTC", "on its clocks")
        for name, entry in sorted((on | off).items()):
            moment = coming.get(name)
            table.add_row(
                name,
                f"{entry.when.words}, {entry.when.zone.key}",
                shortly(moment) if moment else Text("off" if name in off else "never", "dim"),
                shortly(moment.astimezone(entry.when.zone)) if moment else "",
            )
        a_console().print(table)
    else:
        click.echo("The task modules declare no schedule.")


@schedules.command("next")
@_name
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many moments.")
@_json
def next_(name: str, count: int, *, as_json: bool) -> None:
    """Show the next moments of an entry.

    In UTC, and on the clocks of its zone.
    """
    entry = _entry(name)
    coming = list(islice(entry.when.after(datetime.now(UTC)), count))
    if as_json:
        click.echo(json.dumps([iso(moment) for moment in coming], indent=2))
        return
    table = a_table("UTC", entry.when.zone.key, title=Text(f"{name}: {entry.when.words}"))
    for moment in coming:
        table.add_row(on_clocks(moment), on_clocks(moment.astimezone(entry.when.zone)))
    a_console().print(table)


def shortly(moment: datetime) -> str:
    """Return a moment as the clocks of its zone show it, without the year."""
    return moment.strftime("%a %d %b %H:%M:%S")


def on_clocks(moment: datetime) -> str:
    """Return a moment as the clocks of its zone show it."""
    return moment.strftime("%a %Y-%m-%d %H:%M:%S %z")


def _row(entry: Entry, state: str, coming: datetime | None) -> dict[str, object]:
    return {
        "name": entry.name,
        "state": state,
        "when": entry.when.definition,
        "words": entry.when.words,
        "zone": entry.when.zone.key,
        "task": entry.task,
        "next": iso(coming) if coming else None,
    }


def _entries() -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return the entries that are on, and those that are off."""
    app = application()
    import_tasks(app)
    return declared_entries(app.settings.schedules.switched_off)


def _entry(name: str) -> Entry:
    on, off = _entries()
    if (entry := (on | off).get(name)) is None:
        meant = difflib.get_close_matches(name, on | off, 1)
        hint = f"; did you mean {meant[0]!r}?" if meant else ""
        raise ScheduleError(f"no task module declares a schedule {name!r}{hint}")
    return entry
