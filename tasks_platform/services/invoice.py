"""What an invoice says: the value between the books, the document and the mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Party:
    """A sender or a recipient as printed on an invoice."""

    name: str
    #: Address lines below the name, the country last.
    address: tuple[str, ...]
    tax_id: str = ""
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One numbered line: work of one project at one rate."""

    number: int
    description: str
    #: Hours, two places.
    hours: Decimal
    #: Money per hour, in the invoice's currency.
    rate: Decimal
    #: ``hours * rate``, rounded half up to cents.
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """A complete invoice; every sum is already computed and rounded to cents."""

    number: str
    issued_on: date
    due_on: date
    #: First and last day of the period that is billed.
    period: tuple[date, date]
    #: ISO 4217, for example ``EUR``.
    currency: str
    sender: Party
    recipient: Party
    lines: tuple[Line, ...]
    #: For example ``Decimal("0.19")``; zero means none is due.
    tax_rate: Decimal
    #: Why no tax is due, where the law wants it said.
    tax_note: str = ""
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    #: How to pay: bank, account, reference.
    payment_terms: tuple[str, ...] = ()
