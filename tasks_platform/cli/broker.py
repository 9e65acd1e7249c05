"""``tasks-platform broker``: what lies in the Redis broker, and the way from and to Celery's own transport."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from tasks_platform.broker.leased.migrate import Migrated, leases, to_leased, to_plain
from tasks_platform.broker.leased.overview import overview
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.cli.application import application
from tasks_platform.errors import PlatformError
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.letters.adopting import adopt
from tasks_platform.servers import BROKER, name_of
from tasks_platform.task.leased_channel import leased_channel

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
    app = application()
    found = {address: _seen(app, address) for address in app.servers.all}
    if as_json:
        others = {name_of(address): seen for address, seen in found.items() if address != BROKER}
        click.echo(json.dumps({**found[BROKER], **({"servers": others} if others else {})}, indent=2))
        return
    for address, seen in found.items():
        _show(seen, name_of(address) if len(found) > 1 else "")


def _seen(app: Any, address: str) -> dict[str, Any]:
    with leased_channel(app, address) as channel:
        return overview(channel, app.amqp.queues)


def _show(found: dict[str, Any], server: str) -> None:
    console = Console()
    if server:
        console.print(f"{server}:", soft_wrap=True)
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
@click.option("--force", is_flag=True, help="Also while workers are alive: what they have is run twice.")
@_json
def migrate(*, target: str, force: bool, as_json: bool) -> None:
    """Bring messages from one kind of workers to the other.

    What workers have, and what is not due yet, goes to where the others find it. Stop all workers first. `--to leased`:
    from Celery's own `redis://` to the platform's broker. `--to redis`: back again; what nobody can run becomes dead
    letters. What is ready lies in the same lists either way. May be repeated. Ends with 1 if messages had to stay where
    they are, and says why.
    """
    app = application()
    moved, letters = Migrated(), 0
    with ExitStack() as stack:
        channels = [stack.enter_context(leased_channel(app, address)) for address in app.servers.all]
        for channel in () if force else channels:
            _require_rest(app, channel)
        for channel in channels:
            moved += to_leased(channel) if target == "leased" else to_plain(channel, force=force)
            letters += _adopted(app, channel) if target == "redis" else 0
    if as_json:
        click.echo(json.dumps({**asdict(moved), "letters": letters}))
    else:
        _tell(moved, letters)
    if moved.left:
        sys.exit(1)


def _require_rest(app: Any, channel: StoringChannel) -> None:
    """Refuse while workers answer, or have a lease: one that is busy need not answer."""
    answers = app.control.ping(timeout=_PATIENCE)
    if names := sorted(name for answer in answers for name in answer):
        raise PlatformError(
            f"these workers run: {', '.join(names)}. Stop them first: what they have would be run twice."
        )
    if alive := leases(channel):
        told = ", ".join(f"{worker} ({seconds:.0f} s)" for worker, seconds in sorted(alive.items()))
        raise PlatformError(
            f"these workers have messages under leases that have not ended: {told}. Stop them first; if they were "
            "killed, wait until their leases have ended."
        )


def _adopted(app: Any, channel: StoringChannel) -> int:
    """Make letters of what lies in the graveyard, for the other workers know of none; return of how many."""
    total = 0
    while adopted := adopt(DeadLetterQueue(app), channel.connection.client):
        total += adopted
    return total


def _tell(moved: Migrated, letters: int) -> None:
    click.echo(f"moved into their queues: {moved.claimed} that workers had, {moved.delayed} that are not due yet")
    if moved.buried:
        click.echo(f"moved to the graveyard, for nobody can read them: {moved.buried}")
    if letters:
        click.echo(f"dead letters of what nobody can run: {letters} (tasks-platform letters list)")
    for reason, count in moved.left.items():
        click.echo(f"left where they are: {count}, for {reason}", err=True)
