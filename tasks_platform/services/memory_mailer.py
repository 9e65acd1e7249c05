"""Mail in memory: the twin of the SMTP mailer, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks_platform.services.mail_address import ascii_address
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.mailbox.rules import Rules
from tasks_platform.services.mailer import SentMail
from tasks_platform.services.smtp_answers import in_words, is_accepted, recipients_refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks_platform.services.mailer import Mail


class MemoryMailer:
    """Keeps mail in this object; it refuses what every server would refuse, and whom it is told to.

    Entries of *refuse* and *defer* are addresses, or domains with everybody in them.
    """

    def __init__(self, *, refuse: Iterable[str] = (), defer: Iterable[str] = ()) -> None:
        self._rules = Rules(refuse=tuple(refuse), defer=tuple(defer))
        #: What was sent, in order.
        self.sent: list[Mail] = []

    def send(self, mail: Mail) -> SentMail:
        """Keep *mail*: for all of its recipients, or for none of them.

        Raises:
            ServiceRefusedError: a recipient is refused, or the mail cannot be sent anywhere.
            ServiceUnavailableError: a recipient is deferred.

        """
        message_of(mail, sender="sender@localhost")
        answers = {
            recipient: self._rules.answer(recipient)
            for recipient in (ascii_address(address.email) for address in mail.to)
        }
        refused = {recipient: answer for recipient, answer in answers.items() if not is_accepted(answer)}
        if refused:
            raise recipients_refusal("The mailer in memory", mail.message_id, refused)
        self.sent.append(mail)
        return SentMail(message_id=mail.message_id, answer=in_words((250, b"2.0.0 OK kept in memory")))
