from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses

import pytest
from hypothesis import strategies as st

from property_tests import given
from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.mail_message import message_of
from tasks_platform.services.mailer import Address, Attachment, Mail

MAIL = Mail(
    message_id="<job-7@tasks.example>",
    to=(Address(email="ana@kontor.example", name="Ana"),),
    subject="Invoice",
    text="Dear Ana",
)


def sent(mail: Mail) -> EmailMessage:
    """Return *mail* as the other side reads it."""
    return message_from_bytes(message_of(mail, sender="billing@tasks.example").as_bytes(), policy=SMTP)


def decoded(message: EmailMessage, header: str) -> str:
    """Return a header as mail programs show it."""
    return str(make_header(decode_header(unfolded(message, header))))


def names(message: EmailMessage, header: str) -> list[tuple[str, str]]:
    """Return display names and addresses as mail programs show them."""
    pairs = getaddresses([unfolded(message, header)])
    return [(str(make_header(decode_header(name))), email) for name, email in pairs]


def unfolded(message: EmailMessage, header: str) -> str:
    """Return a header as it came over the wire; Python's newer reader would decode it, and not always rightly."""
    return str(message_from_bytes(message.as_bytes())[header]).replace("\r\n", "")


def test_a_mail_has_every_header_a_server_asks_for() -> None:
    message = sent(replace(MAIL, sender_name="Kontor", reply_to=Address(email="post@kontor.example", name="Post")))

    assert message["From"] == "Kontor <billing@tasks.example>"
    assert message["To"] == "Ana <ana@kontor.example>"
    assert message["Reply-To"] == "Post <post@kontor.example>"
    assert message["Subject"] == "Invoice"
    assert message["Message-ID"] == "<job-7@tasks.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None


def test_text_comes_before_html_before_attachments() -> None:
    attachment = Attachment(name="a.pdf", content=b"%PDF", content_type="application/pdf")
    message = sent(replace(MAIL, html="<p>Dear Ana</p>", attachments=(attachment,)))

    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]


TEXTS = [
    "Zażółć Gęślą Jaźń Sp. z o.o.",
    "Ω " * 60 + "end",
    "漢字" * 60,
    "x" * 2000,
    "emoji 🚀 " * 20 + "end",
    '"quoted", <a@b> \\ (c); d. [e]',
    "plain words",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_letter_survives_in_every_part(text: str) -> None:
    mail = replace(
        MAIL,
        subject=text,
        sender_name=text,
        to=(Address(email="ana@kontor.example", name=text), Address(email="eva@kontor.example")),
        text=text,
        html=f"<p>{text}</p>",
        attachments=(Attachment(name=f"{text}.pdf", content=b""),),
    )
    wire = message_of(mail, sender="billing@tasks.example").as_bytes()
    message = message_from_bytes(wire, policy=SMTP)
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))

    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78
    assert decoded(message, "Subject") == text
    assert names(message, "From") == [(text, "billing@tasks.example")]
    assert names(message, "To") == [(text, "ana@kontor.example"), ("", "eva@kontor.example")]
    assert plain is not None
    assert plain.get_content().strip() == text
    assert html is not None
    assert html.get_content().strip() == f"<p>{text}</p>"
    assert [part.get_filename() for part in message.iter_attachments()] == [f"{text}.pdf"]


LETTERS = st.text(st.sampled_from("abc .,ąęźćΩäé漢🚀\"'()"), min_size=1, max_size=120)


@given(LETTERS)
def test_no_space_gets_lost_where_a_header_is_folded(text: str) -> None:
    text = re.sub(" +", " ", text).strip() or "x"  # of several in a row, a reader of headers keeps one
    message = sent(replace(MAIL, subject=text, sender_name=text))

    assert decoded(message, "Subject") == text
    assert names(message, "From") == [(text, "billing@tasks.example")]


@pytest.mark.parametrize("length", [20, 66, 70, 76, 100, 250])
def test_a_message_id_of_any_length_arrives_as_it_was_given(length: int) -> None:
    message_id = f"<{'i' * (length - 16)}@tasks.example>"

    assert sent(replace(MAIL, message_id=message_id))["Message-ID"].strip() == message_id


def test_the_bytes_of_an_attachment_survive() -> None:
    content = bytes(range(256)) * 300 + b"\r\n.\r\n\n.\n\r\r\n"
    message = sent(replace(MAIL, attachments=(Attachment(name="a.bin", content=content),)))

    assert [part.get_content() for part in message.iter_attachments()] == [content]


def test_half_a_pair_of_surrogates_in_a_text_is_replaced() -> None:
    body = sent(replace(MAIL, text="a\ud83db")).get_body(("plain",))

    assert body is not None
    assert body.get_content().strip() == "a?b"


INJECTIONS = [
    "x\r\nBcc: evil@evil.example",
    "x\nBcc: evil@evil.example",
    "x\rBcc: evil@evil.example",
    "x\x00y",
    "x\x0by",
    "x\x85Bcc: evil@evil.example",
    "x\u2028Bcc: evil@evil.example",
    "=?utf-8?q?x=0D=0ABcc:_evil@evil.example?=",
    "a =?UTF-8?B?eA0KQmNjOiBldmlsQGV2aWwuZXhhbXBsZQ==?= b",
    "x\ud800y",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("place", ["subject", "sender_name", "to", "reply_to", "attachment"])
def test_a_text_that_could_become_another_header_is_refused(text: str, place: str) -> None:
    mail = {
        "subject": replace(MAIL, subject=text),
        "sender_name": replace(MAIL, sender_name=text),
        "to": replace(MAIL, to=(Address(email="ana@kontor.example", name=text),)),
        "reply_to": replace(MAIL, reply_to=Address(email="ana@kontor.example", name=text)),
        "attachment": replace(MAIL, attachments=(Attachment(name=text, content=b""),)),
    }[place]

    with pytest.raises(ServiceRefusedError, match=r"Mail <job-7@tasks\.example>: the .* A header is one line of text"):
        message_of(mail, sender="billing@tasks.example")


@pytest.mark.parametrize(
    "message_id",
    ["", "job-7", "<>", "<job 7@x>", "<a@b>\r\nBcc: x", "a@b", "<a@b><c@d>", "<ä@b>", "<a@b>\n", f"<{'a' * 247}@b>"],
)
def test_a_malformed_message_id_is_refused(message_id: str) -> None:
    with pytest.raises(ServiceRefusedError, match="is no Message-ID"):
        message_of(replace(MAIL, message_id=message_id), sender="billing@tasks.example")


@pytest.mark.parametrize("content_type", ["", "pdf", "application/pdf; name=x", "a/b\r\nBcc: x", "text/plain\n"])
def test_a_malformed_content_type_is_refused(content_type: str) -> None:
    attachment = Attachment(name="a.pdf", content=b"", content_type=content_type)
    with pytest.raises(ServiceRefusedError, match="is no content type"):
        message_of(replace(MAIL, attachments=(attachment,)), sender="billing@tasks.example")


def test_a_mail_to_nobody_is_refused() -> None:
    with pytest.raises(ServiceRefusedError, match="has no recipient"):
        message_of(replace(MAIL, to=()), sender="billing@tasks.example")
