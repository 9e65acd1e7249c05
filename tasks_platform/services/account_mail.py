"""The mails an organization writes to its own people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks_platform.services.mail_templates import write
from tasks_platform.services.mailer import Address, Mail
from tasks_platform.services.printing import day

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tasks_platform.services.accounts import Account


def welcome_mail(account: Account, *, link: str | None, message_id: str) -> Mail:
    """Return the first mail; *link* verifies the address, where that is still to be done."""
    return _mail("welcome", account, message_id, link=link)


def password_mail(account: Account, *, link: str, lifetime: timedelta, message_id: str) -> Mail:
    """Return the mail with the link under which another password is chosen."""
    minutes = int(lifetime.total_seconds() // 60)
    return _mail("password_reset", account, message_id, link=link, minutes=minutes)


def trial_mail(account: Account, *, ends_at: datetime, link: str, message_id: str) -> Mail:
    """Return the warning that the trial ends; the day is told in the organization's time zone."""
    return _mail("trial_warning", account, message_id, link=link, ends=day(ends_at.astimezone(account.zone).date()))


def note_mail(account: Account, *, subject: str, paragraphs: Sequence[str], message_id: str) -> Mail:
    """Return a mail of a person's own words: a reminder, a newsletter."""
    return _mail("note", account, message_id, subject=subject, paragraphs=paragraphs)


def _mail(template: str, account: Account, message_id: str, **values: object) -> Mail:
    sender = account.sender
    imprint = ", ".join((sender.name, *sender.address))
    words = write(template, name=account.name, sender=sender.name, imprint=imprint, **values)
    return Mail(
        message_id=message_id,
        to=(Address(email=account.email, name=account.name),),
        subject=words.subject,
        text=words.text,
        html=words.html,
        sender_name=sender.name,
        reply_to=Address(email=sender.email, name=sender.name) if sender.email else None,
    )
