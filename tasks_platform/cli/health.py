"""``tasks-platform health``: whether this installation is well."""

from __future__ import annotations

import json

import click
from rich.text import Text

from tasks_platform.celery import create_app
from tasks_platform.cli.application import import_tasks
from tasks_platform.cli.secrets import Censor
from tasks_platform.cli.showing import a_console, a_table, printable
from tasks_platform.health import Report
from tasks_platform.settings import load_settings


@click.command()
@click.option("--only", multiple=True, metavar="CHECK", help="Make only this check; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_context
def health(ctx: click.Context, only: tuple[str, ...], *, as_json: bool) -> None:
    """Tell whether this installation is well.

    The exit code is 1 if it is not.

    Does Redis answer and keep what it is given, does too much wait or lie dead, has every queue a worker?
    The bounds are TASKS_HEALTH__WAITING, __LETTERS and __QUEUES.
    """
    settings = load_settings()
    app = create_app(settings)
    import_tasks(app)
    reports = list(app.health.run(only))
    well = not any(report.alarming for report in reports)
    censored = Censor(settings)
    if as_json:
        answer = {"healthy": well, "checks": [report.as_json() for report in reports]}
        click.echo(censored(json.dumps(answer, indent=2)))
    else:
        table = a_table("", "check", "finding")
        for report in reports:
            table.add_row(_verdict(report), report.name, printable(censored(report.finding.message)))
        a_console().print(table)
    if not well:
        ctx.exit(1)


def _verdict(report: Report) -> Text:
    if report.finding.healthy:
        return Text("well", "green")
    return Text("ill", "red" if report.required else "yellow")
