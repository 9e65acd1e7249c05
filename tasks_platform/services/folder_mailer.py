"""Mail into the local mailbox folder, without any server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks_platform.errors import ServiceUnavailableError
from tasks_platform.services.mail_address import ascii_address
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.mailbox.folder import file_mail
from tasks_platform.services.mailer import SentMail

if TYPE_CHECKING:
    from pathlib import Path

    from tasks_platform.services.mailer import Mail


class FolderMailer:
    """Files mail where the local mailbox server files it: for a laptop on which no mail server is set."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    def send(self, mail: Mail) -> SentMail:
        """File *mail*.

        Raises:
            ServiceRefusedError: it cannot be sent anywhere.
            ServiceUnavailableError: the folder cannot be written.

        """
        content = message_of(mail, sender=self._sender).as_bytes()
        recipients = [ascii_address(address.email) for address in mail.to]
        try:
            path = file_mail(self._folder, content, sender=self._sender, recipients=recipients)
        except OSError as error:
            raise ServiceUnavailableError(f"Mail {mail.message_id} cannot be filed: {error}.") from error
        return SentMail(message_id=mail.message_id, answer=f"250 2.0.0 OK filed as {path.name}")
