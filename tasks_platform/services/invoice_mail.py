"""The mail that brings an invoice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.mail_templates import write
from tasks_platform.services.mailer import Address, Attachment, Mail
from tasks_platform.services.printing import amount, day, period

if TYPE_CHECKING:
    from tasks_platform.services.invoice import Invoice


def invoice_mail(invoice: Invoice, pdf: bytes, *, message_id: str) -> Mail:
    """Return the mail of *invoice* to its recipient, with its document; answers go to its sender.

    Raises:
        ServiceRefusedError: the recipient has no mail address.

    """
    sender, recipient = invoice.sender, invoice.recipient
    if not recipient.email:
        raise ServiceRefusedError(
            f"Invoice {invoice.number} cannot be mailed: {recipient.name} has no mail address. Enter one and try again."
        )
    words = write(
        "invoice",
        number=invoice.number,
        sender=sender.name,
        recipient=recipient.name,
        period=period(*invoice.period),
        currency=invoice.currency,
        total=amount(invoice.total),
        due=day(invoice.due_on),
        payment_terms=invoice.payment_terms,
        imprint=", ".join((sender.name, *sender.address)),
    )
    return Mail(
        message_id=message_id,
        to=(Address(email=recipient.email, name=recipient.name),),
        subject=words.subject,
        text=words.text,
        html=words.html,
        attachments=(Attachment(name=file_name(invoice.number), content=pdf, content_type="application/pdf"),),
        sender_name=sender.name,
        reply_to=Address(email=sender.email, name=sender.name) if sender.email else None,
    )


def file_name(number: str) -> str:
    """Return the name of the document of invoice *number*, which may have slashes: ``2026/10/7``."""
    return number.replace("/", "-").replace("\\", "-") + ".pdf"
