"""``tasks-platform jobs``: find a job by its id, look at it, cancel it, put it elsewhere."""

from __future__ import annotations

import json
from typing import Final

import click

from tasks_platform.cli.application import import_tasks, the_application
from tasks_platform.cli.jobs_many import cancel_all, move_all
from tasks_platform.cli.showing import printable
from tasks_platform.cli.showing_jobs import as_row, print_job, print_peek, where
from tasks_platform.cli.speaking import SpeakingGroup
from tasks_platform.console.masking import masked_value
from tasks_platform.jobs import Cancelled, Jobs
from tasks_platform.queues import Priority
from tasks_platform.task.cancel_mark import GRACE

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_by = click.option("--by", metavar="NAME", help="Who does it, for those who wonder; your user and machine without it.")
_id = click.argument("job_id", metavar="JOB")
_OUTCOMES: Final = {
    "cancelled": "is cancelled: it will not run",
    "ending": "runs, and was asked to end; if it has not in {grace:g} s, it is ended, and is not tried again",
    "unheard": "is with a worker that does not answer: it ends as cancelled when it is given to another one",
    "ended": "has ended meanwhile",
}


@click.group(cls=SpeakingGroup)
def jobs() -> None:
    """Find jobs that wait or run, cancel them, and put them elsewhere."""


jobs.add_command(cancel_all)
jobs.add_command(move_all)


@jobs.command()
@_id
@_json
def show(job_id: str, *, as_json: bool) -> None:
    """Show where a job is."""
    found = Jobs(the_application()).show(job_id)
    if as_json:
        click.echo(json.dumps(as_row(found), indent=2))
    else:
        print_job(found)


@jobs.command()
@_id
@_json
def peek(job_id: str, *, as_json: bool) -> None:
    """Show a job with its headers and arguments; secrets are masked."""
    import_tasks(app := the_application())
    found = Jobs(app).peek(job_id)
    if as_json:
        told = {"headers": masked_value(dict(found.headers)), "arguments": masked_value(found.arguments)}
        click.echo(json.dumps({**as_row(found.job), **told}, indent=2, default=str))
    else:
        print_peek(found)


@jobs.command()
@_id
@click.option("--why", default="", help="What others read who wonder what became of it.")
@click.option("--grace", default=GRACE, show_default=True, metavar="SECONDS", help="How long one that runs has to end.")
@_yes
@_by
@_json
def cancel(job_id: str, why: str, grace: float, by: str | None, *, yes: bool, as_json: bool) -> None:  # noqa: PLR0913
    """Cancel a job.

    One that waits is gone at once, and what it held (its unique key, its place in a flow) is given back. One that runs
    is asked to end, and ended after its grace period: it is not tried again.
    """
    import_tasks(app := the_application())
    asked = Jobs(app, by=by)
    if not yes:
        found = asked.show(job_id)
        click.confirm(
            f"Cancel {printable(found.task)}[{printable(found.id)}], which {where(found)}?", abort=True, err=True
        )
    done = asked.cancel(job_id, why=why, grace=grace)
    if as_json:
        was = None if done.was is None else as_row(done.was)
        click.echo(json.dumps({"outcome": done.outcome, "was": was}, indent=2))
    else:
        click.echo(_told(job_id, done, grace))


@jobs.command()
@_id
@click.argument("queue", metavar="QUEUE")
@_json
def move(job_id: str, queue: str, *, as_json: bool) -> None:
    """Put a job that waits into another queue, behind what is there."""
    was = Jobs(the_application()).move(job_id, queue)
    _changed(was.id, f"waits in {queue} now; before it {where(was)}", as_row(was), as_json=as_json)


@jobs.command()
@_id
@click.argument("level", metavar="LEVEL", type=click.Choice([*Priority], case_sensitive=False))
@_json
def priority(job_id: str, level: str, *, as_json: bool) -> None:
    """Let a job that waits be taken sooner, or later."""
    was = Jobs(the_application()).set_priority(job_id, level)
    _changed(was.id, f"has the priority {level} now; before it {where(was)}", as_row(was), as_json=as_json)


@jobs.command("run-now")
@_id
@_json
def run_now(job_id: str, *, as_json: bool) -> None:
    """Let a job begin now that is delayed or held."""
    was = Jobs(the_application()).run_now(job_id)
    _changed(was.id, f"can be begun now; before it {where(was)}", as_row(was), as_json=as_json)


def _changed(job_id: str, sentence: str, was: dict[str, object], *, as_json: bool) -> None:
    click.echo(json.dumps({"was": was}, indent=2) if as_json else printable(f"{job_id} {sentence}"))


def _told(job_id: str, done: Cancelled, grace: float) -> str:
    return printable(f"{job_id} {_OUTCOMES[done.outcome].format(grace=grace)}")
