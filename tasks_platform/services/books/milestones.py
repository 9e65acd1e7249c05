"""Record how far an invoice has come. A mark is made once: to repeat it changes nothing, to contradict it fails."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from tasks_platform.errors import BooksError
from tasks_platform.services.books.invoices import find_invoice


def mark_rendered(session: Session, invoice_id: int, at: datetime | None = None) -> None:
    """Close the draft: what the invoice says now stays.

    Raises:
        BooksError: if there is no such invoice.

    """
    invoice = find_invoice(session, invoice_id, lock=True)
    invoice.rendered_at = invoice.rendered_at or at or datetime.now(UTC)


def mark_filed(session: Session, invoice_id: int, key: str, at: datetime | None = None) -> None:
    """Record where the document is stored.

    Raises:
        BooksError: if there is no such invoice, or it is filed under another key.

    """
    invoice = find_invoice(session, invoice_id, lock=True)
    if invoice.file_key not in (None, key):
        raise BooksError(f"invoice {invoice.number} is filed as {invoice.file_key!r}: it cannot become {key!r}")
    moment = at or datetime.now(UTC)
    invoice.rendered_at = invoice.rendered_at or moment
    invoice.filed_at = invoice.filed_at or moment
    invoice.file_key = key


def mark_mailed(session: Session, invoice_id: int, message_id: str, at: datetime | None = None) -> None:
    """Record that the mail server took the mail with this Message-ID.

    Raises:
        BooksError: if there is no such invoice, or another mail carried it.

    """
    invoice = find_invoice(session, invoice_id, lock=True)
    if invoice.message_id not in (None, message_id):
        raise BooksError(
            f"invoice {invoice.number} was mailed with the Message-ID {invoice.message_id!r}: {message_id!r} would be "
            "a second mail"
        )
    moment = at or datetime.now(UTC)
    invoice.rendered_at = invoice.rendered_at or moment
    invoice.mailed_at = invoice.mailed_at or moment
    invoice.message_id = message_id
