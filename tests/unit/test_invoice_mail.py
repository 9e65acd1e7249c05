from __future__ import annotations

from dataclasses import replace

import jinja2
import pytest

from sample_invoices import RECIPIENT, SENDER, invoice_of, line
from tasks_platform.errors import ServiceRefusedError
from tasks_platform.services.invoice_mail import file_name, invoice_mail
from tasks_platform.services.mail_templates import write
from tasks_platform.services.mailer import Address, Attachment

INVOICE = invoice_of(line(1, "Advice", "1234.5", "96"))


def test_an_invoice_goes_to_its_recipient_and_answers_go_to_its_sender() -> None:
    mail = invoice_mail(INVOICE, b"%PDF", message_id="<job-7@tasks.example>")

    assert mail.message_id == "<job-7@tasks.example>"
    assert mail.to == (Address(email="faktury@zazolc.example", name="Zażółć Gęślą Jaźń Sp. z o.o."),)
    assert mail.reply_to == Address(email="billing@kontor.example", name="Kontor Beratung GmbH")
    assert mail.sender_name == "Kontor Beratung GmbH"
    assert mail.attachments == (
        Attachment(name="INV-2026-10-007.pdf", content=b"%PDF", content_type="application/pdf"),
    )


def test_it_says_what_has_to_be_paid_until_when_and_how() -> None:
    mail = invoice_mail(INVOICE, b"%PDF", message_id="<job-7@tasks.example>")

    assert mail.subject == "Invoice INV-2026-10-007 from Kontor Beratung GmbH"
    assert (
        mail.text
        == """Dear Zażółć Gęślą Jaźń Sp. z o.o.,

Thank you for working with us. Attached is invoice INV-2026-10-007
for 1 \N{EN DASH} 31 October 2026.

Total:  EUR 141,029.28
Due:    2 December 2026

Payable within 30 days without deduction.
Hamburger Sparkasse, IBAN DE02 2005 0550 1015 8717 06, BIC HASPDEHHXXX
Reference INV-2026-10-007

If anything looks wrong, simply answer this mail.

Kind regards
Kontor Beratung GmbH
"""
    )


def test_the_html_says_the_same_with_its_styles_in_the_elements() -> None:
    html = invoice_mail(INVOICE, b"%PDF", message_id="<job-7@tasks.example>").html

    for words in ("Dear Zażółć", "INV-2026-10-007", "EUR 141,029.28", "2 December 2026", "IBAN DE02 2005"):
        assert words in html
    assert '<p style="' in html
    assert "<style" not in html
    assert "http" not in html


def test_names_are_text_in_html_too() -> None:
    recipient = replace(RECIPIENT, name="<script>alert(1)</script> & {{ 7 * 7 }}")
    mail = invoice_mail(replace(INVOICE, recipient=recipient), b"%PDF", message_id="<job-7@tasks.example>")

    assert "<script>" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{ 7 * 7 }}" in mail.html
    assert "Dear <script>alert(1)</script> & {{ 7 * 7 }}," in mail.text


def test_without_payment_terms_and_sender_address_nothing_is_left_open() -> None:
    invoice = replace(INVOICE, payment_terms=(), sender=replace(SENDER, email=""))
    mail = invoice_mail(invoice, b"%PDF", message_id="<job-7@tasks.example>")

    assert "Due:    2 December 2026\n\nIf anything looks wrong" in mail.text
    assert mail.reply_to is None


def test_a_recipient_without_a_mail_address_is_a_refusal_that_names_them() -> None:
    invoice = replace(INVOICE, recipient=replace(RECIPIENT, email=""))

    with pytest.raises(ServiceRefusedError, match=r"INV-2026-10-007 cannot be mailed: Zażółć .* has no mail address"):
        invoice_mail(invoice, b"%PDF", message_id="<job-7@tasks.example>")


def test_a_template_that_asks_for_what_is_not_there_fails() -> None:
    with pytest.raises(jinja2.UndefinedError):
        write("invoice", number="INV-7")


@pytest.mark.parametrize(
    ("number", "name"), [("INV-7", "INV-7.pdf"), ("2026/10/7", "2026-10-7.pdf"), ("a\\b", "a-b.pdf")]
)
def test_the_document_is_named_after_the_invoice(number: str, name: str) -> None:
    assert file_name(number) == name
