"""The SMTP mailer against a real server with TLS and passwords, and against one that does what real ones rarely do."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from certificates import Certificates, make_certificates
from mailbox_server import Mailbox, running_mailbox
from redis_server import free_port
from scripted_smtp import BREAK, SILENCE, scripted_smtp
from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError, SettingsError
from tasks_platform.services.mailer import Address, Attachment, Mail
from tasks_platform.services.smtp_mailer import SmtpMailer
from tasks_platform.settings import Smtp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANA = Address(email="ana@kontor.example", name="Ana")
MAIL = Mail(message_id="<job-7@tasks.example>", to=(ANA,), subject="Invoice", text="Dear Ana\n.\n..\n")
BYTES = bytes(range(256)) * 2_000 + b"\r\n.\r\n"
BIG = replace(MAIL, attachments=(Attachment(name="big.bin", content=BYTES),))
PASSWORD = "pa:ss word"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def starttls(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mailbox]:
    """Run a mailbox that asks for encryption and a password."""
    options = ["--tls-cert", str(certificates.certificate), "--tls-key", str(certificates.key)]
    with running_mailbox(tmp_path_factory.mktemp("starttls"), *options, auth=f"ana:{PASSWORD}") as mailbox:
        yield mailbox


def smtp(port: int, **settings: object) -> Smtp:
    """Return settings of a local server without encryption, and what differs."""
    return Smtp.model_validate({"host": "127.0.0.1", "port": port, "security": "none", "timeout": 10, **settings})


def secret(port: int, certificates: Certificates, **settings: object) -> Smtp:
    """Return settings of a local server with encryption and a password, and what differs."""
    login = {"username": "ana", "password": PASSWORD}
    ca_file = certificates.ca
    return smtp(port, **{"host": "localhost", "security": "starttls", "ca_file": ca_file, **login, **settings})


@pytest.mark.needs("openssl")
def test_with_starttls_and_a_password_every_byte_of_an_attachment_arrives(
    starttls: Mailbox, certificates: Certificates
) -> None:
    before = len(starttls.mails())
    SmtpMailer(secret(starttls.port, certificates)).send(BIG)

    arrived = starttls.mails()[before:]
    assert [[part.get_content() for part in mail.message().iter_attachments()] for mail in arrived] == [[BYTES]]


@pytest.mark.needs("openssl")
def test_with_encryption_from_the_start_and_a_password_a_mail_arrives(
    tmp_path: Path, certificates: Certificates
) -> None:
    options = [
        "--tls-mode",
        "implicit",
        "--tls-cert",
        str(certificates.certificate),
        "--tls-key",
        str(certificates.key),
    ]
    with running_mailbox(tmp_path, *options, auth=f"ana:{PASSWORD}") as mailbox:
        SmtpMailer(secret(mailbox.port, certificates, security="tls")).send(MAIL)
        with pytest.raises(ServiceUnavailableError, match="535"):
            SmtpMailer(secret(mailbox.port, certificates, security="tls", password="wrong")).send(MAIL)

        assert [mail.message_id for mail in mailbox.mails()] == ["<job-7@tasks.example>"]


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wr0ng-secret"}, "535 5.7.8 Authentication credentials invalid"),
        ({"username": None, "password": None}, "530 5.7.0 Authentication required"),
        ({"security": "none", "username": None, "password": None}, "530 Must issue a STARTTLS command first"),
        ({"security": "none"}, "AUTH extension not supported"),
        ({"security": "tls"}, "WRONG_VERSION_NUMBER"),
        ({"ca_file": None}, "certificate verify failed"),
        ({"host": "127.0.0.1"}, "certificate verify failed"),
    ],
    ids=[
        "wrong password",
        "no password",
        "no encryption",
        "password in clear",
        "other tls",
        "unknown ca",
        "other name",
    ],
)
def test_what_keeps_every_mail_back_is_transient_and_nothing_is_sent_with_less_security(
    starttls: Mailbox, certificates: Certificates, changes: dict[str, object], words: str
) -> None:
    before = len(starttls.mails())
    mailer = SmtpMailer(secret(starttls.port, certificates, **changes))

    with pytest.raises(ServiceUnavailableError) as caught:
        mailer.send(MAIL)

    assert words in str(caught.value)
    assert "wr0ng-secret" not in str(caught.value)
    assert len(starttls.mails()) == before


def test_a_server_without_encryption_gets_nothing_when_it_is_asked_for(tmp_path: Path) -> None:
    with running_mailbox(tmp_path) as mailbox:
        with pytest.raises(ServiceUnavailableError, match="STARTTLS extension not supported"):
            SmtpMailer(smtp(mailbox.port, security="starttls")).send(MAIL)

        assert mailbox.mails() == []


@pytest.mark.needs("openssl")
def test_a_check_connects_and_logs_in_and_sends_nothing(starttls: Mailbox, certificates: Certificates) -> None:
    before = len(starttls.mails())

    SmtpMailer(secret(starttls.port, certificates)).check()
    with pytest.raises(ServiceUnavailableError, match="535"):
        SmtpMailer(secret(starttls.port, certificates, password="wrong")).check()

    assert len(starttls.mails()) == before


def test_where_nobody_listens_is_transient() -> None:
    with pytest.raises(ServiceUnavailableError, match=r"cannot be used: .*Connection refused"):
        SmtpMailer(smtp(free_port())).send(MAIL)


@pytest.mark.parametrize("host", ["no such host", "a..b"])
def test_a_host_name_that_nobody_has_is_transient(host: str) -> None:
    with pytest.raises(ServiceUnavailableError, match="cannot be used"):
        SmtpMailer(smtp(25, host=host)).send(MAIL)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ({"banner": "421 too many connections"}, ServiceUnavailableError),
        ({"banner": "554 no service for you"}, ServiceUnavailableError),
        ({"banner": "hello, who is there"}, ServiceUnavailableError),
        ({"banner": BREAK}, ServiceUnavailableError),
        ({"EHLO": "550 go away", "HELO": "550 go away"}, ServiceUnavailableError),
        ({"AUTH": "454 4.7.0 temporary trouble"}, ServiceUnavailableError),
        ({"AUTH": "535 5.7.8 wrong password"}, ServiceUnavailableError),
        ({"MAIL": "550 5.1.8 bad sender"}, ServiceRefusedError),
        ({"MAIL": "552 5.3.4 too big"}, ServiceRefusedError),
        ({"MAIL": "530 5.7.0 authenticate first"}, ServiceUnavailableError),
        ({"MAIL": "451 4.3.0 later"}, ServiceUnavailableError),
        ({"MAIL": BREAK}, ServiceUnavailableError),
        ({"RCPT": "550 5.1.1 unknown"}, ServiceRefusedError),
        ({"RCPT": "450 4.2.0 greylisted"}, ServiceUnavailableError),
        ({"RCPT": "421 closing down"}, ServiceUnavailableError),
        ({"RCPT": BREAK}, ServiceUnavailableError),
        ({"DATA": "554 5.5.1 no"}, ServiceRefusedError),
        ({"DATA": "451 4.3.0 later"}, ServiceUnavailableError),
        ({"DATA": BREAK}, ServiceUnavailableError),
        ({"content": "554 5.7.1 looks like spam"}, ServiceRefusedError),
        ({"content": "552 5.2.2 mailbox full"}, ServiceRefusedError),
        ({"content": "452 4.3.1 disk full"}, ServiceUnavailableError),
        ({"content": BREAK}, ServiceUnavailableError),
        ({"content": "nonsense"}, ServiceUnavailableError),
    ],
    ids=lambda value: " ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else value.__name__,
)
def test_every_answer_of_a_server_is_permanent_or_transient(script: dict[str, str], error: type[Exception]) -> None:
    with scripted_smtp(script) as port, pytest.raises(error) as caught:
        SmtpMailer(smtp(port, username="ana", password="secret-word")).send(MAIL)

    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("step", ["banner", "EHLO", "MAIL", "RCPT", "DATA", "content"])
def test_a_server_that_falls_silent_is_transient_after_the_timeout(step: str) -> None:
    with scripted_smtp({step: SILENCE}) as port:
        started = time.monotonic()
        with pytest.raises(ServiceUnavailableError, match="timed out"):
            SmtpMailer(smtp(port, timeout=0.2)).send(MAIL)

        assert time.monotonic() - started < 5


@pytest.mark.parametrize("farewell", [BREAK, "421 now go"])
def test_a_mail_that_was_taken_is_sent_whatever_happens_to_the_connection_afterwards(farewell: str) -> None:
    with scripted_smtp({"QUIT": farewell}) as port:
        sent = SmtpMailer(smtp(port)).send(MAIL)

    assert sent.answer == "250 2.0.0 queued as 42"


def test_when_one_of_two_recipients_is_refused_the_content_is_never_handed_over() -> None:
    script = {"RCPT eva@kontor.example": "550 5.1.1 unknown", "DATA": "250 this must not be asked"}
    with scripted_smtp(script) as port, pytest.raises(ServiceRefusedError, match=r"nobody got it: eva@kontor\.example"):
        SmtpMailer(smtp(port)).send(replace(MAIL, to=(ANA, Address(email="eva@kontor.example"))))


def test_a_server_killed_while_mails_are_on_the_way_loses_none_that_it_took_and_keeps_no_half_one(
    tmp_path: Path,
) -> None:
    for moment in (0.0, 0.02, 0.05):
        with running_mailbox(tmp_path) as mailbox, ThreadPoolExecutor(3) as senders:
            before = len(mailbox.mails())
            mailer = SmtpMailer(smtp(mailbox.port))
            outcomes = [senders.submit(mailer.send, BIG) for _ in range(16)]
            assert wait(outcomes, timeout=20, return_when=FIRST_COMPLETED).done
            time.sleep(moment)  # not to wait for anything: to kill at another moment each time
            mailbox.process.kill()
            errors = [outcome.exception() for outcome in outcomes]

        assert {type(error) for error in errors} == {type(None), ServiceUnavailableError}
        assert len(mailbox.mails()) - before >= errors.count(None)
    for mail in mailbox.mails():
        assert [part.get_content() for part in mail.message().iter_attachments()] == [BYTES]


def test_a_server_killed_after_it_froze_is_transient(tmp_path: Path) -> None:
    with running_mailbox(tmp_path) as mailbox, ThreadPoolExecutor(1) as sender:
        os.kill(mailbox.process.pid, signal.SIGSTOP)
        outcome = sender.submit(SmtpMailer(smtp(mailbox.port)).send, MAIL)
        assert outcome.done() is False
        mailbox.process.kill()

        assert isinstance(outcome.exception(), ServiceUnavailableError)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": None}, "TASKS_SMTP__HOST"),
        ({"username": "ana"}, "together, or neither"),
        ({"password": "secret"}, "together, or neither"),
        ({"username": "ana", "password": "hasło"}, "only have ASCII"),
        ({"sender": "Kontor <billing@kontor.example>"}, "is no mail address"),
        ({"security": "tls", "ca_file": "/nowhere/ca.pem"}, "holds no certificates"),
        ({"security": "tls", "ca_file": __file__}, "holds no certificates"),
    ],
    ids=["no host", "no password", "no user", "other letters", "sender", "no file", "no certificate"],
)
def test_settings_that_cannot_work_are_named_at_once(settings: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as caught:
        SmtpMailer(smtp(25, **settings))
    assert "hasło" not in str(caught.value)
