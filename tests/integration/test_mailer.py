"""What every mailer promises: the one that speaks SMTP, and its twin in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import pytest

from mailbox_server import Mailbox, running_mailbox
from sample_invoices import invoice_of, line
from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError
from tasks_platform.services.invoice_mail import invoice_mail
from tasks_platform.services.mailer import Address, Attachment, Mail, Mailer
from tasks_platform.services.memory_mailer import MemoryMailer
from tasks_platform.services.smtp_mailer import SmtpMailer
from tasks_platform.settings import Smtp

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED = "gone@refusing.example"
REFUSED_DOMAIN = "refusing-all.example"
DEFERRED = "later@busy.example"
ANA = Address(email="ana@kontor.example", name="Ana")
MAIL = Mail(message_id="<job-7@tasks.example>", to=(ANA,), subject="Invoice", text="Dear Ana")


@dataclass(frozen=True)
class Arrived:
    """What the other side sees of a mail."""

    message_id: str
    to: tuple[str, ...]
    subject: str
    attachments: tuple[str, ...]


class Sending(Protocol):
    """A mailer, and a look at the other side."""

    @property
    def mailer(self) -> Mailer: ...

    def arrived(self) -> list[Arrived]: ...


class InMemory:
    """The twin, where what was sent has arrived."""

    def __init__(self) -> None:
        self.mailer = MemoryMailer(refuse=(REFUSED, REFUSED_DOMAIN), defer=(DEFERRED,))

    def arrived(self) -> list[Arrived]:
        return [
            Arrived(
                mail.message_id,
                tuple(address.email for address in mail.to),
                mail.subject,
                tuple(attachment.name for attachment in mail.attachments),
            )
            for mail in self.mailer.sent
        ]


class OverSmtp:
    """The real one, and the folder of a real server."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._before = {mail.path for mail in mailbox.mails()}
        self.mailer = SmtpMailer(Smtp(host="127.0.0.1", port=mailbox.port, security="none"))

    def arrived(self) -> list[Arrived]:
        new = [mail for mail in self._mailbox.mails() if mail.path not in self._before]
        return [Arrived(mail.message_id, mail.to, mail.subject, mail.attachments) for mail in new]


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    rules = ["--refuse", REFUSED, "--refuse", REFUSED_DOMAIN, "--defer", DEFERRED]
    with running_mailbox(tmp_path_factory.mktemp("mailbox"), *rules) as mailbox:
        yield mailbox


@pytest.fixture(params=["smtp", "memory"])
def sending(request: pytest.FixtureRequest, mailbox: Mailbox) -> Sending:
    return InMemory() if request.param == "memory" else OverSmtp(mailbox)


def test_a_mail_arrives_and_the_answer_is_told(sending: Sending) -> None:
    sent = sending.mailer.send(MAIL)

    assert sent.message_id == "<job-7@tasks.example>"
    assert sent.answer.startswith("250 2.0.0 OK ")
    assert sending.arrived() == [Arrived("<job-7@tasks.example>", ("ana@kontor.example",), "Invoice", ())]


def test_an_invoice_arrives_with_its_document(sending: Sending) -> None:
    sending.mailer.send(invoice_mail(invoice_of(line(1, "Advice")), b"%PDF", message_id="<8@tasks.example>"))

    assert sending.arrived() == [
        Arrived(
            "<8@tasks.example>",
            ("faktury@zazolc.example",),
            "Invoice INV-2026-10-007 from Kontor Beratung GmbH",
            ("INV-2026-10-007.pdf",),
        )
    ]


def test_every_recipient_gets_the_mail(sending: Sending) -> None:
    sending.mailer.send(replace(MAIL, to=(ANA, Address(email="eva@kontor.example"))))

    assert [mail.to for mail in sending.arrived()] == [("ana@kontor.example", "eva@kontor.example")]


def test_any_letter_arrives(sending: Sending) -> None:
    subject, name = "Zażółć gęślą jaźń, Ωμέγα 漢字 🚀", "Rechnung Łódź 2026.pdf"
    sending.mailer.send(replace(MAIL, subject=subject, attachments=(Attachment(name=name, content=b"%PDF"),)))

    assert [(mail.subject, mail.attachments) for mail in sending.arrived()] == [(subject, (name,))]


def test_a_mail_sent_twice_arrives_twice_under_one_message_id(sending: Sending) -> None:
    sending.mailer.send(MAIL)
    sending.mailer.send(MAIL)

    assert [mail.message_id for mail in sending.arrived()] == ["<job-7@tasks.example>"] * 2


@pytest.mark.parametrize("address", [REFUSED, REFUSED.upper(), f"anybody@{REFUSED_DOMAIN}"])
def test_a_refused_recipient_is_permanent_and_named_with_the_answer(sending: Sending, address: str) -> None:
    with pytest.raises(ServiceRefusedError) as caught:
        sending.mailer.send(replace(MAIL, to=(Address(email=address),)))

    assert f"{address}: 550 5.1.1 No such user here" in str(caught.value)
    assert "<job-7@tasks.example>" in str(caught.value)
    assert sending.arrived() == []


def test_a_deferred_recipient_is_transient(sending: Sending) -> None:
    with pytest.raises(ServiceUnavailableError, match=r"later@busy\.example: 451 4\.7\.1 Try again later"):
        sending.mailer.send(replace(MAIL, to=(Address(email=DEFERRED),)))

    assert sending.arrived() == []


def test_when_one_of_many_is_refused_for_good_nobody_gets_the_mail_and_it_is_permanent(sending: Sending) -> None:
    with pytest.raises(
        ServiceRefusedError, match=r"later@busy\.example: 451 .*; gone@refusing\.example: 550"
    ) as caught:
        sending.mailer.send(replace(MAIL, to=(ANA, Address(email=DEFERRED), Address(email=REFUSED))))

    assert "ana@kontor.example" not in str(caught.value)
    assert sending.arrived() == []


def test_when_one_of_many_is_deferred_nobody_gets_the_mail_and_it_is_transient(sending: Sending) -> None:
    with pytest.raises(ServiceUnavailableError, match="nobody got it"):
        sending.mailer.send(replace(MAIL, to=(ANA, Address(email=DEFERRED))))

    assert sending.arrived() == []


@pytest.mark.parametrize(
    "mail",
    [
        replace(MAIL, to=()),
        replace(MAIL, to=(Address(email="no address"),)),
        replace(MAIL, to=(ANA, Address(email="żaba@kontor.example"))),
        replace(MAIL, subject="Invoice\r\nBcc: evil@evil.example"),
        replace(MAIL, message_id="job-7"),
    ],
)
def test_what_cannot_be_sent_anywhere_is_permanent(sending: Sending, mail: Mail) -> None:
    with pytest.raises(ServiceRefusedError):
        sending.mailer.send(mail)

    assert sending.arrived() == []
