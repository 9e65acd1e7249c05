"""``tasks-platform latency``: how long jobs wait until they are begun, and whether their level promises that."""

from __future__ import annotations

import json
import time
from typing import Any

import click
from rich.text import Text

from tasks_platform.cli.application import application
from tasks_platform.cli.showing import a_console, a_table, printable
from tasks_platform.latency import Waits, read
from tasks_platform.settings import Objectives

_HOUR = 3600
#: A share of jobs begun in time that is shown as good.
_GOOD = 0.99
_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@click.command()
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 48), help="How far to look back.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def latency(hours: int, *, as_json: bool) -> None:
    """Show how long jobs wait, by level and queue.

    It is measured from the moment a job is due to the start of its first attempt. What a level promises is set by
    TASKS_OBJECTIVES__CRITICAL and so on. A plain Celery producer does not say when it sent a job: its wait is unknown.
    """
    app = application()
    this_hour = int(time.time() // _HOUR)
    found = read(app.store.waits(range(this_hour - hours + 1, this_hour + 1)))
    objectives = app.settings.objectives
    if as_json:
        click.echo(json.dumps([_row(waits, objectives) for waits in found], indent=2))
        return
    if not found:
        click.echo(f"No job was begun in the last {hours} hours.")
        return
    table = a_table(
        "level", "queue", "jobs", "unknown", "promised", "kept", *_SHARES, title=Text("from due to begun", "bold")
    )
    for waits in found:
        row = _row(waits, objectives)
        table.add_row(
            waits.level,
            printable(waits.queue),
            f"{waits.jobs:,}",
            f"{waits.unknown:,}" if waits.unknown else "",
            _seconds(row["objective"]),
            _share(row["inside"]),
            *(_seconds(row[name]) for name in _SHARES),
        )
    a_console().print(table)


def _row(waits: Waits, objectives: Objectives) -> dict[str, Any]:
    objective = objectives.seconds(waits.level)
    return {
        "queue": waits.queue,
        "level": waits.level,
        "jobs": waits.jobs,
        "unknown": waits.unknown,
        "objective": objective,
        "inside": waits.inside / waits.jobs if waits.jobs and objective is not None else None,
        **{name: waits.at_most(share) for name, share in _SHARES.items()},
    }


def _share(inside: float | None) -> Text:
    if inside is None:
        return Text("")
    return Text(f"{inside:.1%}", "green" if inside >= _GOOD else "red")


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - where minutes read better
