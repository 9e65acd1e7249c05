"""Mail, and what everybody who sends it promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a mail goes."""

    #: For example ``ana@kontor.example``.
    email: str
    #: The name shown beside it.
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that comes with a mail."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Mail:
    """A mail before it is sent."""

    #: ``<unique@domain>``. The same for every attempt at one job: what arrives twice can be seen to be one mail.
    message_id: str
    to: tuple[Address, ...]
    subject: str
    text: str
    #: The same in HTML, for those who prefer it.
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    #: The name shown beside the platform's own sender address.
    sender_name: str = ""
    reply_to: Address | None = None


@dataclass(frozen=True, kw_only=True)
class SentMail:
    """What is known of a mail that a server took."""

    message_id: str
    #: The server's words on taking it; most put their own queue id there.
    answer: str


class Mailer(Protocol):
    """Sends mail."""

    def send(self, mail: Mail) -> SentMail:
        """Hand *mail* to its server: to all of its recipients, or to none of them.

        A mail of which a part has been refused has reached nobody, so that trying again sends it to nobody twice.

        Raises:
            ServiceRefusedError: this mail will not be taken: a recipient, the sender, the content or a header of it.
            ServiceUnavailableError: no mail is taken at the moment, or not this one yet. If the connection broke
                after the last byte, the server may have taken it all the same.

        """
        ...
