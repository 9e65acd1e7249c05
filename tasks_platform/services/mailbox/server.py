"""The mail server itself: SMTP on the loopback interface."""

from __future__ import annotations

import asyncio
import hmac
import logging
import warnings
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tasks_platform.services.mailbox.folder import file_mail
from tasks_platform.services.smtp_answers import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiosmtpd.smtp import Envelope, Session

    from tasks_platform.services.mailbox.options import Options

#: Mail of any size that a laptop sends; also announced to senders.
_LARGEST = 100_000_000


async def start(options: Options) -> asyncio.Server:
    """Listen on 127.0.0.1; the server's socket knows the port.

    Raises:
        OSError: the port is taken.

    """
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # it warns of its own old names at every login
    implicit = options.tls if options.tls_mode == "implicit" else None
    return await asyncio.get_running_loop().create_server(
        lambda: _protocol(options), "127.0.0.1", options.port, ssl=implicit
    )


def _protocol(options: Options) -> SMTP:
    starttls = options.tls if options.tls_mode == "starttls" else None
    with warnings.catch_warnings():
        # It only knows of encryption that begins with STARTTLS.
        warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS", UserWarning)
        return SMTP(
            _Filing(options),
            data_size_limit=_LARGEST,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="mailbox",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=options.auth is not None,
            auth_require_tls=starttls is not None,
            authenticator=_authenticator(options.auth),
            loop=asyncio.get_running_loop(),
        )


def _authenticator(expected: tuple[str, str] | None) -> Callable[[object, object, object, str, object], AuthResult]:
    def authenticate(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        known = (
            expected is not None
            and isinstance(data, LoginPassword)
            and hmac.compare_digest(b"\0".join(data), "\0".join(expected).encode())
        )
        return AuthResult(success=known, handled=False)

    return authenticate


class _Filing:
    """What the server asks at every step; the names are aiosmtpd's."""

    def __init__(self, options: Options) -> None:
        self._options = options

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name and arguments
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._options.rules.answer(address)
        if answer[0] == 250:  # noqa: PLR2004 - the code says yes
            envelope.rcpt_tos.append(address)
        return in_words(answer)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        content = envelope.original_content or b""
        path = await asyncio.to_thread(
            file_mail,
            self._options.folder,
            content,
            sender=envelope.mail_from or "",
            recipients=envelope.rcpt_tos,
        )
        return f"250 2.0.0 OK filed as {path.name}"

    async def handle_exception(self, error: Exception) -> str:
        """Ask to come back later, for example while the disk is full."""
        return f"451 4.3.0 {type(error).__name__}: {error}"
