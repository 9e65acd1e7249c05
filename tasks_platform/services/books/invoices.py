"""Find invoices in the books."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from tasks_platform.errors import BooksError
from tasks_platform.services.books.models import Invoice
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.names import alphabetical


def find_invoice(session: Session, invoice_id: int, *, lock: bool = False) -> Invoice:
    """Return an invoice; with *lock*, nobody else changes it until the transaction ends.

    Raises:
        BooksError: if there is none with this id.

    """
    invoice = session.get(Invoice, invoice_id, with_for_update=True if lock else None)
    if invoice is None:
        raise BooksError(f"there is no invoice with the id {invoice_id} in the books")
    return invoice


def invoices_of(session: Session, organization_id: int, month: Month, *, lock: bool = False) -> Sequence[Invoice]:
    """Return the invoices of *month*, by name of the client; with *lock* as in `find_invoice`."""
    query = (
        select(Invoice)
        .where(Invoice.organization_id == organization_id, Invoice.month == month)
        .options(selectinload(Invoice.client))
    )
    invoices = session.scalars(query.with_for_update() if lock else query)
    return sorted(invoices, key=lambda invoice: alphabetical(invoice.client.name))
