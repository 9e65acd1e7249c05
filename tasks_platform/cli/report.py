"""The outcome of a month of invoicing, for people."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tasks_platform.cli.showing import a_table, in_colour, printable
from tasks_platform.flows import Flow
from tasks_platform.services.books import ImportReport, Summary, SummaryRow
from tasks_platform.services.office import Office
from tasks_platform.settings import Settings

_MOST_ERRORS = 20


def print_errors(console: Console, report: ImportReport, file: Path) -> None:
    """Print the rows that could not be imported, by line and reason."""
    if not report.errors:
        return
    rows = "1 wrong row" if report.wrong == 1 else f"{report.wrong:,} wrong rows"
    table = a_table("row", "column", "reason", title=Text(f"{rows} in {printable(file.name)}", "bold yellow"))
    for error in report.errors[:_MOST_ERRORS]:
        table.add_row(str(error.row), printable(error.column), printable(error.reason))
    console.print(table)
    if report.wrong > _MOST_ERRORS:
        console.print(f"... and {report.wrong - _MOST_ERRORS:,} more\n")


def print_month(console: Console, summary: Summary, flow: Flow, settings: Settings, office: Office) -> None:
    """Print a row per client, the sums per currency, and where files and mails are."""
    stuck = {step.subject: step.state for step in flow.steps if step.state in {"parked", "dead", "cancelled"}}
    title = Text.assemble(f"{summary.organization} {summary.month}: ", in_colour(flow.state))
    table = a_table(title=title)
    table.add_column("client", overflow="fold")
    table.add_column("hours", justify="right", no_wrap=True)
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("invoice file", no_wrap=True)
    table.add_column("mail", no_wrap=True)
    for row in summary.rows:
        table.add_row(
            printable(row.client), f"{row.hours:,.2f}", _amount(row.total, row.currency), _file(row), _mail(row, stuck)
        )
    table.add_section()
    for currency, total in summary.totals.items():
        rows = [row for row in summary.rows if row.currency == currency]
        hours = sum((row.hours for row in rows), Decimal())
        table.add_row(f"all in {currency}", f"{hours:,.2f}", _amount(total, currency), _invoices(rows), style="bold")
    console.print(table)
    console.print(f"{_invoices(summary.rows)}, {summary.mailed} mailed, {summary.booked} booked")
    for late in summary.late:
        work = f"{late.entries} entries of {late.first_day} to {late.last_day}, {late.seconds / 3600:.2f} hours"
        console.print(
            f"late, and not billed: {work} for {printable(late.client)}, whose invoice {late.number} is out",
            style="yellow",
        )
    files = office.storage.path_or_url(f"{summary.organization}/{summary.month}")
    console.print(f"invoices  {files}", soft_wrap=True)
    if settings.smtp.host is None:
        console.print(f"mailbox   {settings.mailbox}", soft_wrap=True)


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount:,.2f} {currency}"


def _invoices(rows: list[SummaryRow] | tuple[SummaryRow, ...]) -> str:
    return "1 invoice" if len(rows) == 1 else f"{len(rows)} invoices"


def _file(row: SummaryRow) -> str:
    return row.file_key.rpartition("/")[2] if row.file_key else row.number


def _mail(row: SummaryRow, stuck: dict[str, str]) -> Text:
    return in_colour("delivered" if row.mailed_at is not None else stuck.get(row.client, "not yet"))
