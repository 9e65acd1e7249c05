"""``tasks-platform schedules``: list, next, history, trigger, beats."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice

import click

from tasks_platform.celery import PlatformApp
from tasks_platform.cli.application import application, import_tasks
from tasks_platform.cli.showing import a_console
from tasks_platform.cli.showing_schedules import print_beats, print_history, print_moments, print_schedules
from tasks_platform.errors import ScheduleError
from tasks_platform.schedules import beats as living_beats
from tasks_platform.schedules import trigger as send_now
from tasks_platform.schedules.entry import iso
from tasks_platform.schedules.overview import find, overview

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_name = click.argument("name", metavar="NAME")


@click.group()
def schedules() -> None:
    """Look after the schedule: what is sent by itself, and when."""


@schedules.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List the entries and when they come next."""
    app = _application()
    found = overview(app)
    if as_json:
        rows = [
            {
                "name": standing.entry.name,
                "state": standing.state,
                "when": standing.entry.when.definition,
                "words": standing.entry.when.words,
                "zone": standing.entry.when.zone.key,
                "task": standing.entry.task,
                "next": iso(standing.coming) if standing.coming else None,
                "last": standing.last,
                "fired": standing.fired,
                "missed": standing.missed,
            }
            for standing in found
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        print_schedules(a_console(), found, living_beats(app.store))


@schedules.command("next")
@_name
@click.option("--count", default=5, show_default=True, type=click.IntRange(1, 1000), help="How many moments.")
@_json
def next_(name: str, count: int, *, as_json: bool) -> None:
    """Show the next moments of an entry.

    In UTC, and on the clocks of its zone.
    """
    entry = find(_application(), name).entry
    coming = list(islice(entry.when.after(datetime.now(UTC)), count))
    if as_json:
        click.echo(json.dumps([iso(moment) for moment in coming], indent=2))
    else:
        print_moments(a_console(), entry, coming)


@schedules.command()
@_name
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="Show at most so many.")
@_json
def history(name: str, limit: int, *, as_json: bool) -> None:
    """Show what became of the last moments of an entry.

    A moment was fired, with the id of its job, or missed or refused, with the reason.
    """
    app = _application()
    standing = find(app, name)
    firings = app.store.firings(name, limit)
    if as_json:
        click.echo(json.dumps(firings, indent=2))
    else:
        print_history(a_console(), standing, firings)


@schedules.command()
@_name
@_json
def trigger(name: str, *, as_json: bool) -> None:
    """Send a job of an entry now, beside its moments."""
    app = _application()
    standing = find(app, name)
    if standing.state == "elsewhere":
        raise ScheduleError(
            f"the schedule {name!r} is declared by no module of this process, and what to send is not taken from the "
            "beats' table: name its module in TASKS_MODULES"
        )
    firing = send_now(app, standing.entry)
    click.echo(json.dumps(firing, indent=2) if as_json else f"{name} was sent as the job {firing['job_id']}")


@schedules.command()
@_json
def beats(*, as_json: bool) -> None:
    """Show the beats that are alive: one leads, the others stand by."""
    found = living_beats(application().store)
    if as_json:
        click.echo(json.dumps([asdict(beat) for beat in found], indent=2, default=iso))
    else:
        print_beats(a_console(), found)


def _application() -> PlatformApp:
    app = application()
    import_tasks(app)
    return app
