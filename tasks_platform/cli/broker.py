"""``tasks-platform broker``: what lies in the Redis broker, and the way from and to Celery's own transport."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tasks_platform.broker.leased.migrate import overview, to_leased, to_plain
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.cli.application import application
from tasks_platform.errors import PlatformError

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
#: Seconds that running workers have to answer.
_PATIENCE = 2.0


@click.group()
def broker() -> None:
    """Look after the Redis broker."""


@broker.command()
@_json
def show(*, as_json: bool) -> None:
    """Show how many messages lie where.

    Ready, delayed, with which worker, and in the graveyard.
    """
    with _channel() as (_, channel):
        found = overview(channel)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    console = Console()
    queues = Table("queue", "ready", "delayed", title="Messages")
    for queue, counted in found["queues"].items():
        queues.add_row(queue, f"{counted['ready']:,}", f"{counted['delayed']:,}")
    console.print(queues)
    workers = Table("worker", "has", title="Under leases")
    for worker, count in found["workers"].items():
        workers.add_row(worker, f"{count:,}")
    console.print(workers)
    console.print(f"graveyard: {found['graveyard']:,}   with plain workers: {found['plain_unacked']:,}")


@broker.command()
@click.option("--to", "target", type=click.Choice(["leased", "redis"]), required=True, help="What workers will use.")
@click.option("--force", is_flag=True, help="Also while workers answer: what they have is run twice.")
@_json
def migrate(*, target: str, force: bool, as_json: bool) -> None:
    """Bring messages from one kind of workers to the other.

    What workers have, and what is not due yet, goes to where the others find it. Stop all workers first. `--to leased`:
    from Celery's own `redis://` to the platform's broker. `--to redis`: back again. What is ready lies in the same
    lists either way. May be repeated.
    """
    with _channel() as (app, channel):
        answers = app.control.ping(timeout=_PATIENCE)
        if answers and not force:
            names = ", ".join(sorted(name for answer in answers for name in answer))
            raise PlatformError(f"these workers run: {names}. Stop them first: what they have would be run twice.")
        moved = to_leased(channel) if target == "leased" else to_plain(channel)
    if as_json:
        click.echo(json.dumps(asdict(moved)))
    else:
        click.echo(f"moved into their queues: {moved.claimed} that workers had, {moved.delayed} that are not due yet")


@contextmanager
def _channel() -> Iterator[tuple[Any, StoringChannel]]:
    app: Any = application()
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        if not isinstance(channel, StoringChannel):
            raise PlatformError("the broker is not the platform's on Redis: TASKS_BROKER_URL names another one")
        yield app, channel
