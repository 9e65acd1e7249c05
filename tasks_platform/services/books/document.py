"""What an invoice's document says."""

from __future__ import annotations

from sqlalchemy.orm import Session

from tasks_platform.services.books.invoices import find_invoice
from tasks_platform.services.invoice import Invoice as Document
from tasks_platform.services.invoice import Line, Party


def invoice_document(session: Session, invoice_id: int) -> Document:
    """Return what is printed on the invoice.

    Read it in the same unit of work as `mark_rendered`, after it: then no draft can change under the document.

    Raises:
        BooksError: if there is none with this id.

    """
    invoice = find_invoice(session, invoice_id)
    sender, recipient = invoice.organization, invoice.client
    days = (invoice.due_on - invoice.issued_on).days
    due = f"Payable within {days} days, by {invoice.due_on}." if days else "Payable at once."
    return Document(
        number=invoice.number,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        period=(invoice.month.first, invoice.month.last),
        currency=invoice.currency,
        sender=Party(name=sender.name, address=sender.address, tax_id=sender.tax_id, email=sender.email),
        recipient=Party(name=recipient.name, address=recipient.address, tax_id=recipient.tax_id, email=recipient.email),
        lines=tuple(
            Line(
                number=line.number,
                description=line.description,
                hours=line.hours,
                rate=line.rate,
                amount=line.amount,
            )
            for line in invoice.lines
        ),
        tax_rate=invoice.tax_rate.normalize(),
        tax_note=invoice.tax_note,
        subtotal=invoice.subtotal,
        tax=invoice.tax,
        total=invoice.total,
        payment_terms=(due, *sender.bank, f"Reference: {invoice.number}"),
    )
