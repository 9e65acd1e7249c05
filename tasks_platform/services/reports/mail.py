"""The mail that says that a report is ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks_platform.services.mail_templates import write
from tasks_platform.services.mailer import Address, Attachment, Mail
from tasks_platform.services.printing import amount
from tasks_platform.services.reports.printed import period_of

if TYPE_CHECKING:
    from tasks_platform.services.reports.revenue import Revenue


def revenue_mail(
    revenue: Revenue, *, to: str, places: Sequence[str], attachments: tuple[Attachment, ...], message_id: str
) -> Mail:
    """Return the mail with the sums, where the files lie, and those that are short enough to come along."""
    words = write(
        "revenue",
        organization=revenue.organization,
        period=period_of(revenue),
        totals=[(total.currency, amount(total.hours), amount(total.amount)) for total in revenue.totals],
        unpriced=bool(revenue.unpriced),
        places=places,
    )
    return Mail(
        message_id=message_id,
        to=(Address(email=to),),
        subject=words.subject,
        text=words.text,
        html=words.html,
        attachments=attachments,
        sender_name=revenue.organization,
    )
