"""``tasks-platform flows``: list and show."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.text import Text

from tasks_platform import flows as engine
from tasks_platform.cli.application import application
from tasks_platform.cli.showing import a_console, a_table, in_colour, printable

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")


@click.group()
def flows() -> None:
    """Look at flows: graphs of jobs with one id and one outcome."""


@flows.command("list")
@_json
def list_(*, as_json: bool) -> None:
    """List the flows, the newest first."""
    app = application()
    found = [engine.find(app, flow_id) for flow_id in app.store.flows()]
    if as_json:
        rows = [{"id": flow.id, "state": flow.state, "progress": flow.progress} for flow in found]
        click.echo(json.dumps(rows, indent=2))
    elif not found:
        click.echo("There are no flows.")
    else:
        table = a_table("flow", "state", "progress", "steps")
        for flow in found:
            table.add_row(printable(flow.id), in_colour(flow.state), _percent(flow), str(len(flow.steps)))
        a_console().print(table)


@flows.command()
@click.argument("flow_id", metavar="FLOW")
@_json
def show(flow_id: str, *, as_json: bool) -> None:
    """Show the steps of one flow."""
    flow = engine.find(application(), flow_id)
    if as_json:
        click.echo(json.dumps({**asdict(flow), "state": flow.state, "progress": flow.progress}, indent=2))
        return
    title = Text.assemble(printable(flow.id), ": ", in_colour(flow.state), ", ", _percent(flow))
    table = a_table("job", "step", "about", "state", title=title)
    for step in flow.steps:
        table.add_row(step.job_id[:8], printable(step.label), printable(step.subject), in_colour(step.state))
    a_console().print(table)


def _percent(flow: engine.Flow) -> str:
    """Return the progress rounded down: 100 % is said when all is done."""
    return f"{int(flow.progress)} %"
