"""How the invoices of a month stand."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tasks_platform.services.books.late import LateWork, late_work
from tasks_platform.services.books.models import Client, Invoice, InvoiceLine, InvoiceState
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.names import alphabetical
from tasks_platform.services.books.organizations import find_organization


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """The invoice of one client."""

    invoice_id: int
    client: str
    email: str
    #: The sum of the lines' hours, as printed.
    hours: Decimal
    currency: str
    total: Decimal
    number: str
    state: InvoiceState
    file_key: str | None
    message_id: str | None
    filed_at: datetime | None
    mailed_at: datetime | None
    booked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The invoices of a month, by name of the client, and what they come to."""

    organization: str
    month: str
    rows: tuple[SummaryRow, ...]
    #: Currency to sum; amounts in different currencies are not added up.
    totals: dict[str, Decimal]
    filed: int
    mailed: int
    booked: int
    #: Work that came after its invoice was rendered, and that nothing bills.
    late: tuple[LateWork, ...]


def summarize(session: Session, organization: str, month: Month) -> Summary:
    """Return how the invoices of *month* stand.

    Raises:
        BooksError: if the organization is unknown.

    """
    books = find_organization(session, organization)
    query = (
        select(Invoice, Client, func.sum(InvoiceLine.hours))
        .join(Client, Client.id == Invoice.client_id)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(Invoice.organization_id == books.id, Invoice.month == month)
        .group_by(Invoice.id, Client.id)
    )
    found = [_row(invoice, client, hours) for invoice, client, hours in session.execute(query)]
    rows = tuple(sorted(found, key=lambda row: alphabetical(row.client)))
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[row.currency] += row.total
    return Summary(
        organization=books.slug,
        month=str(month),
        rows=rows,
        totals=dict(sorted(totals.items())),
        filed=sum(row.filed_at is not None for row in rows),
        mailed=sum(row.mailed_at is not None for row in rows),
        booked=sum(row.booked_at is not None for row in rows),
        late=late_work(session, books.id, month),
    )


def _row(invoice: Invoice, client: Client, hours: Decimal) -> SummaryRow:
    return SummaryRow(
        invoice_id=invoice.id,
        client=client.name,
        email=client.email,
        hours=hours,
        currency=invoice.currency,
        total=invoice.total,
        number=invoice.number,
        state=invoice.state,
        file_key=invoice.file_key,
        message_id=invoice.message_id,
        filed_at=invoice.filed_at,
        mailed_at=invoice.mailed_at,
        booked_at=invoice.booked_at,
    )
