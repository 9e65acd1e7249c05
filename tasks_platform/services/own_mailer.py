"""The mailer that the settings name."""

from __future__ import annotations

from tasks_platform.services.folder_mailer import FolderMailer
from tasks_platform.services.mailer import Mailer
from tasks_platform.services.smtp_mailer import SmtpMailer
from tasks_platform.settings import Settings


def own_mailer(settings: Settings) -> Mailer:
    """Return the mail server's mailer, or the one that files mail in the state folder; nothing is connected yet."""
    smtp = settings.smtp
    return FolderMailer(settings.mailbox, sender=smtp.sender) if smtp.host is None else SmtpMailer(smtp)
