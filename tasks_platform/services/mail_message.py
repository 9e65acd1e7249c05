"""A mail as it goes over the wire."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from typing import TYPE_CHECKING
from unicodedata import category

from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.mail_address import ascii_address
from tasks_platform.services.mail_headers import Folded, address_header, text_header

if TYPE_CHECKING:
    from tasks_platform.services.mailer import Address, Mail

#: Seven bits and short lines survive every server, and need none of its extensions.
_POLICY = SMTP.clone(cte_type="7bit")
#: On one line, which may have 998 bytes at most.
_MESSAGE_ID = re.compile(r"(?=.{5,250}$)<[!-;=?A-~]+@[!-;=?A-~]+>")
_CONTENT_TYPE = re.compile(r"([a-z0-9.+-]+)/([a-z0-9.+-]+)")
#: Python 3.11 decodes such words in the names of attachments, and a line break in one becomes a header of its own.
_ENCODED_WORD = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)


def message_of(mail: Mail, *, sender: str) -> EmailMessage:
    """Return *mail* from *sender*, with text, HTML and attachments.

    Raises:
        ServiceRefusedError: an address is none, or a header would be more than one line.

    """
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise ServiceRefusedError(f"{mail.message_id!r} is no Message-ID: it has to look like <unique@domain>.")
    if not mail.to:
        raise ServiceRefusedError(f"Mail {mail.message_id} has no recipient.")
    message = EmailMessage(policy=_POLICY)
    message["From"] = address_header("From", [(_line(mail, "sender's name", mail.sender_name), sender)])
    message["To"] = address_header("To", [_address(mail, address) for address in mail.to])
    if mail.reply_to is not None:
        message["Reply-To"] = address_header("Reply-To", [_address(mail, mail.reply_to)])
    message["Subject"] = text_header("Subject", _line(mail, "subject", mail.subject))
    message["Message-ID"] = Folded("Message-ID", mail.message_id)
    message["Date"] = localtime()
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office notes in return
    message.set_content(_whole(mail.text))
    if mail.html:
        message.add_alternative(_whole(mail.html), subtype="html")
    for attachment in mail.attachments:
        type_ = _CONTENT_TYPE.fullmatch(attachment.content_type)
        if type_ is None:
            raise ServiceRefusedError(
                f"Mail {mail.message_id}: {attachment.content_type!r} is no content type such as 'application/pdf'."
            )
        name = _line(mail, "attachment's name", attachment.name)
        message.add_attachment(attachment.content, maintype=type_[1], subtype=type_[2], filename=name)
    return message


def _address(mail: Mail, address: Address) -> tuple[str, str]:
    return _line(mail, "name of a recipient", address.name), ascii_address(address.email)


def _line(mail: Mail, what: str, text: str) -> str:
    """Refuse what could end a header and begin another one."""
    if any(category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text) or _ENCODED_WORD.search(text):
        raise ServiceRefusedError(
            f"Mail {mail.message_id}: the {what} {text!r} has a line break, another control character or an encoded "
            "word in it. A header is one line of text: correct it and send the mail again."
        )
    return text


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding has."""
    return text.encode(errors="replace").decode()
