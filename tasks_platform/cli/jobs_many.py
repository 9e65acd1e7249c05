"""``jobs cancel-all`` and ``move-all``, ``queues purge``: what is done to all jobs of a kind that wait."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import click

from tasks_platform.cli.application import import_tasks, the_application
from tasks_platform.cli.following import FlowProgress
from tasks_platform.cli.showing import a_console, a_table, printable
from tasks_platform.cli.showing_jobs import as_row
from tasks_platform.jobs import Hit, ManyJobs, Which

_OPTIONS: Final = (
    click.option("--task", metavar="NAME", help="Of this task; the last part of its name is enough."),
    click.option("--tenant", metavar="NAME", help="Of jobs that work for this tenant."),
    click.option("--text", metavar="TEXT", help="With this text in their arguments."),
)
_from = click.option("--queue", metavar="NAME", help="From this queue; without it, from all that tasks declare.")
_why = click.option("--why", default="", help="What others read who wonder what became of them.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only show which jobs would be meant.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_by = click.option("--by", metavar="NAME", help="Who does it, for those who wonder; your user and machine without it.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* the options that say which jobs are meant; it is called with *which*."""

    @wraps(command)
    def called(*args: Any, task: str | None, tenant: str | None, text: str | None, **kwargs: Any) -> Any:
        return command(*args, which=Which(task=task, tenant=tenant, text=text), **kwargs)

    for option in reversed(_OPTIONS):
        option(called)
    return called


@click.command("cancel-all")
@_filters
@_from
@_why
@_dry_run
@_yes
@_by
@_json
def cancel_all(  # noqa: PLR0913 - options of a command
    which: Which, queue: str | None, why: str, by: str | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Cancel all jobs of a kind that wait.

    Those that are delayed or held are among them; what workers have is left alone. What would be cancelled is shown
    before anything is.
    """
    if which == Which() and queue is None:
        raise click.UsageError("Say which: --queue, --task, --tenant or --text.")
    import_tasks(app := the_application())
    many = ManyJobs(app, which, queue=queue, by=by)
    if _are_meant(many, "Cancel them?", dry_run=dry_run, yes=yes, as_json=as_json):
        _done("were cancelled", lambda progress: many.cancel(why=why, progress=progress), as_json=as_json)


@click.command("move-all")
@click.argument("to", metavar="QUEUE")
@_filters
@_from
@_dry_run
@_yes
@_json
def move_all(  # noqa: PLR0913 - options of a command
    to: str, which: Which, queue: str | None, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Put all jobs of a kind that wait into a queue.

    They come behind what is there, in their order; what workers have is left alone.
    """
    if which == Which() and queue is None:
        raise click.UsageError("Say which: --queue, --task, --tenant or --text.")
    if queue == to:
        raise click.UsageError(f"They wait in {to} already.")
    many = ManyJobs(the_application(), which, queue=queue)
    if _are_meant(many, f"Put them into {to}?", dry_run=dry_run, yes=yes, as_json=as_json):
        _done("were moved", lambda progress: many.move(to, progress=progress), as_json=as_json)


@click.command()
@click.argument("name", metavar="QUEUE")
@_why
@_dry_run
@_yes
@_by
@_json
def purge(name: str, why: str, by: str | None, *, dry_run: bool, yes: bool, as_json: bool) -> None:  # noqa: PLR0913
    """Cancel all jobs of a queue that wait.

    What they held is given back, other than by 'celery purge', which only throws their messages away. What workers
    have is left alone.
    """
    import_tasks(app := the_application())
    many = ManyJobs(app, Which(), queue=name, by=by)
    if _are_meant(many, "Cancel them?", dry_run=dry_run, yes=yes, as_json=as_json):
        why = why or f"the queue {name} was purged"
        _done("were cancelled", lambda progress: many.cancel(why=why, progress=progress), as_json=as_json)


def _are_meant(many: ManyJobs, question: str, *, dry_run: bool, yes: bool, as_json: bool) -> bool:
    """Show which jobs are meant, and ask; tell whether it is to be done."""
    if yes and not dry_run:
        return True
    with FlowProgress(a_console(stderr=True)) as bars:
        hit = many.look(lambda seen, total: bars.update("Look", seen, total, count=f"{seen:,}"))
    if dry_run and as_json:
        click.echo(json.dumps(_described(hit), indent=2))
        return False
    table = a_table("task", "jobs")
    for task, count in hit.tasks.most_common():
        table.add_row(printable(task or "(unknown)"), f"{count:,}")
    a_console(stderr=as_json).print(table if hit.count else "no job is meant")
    if dry_run or not hit.count:
        return False
    click.confirm(f"{hit.count:,} jobs are meant. {question}", abort=True, err=True)
    return True


def _done(words: str, do: Callable[[Callable[[int, int], None]], Hit], *, as_json: bool) -> None:
    with FlowProgress(a_console(stderr=True)) as bars:
        hit = do(lambda seen, total: bars.update("Done", seen, total, count=f"{seen:,}"))
    click.echo(json.dumps(_described(hit), indent=2) if as_json else f"{hit.count:,} jobs {words}")


def _described(hit: Hit) -> dict[str, Any]:
    return {"jobs": hit.count, "tasks": dict(hit.tasks), "examples": [as_row(job) for job in hit.examples]}
