"""Mail over SMTP."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError, SettingsError
from tasks_platform.services.mail_address import ascii_address
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.mailer import SentMail
from tasks_platform.services.smtp_answers import in_words, is_accepted, recipients_refusal, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tasks_platform.services.mailer import Mail
    from tasks_platform.settings import Smtp


class SmtpMailer:
    """Sends every mail over a connection of its own.

    1. Connect, encrypt, log in. Whatever fails here concerns no mail in particular and is a ServiceUnavailableError,
       also a wrong password, a wrong certificate or a server without STARTTLS: once a person has put it right, the
       mails that wait go out by themselves. Nothing is ever sent with less security than the settings say.
    2. Name the sender and every recipient. When one is refused, nobody gets the mail: ServiceRefusedError if one of
       them was refused for good, else ServiceUnavailableError.
    3. Hand over the content. The server's yes is the end; what happens to the connection afterwards does not matter.
       If it breaks before the yes, the mail may have been taken: it is sent again under the same Message-ID.
    """

    def __init__(self, settings: Smtp) -> None:
        """Take *settings*; the server is not asked yet.

        Raises:
            SettingsError: no host is set, or something else in them cannot work with any server.

        """
        if settings.host is None:
            raise SettingsError("No mail server is set: TASKS_SMTP__HOST.")
        self._host = settings.host
        self._settings = settings
        self._server = f"The mail server {settings.host}:{settings.port}"
        self._credentials = _credentials(settings)
        self._tls = _tls(settings)
        try:
            self._sender = ascii_address(settings.sender)
        except ServiceRefusedError as error:
            raise SettingsError(f"TASKS_SMTP__SENDER: {settings.sender!r} is no mail address.") from error

    def send(self, mail: Mail) -> SentMail:
        """Hand *mail* to the server: to all of its recipients, or to none of them.

        Raises:
            ServiceRefusedError: the server refuses this mail for good, or it cannot be sent anywhere.
            ServiceUnavailableError: the server cannot be used now, or wants to see this mail later.

        """
        recipients = [ascii_address(address.email) for address in mail.to]
        content = message_of(mail, sender=self._sender).as_bytes()
        with self._connected() as smtp:
            answer = self._transfer(smtp, mail.message_id, recipients, content)
        return SentMail(message_id=mail.message_id, answer=answer)

    def check(self) -> None:
        """Connect and log in, and send nothing.

        Raises:
            ServiceUnavailableError: with what a person has to put right.

        """
        with self._connected():
            pass

    def _transfer(self, smtp: smtplib.SMTP, message_id: str, recipients: Sequence[str], content: bytes) -> str:
        options = [f"size={len(content)}"] if smtp.has_extn("size") else []
        answer = smtp.mail(self._sender, options)
        if not is_accepted(answer):
            raise refusal(self._server, f"the sender {self._sender} of mail {message_id}", answer)
        answers = {recipient: smtp.rcpt(recipient) for recipient in recipients}
        refused = {recipient: answer for recipient, answer in answers.items() if not is_accepted(answer)}
        if refused:
            raise recipients_refusal(self._server, message_id, refused)
        try:
            answer = smtp.data(content)
        except smtplib.SMTPDataError as error:
            answer = _answer(error)
        if not is_accepted(answer):
            raise refusal(self._server, f"the content of mail {message_id}", answer)
        return in_words(answer)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        try:
            smtp = self._connect()
            try:
                yield smtp
            finally:
                with suppress(smtplib.SMTPException, OSError):  # the answer is known, or the error under way
                    smtp.quit()
                smtp.close()
        except smtplib.SMTPResponseException as error:
            raise ServiceUnavailableError(f"{self._server} does not let us in: {in_words(_answer(error))}.") from error
        except (smtplib.SMTPException, OSError, UnicodeError) as error:  # the last: no such host name can be
            reason = str(error) or type(error).__name__
            raise ServiceUnavailableError(f"{self._server} cannot be used: {reason}.") from error

    def _connect(self) -> smtplib.SMTP:
        settings, own_name = self._settings, _own_name()
        if settings.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, settings.port, own_name, timeout=settings.timeout, context=self._tls
            )
        else:
            smtp = smtplib.SMTP(self._host, settings.port, own_name, timeout=settings.timeout)
        try:
            if settings.security == "starttls":
                smtp.starttls(context=self._tls)
            smtp.ehlo_or_helo_if_needed()
            if self._credentials is not None:
                smtp.login(*self._credentials)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _credentials(settings: Smtp) -> tuple[str, str] | None:
    if settings.username is None and settings.password is None:
        return None
    if settings.username is None or settings.password is None:
        raise SettingsError("TASKS_SMTP__USERNAME and TASKS_SMTP__PASSWORD are set together, or neither of them.")
    credentials = settings.username, settings.password.get_secret_value()
    if not all(value.isascii() for value in credentials):
        raise SettingsError("TASKS_SMTP__USERNAME and TASKS_SMTP__PASSWORD can only have ASCII characters.")
    return credentials


def _tls(settings: Smtp) -> ssl.SSLContext | None:
    if settings.security == "none":
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise SettingsError(f"TASKS_SMTP__CA_FILE: {settings.ca_file} holds no certificates: {error}") from error


def _answer(error: smtplib.SMTPResponseException) -> tuple[int, bytes]:
    text = error.smtp_error
    return error.smtp_code, text if isinstance(text, bytes) else text.encode()


@cache
def _own_name() -> str | None:
    """Return the name to greet servers with; asked once, because a machine without DNS takes seconds to answer."""
    name = socket.getfqdn()
    return name if "." in name else None
