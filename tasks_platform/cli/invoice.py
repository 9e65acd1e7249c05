"""``tasks-platform run`` and ``tasks-platform invoice``: a month of invoicing on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from textwrap import shorten
from typing import Any

import click
from rich.console import Console

from tasks_platform import flows
from tasks_platform.cli.following import FlowProgress, follow_flow
from tasks_platform.cli.report import print_errors, print_month
from tasks_platform.errors import PlatformError
from tasks_platform.flows import Flow
from tasks_platform.services import books, sample
from tasks_platform.services.books import ImportReport, Month
from tasks_platform.services.office import Office, open_office
from tasks_platform.settings import load_settings
from tasks_platform.tasks import imports, invoicing
from tasks_platform.up import LocalPlatform

_json = click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, for machines.")
_POLL = 0.1
#: Characters of a cause before the commands that mend it.
_SHORT = 160


@click.command()
@_json
def run(*, as_json: bool) -> None:
    """Bill a month of an invented consultancy, on this machine.

    Reads its time entries, calculates the hours, renders, files and mails an invoice per client, books and
    summarizes them. One client's address is refused, and its step waits as a dead letter to be corrected.
    """
    office = open_office(load_settings())
    office.books.create_all()
    with office.books.session() as session:
        sample.load_sample(session)
    _bill(office, sample.SLUG, sample.TIME_ENTRIES, sample.MONTH, refuse=(sample.REFUSED_ADDRESS,), as_json=as_json)


@click.command()
@click.option(
    "--csv",
    "file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The detailed export of Toggl Track.",
)
@click.option("--month", required=True, help="The month to bill, for example 2026-10.")
@click.option(
    "--clients",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The organization, its clients and rates, as TOML; needed once.",
)
@click.option("--organization", help="Its short name, where the books know more than one.")
@click.option("--time-zone", help="Of the clock times in the file; the organization's without it.")
@_json
def invoice(  # noqa: PLR0913 - one for each option
    file: Path, month: str, clients: Path | None, organization: str | None, time_zone: str | None, *, as_json: bool
) -> None:
    """Bill a month of your own time entries, on this machine."""
    office = open_office(load_settings())
    office.books.create_all()
    with office.books.session() as session:
        if clients is not None:
            organization = books.load_clients(session, books.read_clients_file(clients)).slug
        slug = organization or books.only_organization(session)
    _bill(office, slug, file, month, time_zone=time_zone, as_json=as_json)


def _bill(  # noqa: PLR0913 - what is billed, and how it is shown
    office: Office,
    organization: str,
    file: Path,
    month: str,
    *,
    time_zone: str | None = None,
    refuse: tuple[str, ...] = (),
    as_json: bool = False,
) -> None:
    """Import *file* and run the month's flow, showing both; what was done before is not done again."""
    period = Month.parse(month)
    console = Console(stderr=as_json)
    with LocalPlatform(load_settings(), refuse=refuse) as platform, FlowProgress(console) as bars:
        report = _import(platform, organization, file, time_zone, bars)
        with office.books.reading() as session:
            clients = books.clients_to_bill(session, organization, period)
        if not clients:
            raise PlatformError(f"{file} has no billable work of {organization} in {period}")
        flow = flows.start(
            platform.app,
            invoicing.monthly(organization, str(period), clients),
            flow_id=f"invoicing:{organization}:{period}",
            kind="invoicing",
            tenant=organization,
        )
        flow = follow_flow(platform, flow.id, bars)
        parked = {letter["id"]: letter for letter in _letters(platform, flow)}
    with office.books.reading() as session:
        summary = books.summarize(session, organization, period)
    if as_json:
        outcome = {"flow": flow.id, "state": flow.state, "summary": asdict(summary), "letters": list(parked)}
        click.echo(json.dumps({**outcome, "wrong_rows": report.wrong}, indent=2, default=str))
        return
    print_errors(console, report, file)
    print_month(console, summary, flow, platform.settings, office)
    _say_how_to_go_on(console, parked)


def _import(
    platform: LocalPlatform, organization: str, file: Path, time_zone: str | None, bars: FlowProgress
) -> ImportReport:
    """Import *file* as a job and show its progress; a file that was imported before is not sent again."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    handle = imports.time_entries.apply_async(
        (organization, file.resolve()), {"time_zone": time_zone}, task_id=f"import:{organization}:{digest}"
    )
    while not handle.ready():
        platform.check()
        if (letter := platform.app.store.letter(handle.id)) is not None:
            raise PlatformError(f"{file} could not be imported: {letter['cause']['message']}")
        progress = platform.app.store.progress(handle.id) or {"percent": 0.0, "message": ""}
        bars.update("Read time entries", progress["percent"], 100, "")
        time.sleep(_POLL)
    report = handle.get()
    bars.update("Read time entries", 100, 100, f"{report.rows:,} rows, {report.wrong} wrong")
    return report


def _letters(platform: LocalPlatform, flow: Flow) -> list[dict[str, Any]]:
    stuck = [step for state in ("parked", "dead") for step in flow.in_state(state)]
    found = (platform.app.store.letter(step.job_id) for step in stuck)
    return [letter for letter in found if letter is not None]


def _say_how_to_go_on(console: Console, parked: dict[str, dict[str, Any]]) -> None:
    """Print the commands that correct and replay each parked step."""
    for letter in parked.values():
        command = f"TASKS_EMBEDDED=1 {_program()} letters"
        cause = shorten(letter["cause"]["message"], _SHORT, placeholder="...")
        console.print(f"\nA step waits to be corrected: {cause}\n", highlight=False, markup=False)
        for rest in ("show {id}", "edit {id} --set to=accounts@example.org", "replay {id} --work"):
            console.print(f"  {command} {rest.format(id=letter['id'][:8])}", highlight=False, soft_wrap=True)


def _program() -> str:
    """Return how this program was called, as short as it can be typed again."""
    program = Path(sys.argv[0])
    try:
        return os.fspath(program.resolve().relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(program)
