"""Invoices of every size and temper for tests of documents and mails."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tasks_platform.services.invoice import Invoice, Line, Party

CENT = Decimal("0.01")

SENDER = Party(
    name="Kontor Beratung GmbH",
    address=("Speicherstadt 14", "20457 Hamburg", "Germany"),
    tax_id="DE129274202",
    email="billing@kontor.example",
)
RECIPIENT = Party(
    name="Zażółć Gęślą Jaźń Sp. z o.o.",
    address=("ul. Świętojańska 7", "81-368 Gdynia", "Poland"),
    tax_id="PL5862001234",
    email="faktury@zazolc.example",
)
TERMS = (
    "Payable within 30 days without deduction.",
    "Hamburger Sparkasse, IBAN DE02 2005 0550 1015 8717 06, BIC HASPDEHHXXX",
    "Reference INV-2026-10-007",
)


def line(number: int, description: str, hours: str = "7.25", rate: str = "96.00") -> Line:
    """Return a line whose amount follows from the other two."""
    amount = (Decimal(hours) * Decimal(rate)).quantize(CENT, ROUND_HALF_UP)
    return Line(number=number, description=description, hours=Decimal(hours), rate=Decimal(rate), amount=amount)


def invoice_of(*lines: Line, tax_rate: str = "0.19", **changes: object) -> Invoice:
    """Return an invoice of *lines* whose sums add up."""
    subtotal = sum((each.amount for each in lines), Decimal("0.00"))
    tax = (subtotal * Decimal(tax_rate)).quantize(CENT, ROUND_HALF_UP)
    invoice = Invoice(
        number="INV-2026-10-007",
        issued_on=date(2026, 11, 2),
        due_on=date(2026, 12, 2),
        period=(date(2026, 10, 1), date(2026, 10, 31)),
        currency="EUR",
        sender=SENDER,
        recipient=RECIPIENT,
        lines=lines,
        tax_rate=Decimal(tax_rate),
        subtotal=subtotal,
        tax=tax,
        total=subtotal + tax,
        payment_terms=TERMS,
    )
    return replace(invoice, **changes)  # type: ignore[arg-type]  # the tests' own fields


def invoice_with(count: int) -> Invoice:
    """Return an invoice of *count* lines of different lengths."""
    work = ("Data platform, migration of the warehouse", "Support", "Workshop with the finance team on closing months")
    return invoice_of(
        *(line(n, work[n % 3], f"{n * 3 % 170}.25", f"{90 + n % 4 * 12}.50") for n in range(1, count + 1))
    )
