"""The outcome of a month of invoicing, for people."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tasks_platform.flows import Flow
from tasks_platform.services.books import ImportReport, Summary, SummaryRow
from tasks_platform.services.office import Office
from tasks_platform.settings import Settings

_MOST_ERRORS = 20


def print_errors(console: Console, report: ImportReport, file: Path) -> None:
    """Print the rows that could not be imported, by line and reason."""
    if not report.errors:
        return
    table = Table("row", "column", "reason", title=f"{report.wrong} wrong rows in {file.name}", title_justify="left")
    for error in report.errors[:_MOST_ERRORS]:
        table.add_row(str(error.row), error.column, error.reason)
    console.print(table)
    if report.wrong > _MOST_ERRORS:
        console.print(f"... and {report.wrong - _MOST_ERRORS} more")


def print_month(
    console: Console,
    summary: Summary,
    flow: Flow,
    settings: Settings,
    office: Office,
) -> None:
    """Print a row per client, the sums per currency, and where files and mails are."""
    state = {step.subject: step.state for step in flow.steps if step.subject and step.state in {"parked", "dead"}}
    table = Table(title=f"{summary.organization} {summary.month}: {flow.state}", title_justify="left")
    table.add_column("client")
    table.add_column("hours", justify="right")
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("invoice file", no_wrap=True)
    table.add_column("mail")
    for row in summary.rows:
        amount = f"{row.total:,.2f} {row.currency}"
        table.add_row(row.client, f"{row.hours:,.2f}", amount, _file(row), _mail(row, state.get(row.client)))
    console.print(table)
    totals = ", ".join(f"{total:,.2f} {currency}" for currency, total in summary.totals.items())
    console.print(
        f"{len(summary.rows)} invoices: {totals}; {summary.mailed} mailed, {summary.booked} booked", highlight=False
    )
    for late in summary.late:
        console.print(f"late, and not billed: {late}", highlight=False, markup=False)
    files = office.storage.path_or_url(f"{summary.organization}/{summary.month}")
    console.print(f"invoices  {files}", highlight=False, soft_wrap=True, markup=False)
    if settings.smtp.host is None:
        console.print(f"mailbox   {settings.mailbox}", highlight=False, soft_wrap=True, markup=False)


def _file(row: SummaryRow) -> str:
    return row.file_key.rpartition("/")[2] if row.file_key else row.number


def _mail(row: SummaryRow, stuck: str | None) -> str:
    if row.mailed_at is not None:
        return "delivered"
    return f"[yellow]{stuck}[/]" if stuck else "not yet"
