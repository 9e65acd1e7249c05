"""``tasks-platform letters``: list, show, edit, replay, discard."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import shorten
from typing import Any

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from tasks_platform.cli.application import application
from tasks_platform.cli.following import follow_to_the_end
from tasks_platform.errors import LetterError
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.settings import load_settings
from tasks_platform.up import LocalPlatform

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
#: Characters of a cause in a list.
_SHORT = 120
_letter = click.argument("letter_id", metavar="LETTER")


@click.group()
def letters() -> None:
    """Look after the dead letters: jobs that will not succeed by themselves.

    LETTER is a job id, or the beginning of one.
    """


@letters.command("list")
@click.option("--offset", default=0, show_default=True, help="Leave out the newest so many.")
@click.option("--limit", default=50, show_default=True, help="Show at most so many.")
@_json
def list_(offset: int, limit: int, *, as_json: bool) -> None:
    """List the dead letters, the newest first."""
    queue = DeadLetterQueue(application())
    found = queue.list(offset, limit)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo("There are no dead letters." if not len(queue) else f"There are only {len(queue)} dead letters.")
        return
    table = Table(title=f"{len(found)} of {len(queue)} dead letters", title_justify="left")
    for column in ("letter", "state", "died"):
        table.add_column(column, no_wrap=True)
    table.add_column("runs", justify="right")
    table.add_column("task")
    table.add_column("cause", ratio=1)
    for letter in found:
        cause = letter["cause"]
        table.add_row(
            letter["id"][:8],
            letter["state"],
            _moment(letter["died_at"])[5:16],
            str(max((attempt["attempt"] for attempt in letter["attempts"]), default=0)),
            letter["task"].rpartition(".")[2],
            shorten(f"{cause['type'].rpartition('.')[2]}: {cause['message']}", _SHORT, placeholder="..."),
        )
    Console().print(table)


@letters.command()
@_letter
@_json
def show(letter_id: str, *, as_json: bool) -> None:
    """Show one dead letter: its message, every attempt, the cause, the traceback."""
    letter = DeadLetterQueue(application()).show(letter_id)
    if as_json:
        click.echo(json.dumps(letter, indent=2))
        return
    console = Console()
    console.print(f"[bold]{letter['task']}[/] [dim]{letter['id']}[/]  {letter['state']}", highlight=False)
    for name in ("tenant", "flow", "fingerprint"):
        if letter.get(name):
            console.print(f"{name:>12}  {letter[name]}", highlight=False)
    console.print(
        f"{'cause':>12}  {letter['cause']['type']}: {letter['cause']['message']}", highlight=False, markup=False
    )
    if letter["cause"]["line"]:
        console.print(f"{'raised at':>12}  {letter['cause']['line']}", highlight=False, markup=False)
    message = letter["message"]
    arguments = message if message.get("raw") else {"args": message["args"], "kwargs": message["kwargs"]}
    console.print(Panel(json.dumps(arguments, indent=2, ensure_ascii=False), title="message", title_align="left"))
    table = Table("attempt", "failed", "worker", "error", title="attempts", title_justify="left")
    for attempt in letter["attempts"]:
        error = f"{attempt['error']['type'].rpartition('.')[2]}: {attempt['error']['message']}"
        failed = datetime.fromisoformat(attempt["failed_at"]).timestamp()
        table.add_row(str(attempt["attempt"]), _moment(failed), attempt["worker"], error)
    console.print(table)
    if letter["traceback"]:
        console.print(Panel(letter["traceback"].rstrip(), title="traceback", title_align="left"), markup=False)


@letters.command()
@_letter
@click.option("--set", "changes", multiple=True, required=True, metavar="NAME=VALUE", help="An argument and its value.")
@_json
def edit(letter_id: str, changes: tuple[str, ...], *, as_json: bool) -> None:
    """Change arguments of a dead letter by name. VALUE is JSON, or else taken as a string."""
    letter = DeadLetterQueue(application()).edit(letter_id, dict(_change(change) for change in changes))
    if as_json:
        click.echo(json.dumps(letter, indent=2))
    else:
        message = letter["message"]
        click.echo(f"{letter['task']}[{letter['id']}] now has {message['args']} {message['kwargs'] or ''}".rstrip())


@letters.command()
@_letter
@click.option("--work", is_flag=True, help="Run a worker here, and a mailbox if no mail server is set, until it ends.")
@_json
def replay(letter_id: str, *, work: bool, as_json: bool) -> None:
    """Send a dead letter again. A parked step goes on with its flow when it succeeds."""
    if work:
        with LocalPlatform(load_settings()) as platform:
            letter = _replay(DeadLetterQueue(platform.app), letter_id, as_json=as_json)
            follow_to_the_end(platform, letter)
    else:
        _replay(DeadLetterQueue(application()), letter_id, as_json=as_json)


@letters.command()
@_letter
@click.option("--yes", is_flag=True, help="Do not ask.")
@_json
def discard(letter_id: str, *, yes: bool, as_json: bool) -> None:
    """Give a dead letter up. A flow that waits for it fails."""
    queue = DeadLetterQueue(application())
    letter = queue.show(letter_id)
    if not yes:
        flow = f" The flow {letter['flow']} waits for it and will fail." if letter["state"] == "parked" else ""
        click.confirm(f"Give up {letter['task']}[{letter['id']}]?{flow}", abort=True)
    queue.discard(letter["id"])
    click.echo(json.dumps(letter, indent=2) if as_json else f"{letter['task']}[{letter['id']}] was discarded")


def _replay(queue: DeadLetterQueue, letter_id: str, *, as_json: bool) -> dict[str, Any]:
    letter = queue.replay(letter_id)
    if as_json:
        click.echo(json.dumps(letter, indent=2))
        return letter
    how = "goes on with its flow" if queue.is_parked(letter) else "is run alone"
    click.echo(f"{letter['task']}[{letter['id']}] was sent again and {how}")
    return letter


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise LetterError(f"--set {text!r}: it is NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _moment(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC).astimezone():%Y-%m-%d %H:%M:%S}"
