"""``tasks-platform queues``: see how much waits, pause queues and resume them."""

from __future__ import annotations

import json
from typing import Any, Final

import click
from rich.text import Text

from tasks_platform.broker.leased.control import Pause
from tasks_platform.cli.application import the_application
from tasks_platform.cli.jobs_many import purge
from tasks_platform.cli.showing import a_console, a_table, printable
from tasks_platform.cli.speaking import SpeakingGroup
from tasks_platform.jobs import Queues, QueueState
from tasks_platform.queues import Priority

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_UNITS: Final = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"))


@click.group(cls=SpeakingGroup)
def queues() -> None:
    """See how much waits in queues, pause, resume and purge them."""


queues.add_command(purge)


@queues.command("list")
@click.argument("names", nargs=-1, metavar="[QUEUE]...")
@click.option("--all", "undeclared", is_flag=True, help="Also those that no task declares: looks through all keys.")
@_json
def list_(names: tuple[str, ...], *, undeclared: bool, as_json: bool) -> None:
    """Show how much lies in queues, and how fast they go.

    What waits is counted by level. What is done in a second is the mean of the last ten minutes, and the work is how
    long what waits will take at that rate.
    """
    found = Queues(the_application()).states(names, undeclared=undeclared)
    if as_json:
        click.echo(json.dumps([_row(state) for state in found], indent=2))
        return
    table = a_table("queue", *Priority, "delayed", "held", "with workers", "oldest", "a second", "work", "")
    for state in found:
        counts = [f"{state.waiting[level]:,}" if state.waiting[level] else "" for level in Priority]
        remark = Text(f"paused by {_told(state.pause)}" if state.pause else "", "yellow")
        if state.server:
            remark = Text(f"{state.server}  ").append(remark)
        others = [f"{count:,}" if count else "" for count in (state.delayed, state.held, state.claimed)]
        rate = "" if state.rate is None else f"{state.rate:,.1f}"
        work = _span(state.work) if state.work else ""
        table.add_row(printable(state.name), *counts, *others, _span(state.oldest), rate, work, remark)
    a_console().print(table)


@queues.command()
@click.argument("name", metavar="QUEUE")
@click.option("--why", required=True, help="What others read who wonder why nothing happens.")
@_json
def pause(name: str, why: str, *, as_json: bool) -> None:
    """Let no worker begin anything of a queue.

    It holds for all workers at once, and until somebody resumes it, also when they are started again. What runs goes
    on, and what is sent waits.
    """
    said = Queues(the_application()).pause(name, why=why)
    if as_json:
        click.echo(json.dumps(_pause(said)))
        return
    click.echo(f"{printable(name)} is paused by {_told(said)}")


@queues.command()
@click.argument("name", metavar="QUEUE")
@_json
def resume(name: str, *, as_json: bool) -> None:
    """Let workers take from a queue again."""
    ended = Queues(the_application()).resume(name)
    if as_json:
        click.echo(json.dumps({"ended": None if ended is None else _pause(ended)}))
    elif ended is None:
        click.echo(f"{printable(name)} was not paused")
    else:
        click.echo(f"{printable(name)} goes on; it was paused by {_told(ended)}")


def _row(state: QueueState) -> dict[str, Any]:
    return {
        "queue": state.name,
        "server": state.server or None,
        "waiting": dict(state.waiting),
        "delayed": state.delayed,
        "held": state.held,
        "next_due": state.next_due.isoformat() if state.next_due else None,
        "claimed": state.claimed,
        "oldest": state.oldest,
        "rate": state.rate,
        "work": state.work,
        "pause": _pause(state.pause) if state.pause else None,
    }


def _pause(said: Pause) -> dict[str, Any]:
    return {"queue": said.queue, "by": said.by, "why": said.why, "since": said.since.isoformat()}


def _told(said: Pause) -> str:
    return f"{printable(said.by) or 'somebody'} since {said.since:%Y-%m-%d %H:%M} UTC: {printable(said.why)}"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
