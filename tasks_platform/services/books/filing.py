"""Which invoice a client has for a month, and where its document is filed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks_platform.errors import BooksError
from tasks_platform.services.books.invoices import find_invoice
from tasks_platform.services.books.models import Client, Invoice, Organization
from tasks_platform.services.books.month import Month


def invoice_of(session: Session, client_id: int, month: Month) -> int:
    """Return the id of the client's invoice for *month*.

    Raises:
        BooksError: if there is none.

    """
    query = select(Invoice.id).where(Invoice.client_id == client_id, Invoice.month == month)
    if (found := session.scalar(query)) is None:
        client = session.get(Client, client_id)
        name = f"client {client_id}" if client is None else client.name
        raise BooksError(
            f"{name} has no invoice for {month}: draft the month's invoices; if that names a reason for this client, "
            "mend it first"
        )
    return found


def file_key(session: Session, invoice_id: int) -> str:
    """Return the key under which the document of an invoice is filed: ``harbour-pine/2026-10/HPC-7.pdf``.

    Raises:
        BooksError: if there is no such invoice.

    """
    invoice = find_invoice(session, invoice_id)
    organization = session.get_one(Organization, invoice.organization_id)
    return f"{organization.slug}/{invoice.month}/{invoice.number.replace('/', '-')}.pdf"
