"""``tasks-platform flows``: list and show."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from tasks_platform import flows as engine
from tasks_platform.cli.application import application

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
        click.echo(json.dumps([{"id": flow.id, "state": flow.state, "progress": flow.progress} for flow in found]))
        return
    table = Table("flow", "state", "progress", "steps")
    for flow in found:
        table.add_row(flow.id, flow.state, f"{flow.progress:.0f} %", str(len(flow.steps)))
    Console().print(table if found else "There are no flows.")


@flows.command()
@click.argument("flow_id", metavar="FLOW")
@_json
def show(flow_id: str, *, as_json: bool) -> None:
    """Show the steps of one flow."""
    flow = engine.find(application(), flow_id)
    if as_json:
        click.echo(json.dumps({**asdict(flow), "state": flow.state, "progress": flow.progress}, indent=2))
        return
    table = Table("job", "step", "about", "state", title=f"{flow.id}: {flow.state}, {flow.progress:.0f} %")
    for step in flow.steps:
        table.add_row(step.job_id[:8], step.label, step.subject, step.state)
    Console().print(table)
