"""Draft the invoices of a month.

Life of an invoice:

1. `draft_invoices` gives it its number and calculates its lines. Called again, it calculates them anew: entries that
   were imported meanwhile are included, and nothing is doubled, because an entry points to the line that bills it.
2. `mark_rendered` closes it. From here on it says what its document says. Billable work that turns up later for the
   same client and month is not billed; every later call reports it as late, and so does the summary.
3. `mark_filed`, `mark_mailed`: the document is stored and sent.
4. `book_month`: it is part of the accounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tasks_platform.services.books.billable import billable_work
from tasks_platform.services.books.invoices import invoices_of
from tasks_platform.services.books.late import LateWork, late_work
from tasks_platform.services.books.lines import LineDraft, Work, draft_lines, sums_of
from tasks_platform.services.books.models import Client, Invoice, InvoiceLine, InvoiceState, Organization, TimeEntry
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.names import alphabetical
from tasks_platform.services.books.organizations import find_organization
from tasks_platform.services.books.rates import RateTable, read_rates


@dataclass(frozen=True, kw_only=True)
class DraftedInvoice:
    """An invoice of the month, however far it has come."""

    invoice_id: int
    client_id: int
    client: str
    #: Where it is to be mailed; empty where the books know no address.
    email: str
    number: str
    currency: str
    total: Decimal
    state: InvoiceState
    #: Whether this call made it.
    new: bool


@dataclass(frozen=True, kw_only=True)
class DraftProblem:
    """A client that cannot be billed; the others are."""

    client_id: int
    client: str
    #: In words, with what to do about it.
    reason: str


@dataclass(frozen=True, kw_only=True)
class DraftReport:
    """The month as it stands after drafting."""

    organization: str
    month: str
    #: By name of the client.
    invoices: tuple[DraftedInvoice, ...]
    problems: tuple[DraftProblem, ...]
    #: Work that came after its invoice was rendered, and that nothing bills.
    late: tuple[LateWork, ...]


def draft_invoices(session: Session, organization: str, month: Month, *, now: datetime | None = None) -> DraftReport:
    """Draft an invoice for every client with billable work in *month*, or bring the draft up to date.

    Numbers are given in the order of the clients' names, without gaps, under the organization's lock. The day of issue
    is that of the first draft: a document that is rendered again is the same document.

    Raises:
        BooksError: if the organization is unknown.

    """
    books = find_organization(session, organization, lock=True)
    rates = read_rates(session, books.id)
    billable = billable_work(session, books.id, month)
    present = {invoice.client_id: invoice for invoice in invoices_of(session, books.id, month, lock=True)}
    problems = []
    clients = session.scalars(select(Client).where(Client.id.in_(billable))).all()
    for client in sorted(clients, key=lambda client: alphabetical(client.name)):
        invoice = present.get(client.id)
        if invoice is not None and invoice.rendered_at is not None:
            continue
        own = None if invoice is None else invoice.id
        work = [item.work for item in billable[client.id] if item.invoice_id in (None, own)]
        lines = _price(work, books, client, rates)
        if isinstance(lines, str):
            problems.append(DraftProblem(client_id=client.id, client=client.name, reason=lines))
            continue
        if invoice is None:
            invoice = _new_invoice(session, books, client, month, now or datetime.now(UTC))
        _set_lines(session, invoice, client, lines)
    session.flush()
    invoices = invoices_of(session, books.id, month)
    return DraftReport(
        organization=books.slug,
        month=str(month),
        invoices=tuple(_describe(invoice, new=invoice.client_id not in present) for invoice in invoices),
        problems=tuple(problems),
        late=late_work(session, books.id, month),
    )


def _price(work: Sequence[Work], books: Organization, client: Client, rates: RateTable) -> tuple[LineDraft, ...] | str:
    """Return the lines, or in words why there are none."""
    prices: dict[int, Decimal] = {}
    for item in work:
        rate = rates.find(
            organization=books.id, client=client.id, project=item.project_id, currency=client.currency, day=item.day
        )
        if rate is None:
            return (
                f"no hourly rate in {client.currency} says what {item.project!r} costs on {item.day}: add one for the "
                "project, the client or the organization to the clients file"
            )
        prices[item.entry_id] = rate
    lines = draft_lines(work, lambda item: prices[item.entry_id])
    if not any(line.amount for line in lines):
        return (
            f"{sum(item.seconds for item in work)} seconds of billable work come to 0.00: there is nothing to invoice"
        )
    return lines


def _new_invoice(session: Session, books: Organization, client: Client, month: Month, now: datetime) -> Invoice:
    books.last_invoice_number += 1
    issued_on = now.astimezone(ZoneInfo(books.time_zone)).date()
    invoice = Invoice(
        organization=books,
        client=client,
        month=month,
        number=f"{books.invoice_prefix}-{month}-{books.last_invoice_number:04d}",
        issued_on=issued_on,
        due_on=issued_on + timedelta(days=client.payment_days),
        drafted_at=now,
    )
    session.add(invoice)
    return invoice


def _set_lines(session: Session, invoice: Invoice, client: Client, lines: tuple[LineDraft, ...]) -> None:
    """Write what the client owes, and point every entry to the line that bills it."""
    sums = sums_of((line.amount for line in lines), client.tax_rate)
    invoice.currency, invoice.tax_rate, invoice.tax_note = client.currency, client.tax_rate, client.tax_note
    invoice.subtotal, invoice.tax, invoice.total = sums.subtotal, sums.tax, sums.total
    old = [line.id for line in invoice.lines]
    session.execute(update(TimeEntry).where(TimeEntry.invoice_line_id.in_(old)).values(invoice_line_id=None))
    invoice.lines.clear()
    session.flush()
    for number, line in enumerate(lines, start=1):
        row = InvoiceLine(
            number=number,
            project_id=line.project_id,
            description=line.description,
            seconds=line.seconds,
            hours=line.hours,
            rate=line.rate,
            amount=line.amount,
        )
        invoice.lines.append(row)
        session.flush()
        billed = [{"id": entry_id, "invoice_line_id": row.id} for entry_id in line.entry_ids]
        session.execute(update(TimeEntry), billed)


def _describe(invoice: Invoice, *, new: bool) -> DraftedInvoice:
    return DraftedInvoice(
        invoice_id=invoice.id,
        client_id=invoice.client_id,
        client=invoice.client.name,
        email=invoice.client.email,
        number=invoice.number,
        currency=invoice.currency,
        total=invoice.total,
        state=invoice.state,
        new=new,
    )
