"""``tasks-platform run`` and ``tasks-platform invoice``: a month of invoicing on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args
from zoneinfo import ZoneInfo

import click
from rich.text import Text

from tasks_platform import flows
from tasks_platform.cli.application import import_tasks
from tasks_platform.cli.following import FlowProgress, follow_flow
from tasks_platform.cli.going_on import say_how_to_go_on
from tasks_platform.cli.report import print_errors, print_month
from tasks_platform.cli.showing import a_console
from tasks_platform.errors import BooksError, FlowError, PlatformError
from tasks_platform.flows import Flow
from tasks_platform.job_queue import PlatformJobQueue
from tasks_platform.letters import Letter
from tasks_platform.services import books, sample
from tasks_platform.services.books import DateOrder, ImportReport, Month
from tasks_platform.services.office import Office, open_office
from tasks_platform.settings import load_settings
from tasks_platform.tasks import invoicing
from tasks_platform.tasks.imports import ImportQueue, zone_of
from tasks_platform.up import LocalPlatform

_json = click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON, for machines.")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_POLL = 0.1


@click.command()
@_json
def run(*, as_json: bool) -> None:
    """Bill a month of an invented consultancy, on this machine.

    Reads its time entries, calculates the hours, renders, files and mails an invoice per client, books and
    summarizes them. One client's address is refused, and its step waits as a dead letter to be corrected.
    """
    office = open_office(load_settings())
    office.books.upgrade()
    with office.books.session() as session:
        sample.load_sample(session)
    month = Month.parse(sample.MONTH)
    _bill(office, sample.SLUG, sample.TIME_ENTRIES, month, refuse=(sample.REFUSED_ADDRESS,), as_json=as_json)


@click.command()
@click.option("--csv", "file", required=True, type=_file, help="The detailed export of Toggl Track.")
@click.option("--month", required=True, help="The month to bill, for example 2026-10.")
@click.option("--clients", type=_file, help="The organization, its clients and rates, as TOML; needed once.")
@click.option("--organization", help="Its short name, where the books know more than one.")
@click.option("--time-zone", help="Of the clock times in the file; the organization's without it.")
@click.option(
    "--dates", type=click.Choice(get_args(DateOrder)), help="How dates are written, where the file leaves it open."
)
@click.option("--rounded", is_flag=True, help="The export was rounded: bill its durations as they are.")
@click.option("--create-missing", is_flag=True, help="Take work for clients and projects that the books do not know.")
@_json
def invoice(
    file: Path, month: str, clients: Path | None, organization: str | None, *, as_json: bool, **reading: Any
) -> None:
    """Bill a month of your own time entries, on this machine.

    Called again, it goes on where it was stopped, and bills what is not billed yet.
    """
    try:
        period = Month.parse(month)
    except ValueError as error:
        raise PlatformError(str(error)) from None
    content = None if clients is None else books.read_clients_file(clients)
    _check(file, reading["time_zone"], reading["dates"])
    office = open_office(load_settings())
    office.books.upgrade()
    with office.books.session() as session:
        if content is not None:
            organization = books.load_clients(session, content).slug
        slug = books.find_organization(session, organization).slug if organization else books.only_organization(session)
    _bill(office, slug, file, period, reading=reading, as_json=as_json)


def _check(file: Path, time_zone: str | None, dates: DateOrder | None) -> None:
    """Refuse a file that is no export at all, before anything is started."""
    zone = zone_of(time_zone) or ZoneInfo("UTC")
    try:
        with file.open("rb") as opened:
            books.read_toggl(opened, zone=zone, dates=dates)
    except OSError as error:
        raise PlatformError(f"{file} cannot be read: {error.strerror}") from error
    except BooksError as error:
        raise PlatformError(f"{file} is no export that can be billed: {error}") from error


def _bill(  # noqa: PLR0913 - what is billed, and how it is shown
    office: Office,
    organization: str,
    file: Path,
    month: Month,
    *,
    refuse: tuple[str, ...] = (),
    reading: Mapping[str, Any] = MappingProxyType({}),
    as_json: bool,
) -> None:
    """Import *file* and run the month's flow, showing both; what was done before is not done again."""
    console = a_console(stderr=as_json)
    platform = LocalPlatform(load_settings(), refuse=refuse)
    import_tasks(platform.app)
    with platform, FlowProgress(console) as bars:
        report = _import(platform, organization, file, reading, bars)
        flow = _start(platform, office, organization, month, file)
        flow = follow_flow(platform, flow.id, bars)
        letters = _letters(platform, flow)
    with office.books.reading() as session:
        summary = books.summarize(session, organization, month)
    if as_json:
        outcome = {
            "flow": flow.id,
            "state": flow.state,
            "summary": asdict(summary),
            "letters": [letter["id"] for letter in letters],
            "wrong_rows": report.wrong,
        }
        click.echo(json.dumps(outcome, indent=2, default=str))
        return
    console.print("")
    print_errors(console, report, file)
    print_month(console, summary, flow, platform.settings, office)
    say_how_to_go_on(console, letters, load_settings())


def _import(
    platform: LocalPlatform, organization: str, file: Path, reading: Mapping[str, Any], bars: FlowProgress
) -> ImportReport:
    """Import *file* as a job and show its progress; a file that was imported before adds nothing."""
    handle = ImportQueue(PlatformJobQueue(platform.app)).time_entries(organization, file.resolve(), **reading)
    label = "Read time entries"
    while not handle.ready():
        platform.check()
        if (letter := platform.app.store.letter(handle.id)) is not None:
            raise PlatformError(
                f"{file} could not be imported: {letter['cause']['message']}\n"
                f"It waits as the dead letter {letter['id']}."
            )
        percent = (platform.app.store.progress(handle.id) or {"percent": 0.0})["percent"]
        bars.update(label, percent, 100, count=f"{percent:.0f} %")
        time.sleep(_POLL)
    report = handle.get()
    wrong = Text(f", {report.wrong:,} wrong", "yellow") if report.wrong else ""
    bars.update(label, 100, 100, count="100 %", note=Text.assemble(f"{report.rows:,} rows", wrong))
    return report


def _start(platform: LocalPlatform, office: Office, organization: str, month: Month, file: Path) -> Flow:
    """Start the month's flow, or find the one that is under way.

    One that has ended is followed by another if there is work left: a client that came later, or whose step was
    given up. No step does anything twice.
    """
    with office.books.reading() as session:
        clients = books.clients_to_bill(session, organization, month)
        booked = {row.invoice_id for row in books.summarize(session, organization, month).rows if row.booked_at}
    if not clients:
        raise PlatformError(f"{file} has no billable work of {organization} in {month}")
    left = [client for client in clients if client.invoice_id not in booked]
    begun = list(_flows(platform, f"invoicing:{organization}:{month}"))
    goes_on = bool(begun) and (begun[-1].state in {"running", "parked"} or not left)
    number = max(1, len(begun) if goes_on else len(begun) + 1)
    return flows.start(
        platform.app,
        invoicing.monthly(organization, str(month), left or clients),
        flow_id=_numbered(f"invoicing:{organization}:{month}", number),
        kind="invoicing",
        tenant=organization,
    )


def _flows(platform: LocalPlatform, name: str) -> Iterator[Flow]:
    """Yield the flows of a month, the first first."""
    with suppress(FlowError):
        for number in count(1):
            yield flows.find(platform.app, _numbered(name, number))


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}:{number}"


def _letters(platform: LocalPlatform, flow: Flow) -> list[Letter]:
    stuck = [step for state in ("parked", "dead") for step in flow.in_state(state)]
    found = (platform.app.store.letter(step.job_id) for step in stuck)
    return [letter for letter in found if letter is not None]
